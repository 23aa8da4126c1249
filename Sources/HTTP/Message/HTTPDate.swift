public import PenstockBytes

/// Dates as HTTP writes them (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
public enum HTTPDate {
    /// How many bytes an IMF-fixdate has.
    public static let length = 29

    /// The seconds of the years 0 to 9999: a year has four digits.
    private static let writable = -62_167_219_200...253_402_300_799

    /// Writes the IMF-fixdate of `unixSeconds` to the first 29 bytes of `output`: of the nearest second in the years 0
    /// to 9999.
    public static func format(_ unixSeconds: Int, into output: UnsafeMutableRawBufferPointer) {
        let unixSeconds = min(max(unixSeconds, writable.lowerBound), writable.upperBound)
        let days = (unixSeconds - (unixSeconds < 0 ? 86399 : 0)) / 86400
        let seconds = unixSeconds - days * 86400
        let date = civil(days)
        var writer = DateWriter(output: output)
        writer.append(weekdays, name: ((days % 7) + 11) % 7)
        writer.append(", ")
        writer.append(date.day)
        writer.append(" ")
        writer.append(months, name: date.month - 1)
        writer.append(" ")
        writer.append(date.year / 100)
        writer.append(date.year % 100)
        writer.append(" ")
        writer.append(seconds / 3600)
        writer.append(":")
        writer.append(seconds / 60 % 60)
        writer.append(":")
        writer.append(seconds % 60)
        writer.append(" GMT")
    }

    /// Appends the IMF-fixdate of `unixSeconds`.
    public static func append(_ unixSeconds: Int, to output: inout ByteBuffer) {
        output.reserve(length)
        format(unixSeconds, into: output.writable)
        output.commit(length)
    }

    /// The seconds since 1970 of a date in any of the three forms that a recipient has to take; `nil` for other bytes.
    ///
    /// A two-digit year is of the century that puts it at most 50 years after `now`, in seconds since 1970.
    public static func parse(_ bytes: UnsafeRawBufferPointer, now: Int = 0) -> Int? {
        var reader = DateReader(bytes: bytes)
        if bytes.count == length, bytes[3] == ASCII.comma { return reader.readIMF() }
        if bytes.count == 24, bytes[3] == ASCII.space { return reader.readAsctime() }
        return reader.readRFC850(now: now)
    }

    fileprivate static let weekdays: StaticString = "SunMonTueWedThuFriSat"
    fileprivate static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

    /// Year, month and day of a day counted from 1970, in the Gregorian calendar: eras of 400 years, from March on.
    static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// The day, counted from 1970, of a date: the inverse of ``civil(_:)``.
    static func days(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

private struct DateWriter {
    let output: UnsafeMutableRawBufferPointer
    private var count = 0

    init(output: UnsafeMutableRawBufferPointer) { self.output = output }

    mutating func append(_ text: StaticString) {
        for index in 0..<text.utf8CodeUnitCount { put(text.utf8Start[index]) }
    }

    /// The three letters of the name at `index`.
    mutating func append(_ names: StaticString, name index: Int) {
        for offset in 0..<3 { put(names.utf8Start[index * 3 + offset]) }
    }

    /// Two digits.
    mutating func append(_ number: Int) {
        put(ASCII.zero + UInt8(truncatingIfNeeded: number / 10))
        put(ASCII.zero + UInt8(truncatingIfNeeded: number % 10))
    }

    private mutating func put(_ byte: UInt8) {
        output[count] = byte
        count += 1
    }
}

private struct DateReader {
    let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`.
    mutating func readIMF() -> Int? {
        guard name(HTTPDate.weekdays) != nil, skip(", "), let day = number(2), skip(" "),
            let month = name(HTTPDate.months), skip(" "), let year = number(4), skip(" "), let time = time(),
            skip(" GMT")
        else { return nil }
        return finish(year, month + 1, day, time)
    }

    /// `Sunday, 06-Nov-94 08:49:37 GMT`.
    mutating func readRFC850(now: Int) -> Int? {
        guard let comma = bytes.firstIndex(of: ASCII.comma), (6...9).contains(comma), name(HTTPDate.weekdays) != nil
        else { return nil }
        position = comma
        guard skip(", "), let day = number(2), skip("-"), let month = name(HTTPDate.months), skip("-"),
            let short = number(2), skip(" "), let time = time(), skip(" GMT")
        else { return nil }
        let current = HTTPDate.civil(now / 86400).year
        var year = current - current % 100 + short
        if year > current + 50 { year -= 100 }
        if year <= current - 50 { year += 100 }
        return finish(year, month + 1, day, time)
    }

    /// `Sun Nov  6 08:49:37 1994`.
    mutating func readAsctime() -> Int? {
        guard name(HTTPDate.weekdays) != nil, skip(" "), let month = name(HTTPDate.months), skip(" ") else {
            return nil
        }
        let day = skip(" ") ? number(1) : number(2)
        guard let day, skip(" "), let time = time(), skip(" "), let year = number(4) else { return nil }
        return finish(year, month + 1, day, time)
    }

    private func finish(_ year: Int, _ month: Int, _ day: Int, _ time: Int) -> Int? {
        guard position == bytes.count else { return nil }
        let days = HTTPDate.days(year: year, month: month, day: day)
        // A day that the month does not have comes back as another one.
        guard HTTPDate.civil(days) == (year, month, day) else { return nil }
        return days * 86400 + time
    }

    /// `08:49:37`, in seconds; a leap second counts.
    private mutating func time() -> Int? {
        guard let hour = number(2), skip(":"), let minute = number(2), skip(":"), let second = number(2), hour < 24,
            minute < 60, second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    private mutating func skip(_ text: StaticString) -> Bool {
        guard position + text.utf8CodeUnitCount <= bytes.count else { return false }
        for index in 0..<text.utf8CodeUnitCount where bytes[position + index] != text.utf8Start[index] { return false }
        position += text.utf8CodeUnitCount
        return true
    }

    /// The index of the three letters that come next among `names`.
    private mutating func name(_ names: StaticString) -> Int? {
        guard position + 3 <= bytes.count else { return nil }
        for index in 0..<names.utf8CodeUnitCount / 3 {
            let start = names.utf8Start + index * 3
            guard (0..<3).allSatisfy({ bytes[position + $0] == start[$0] }) else { continue }
            position += 3
            return index
        }
        return nil
    }

    private mutating func number(_ digits: Int) -> Int? {
        guard position + digits <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[position..<position + digits] {
            guard ASCII.isDigit(byte) else { return nil }
            value = value * 10 + Int(byte - ASCII.zero)
        }
        position += digits
        return value
    }
}
