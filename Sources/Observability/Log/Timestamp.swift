public import PenstockBytes

/// Writes moments as RFC 3339 in UTC with milliseconds: `2026-11-20T21:00:00.123Z`.
///
/// What is the same for a whole second is kept, so most writes copy 20 bytes and compute three digits.
public struct Timestamp: ~Copyable {
    private var second = Int64.min
    private var text = ByteBuffer()

    /// Makes one that has nothing kept yet.
    public init() {}

    /// Appends the moment, given in nanoseconds since 1970-01-01T00:00:00Z, not before.
    public mutating func append(_ wallNanoseconds: Int64, to buffer: inout ByteBuffer) {
        let now = wallNanoseconds / 1_000_000_000
        if now != second { remember(now) }
        buffer.append(text.readable)
        let milliseconds = Int(wallNanoseconds / 1_000_000 % 1_000)
        Self.append(milliseconds, digits: 3, to: &buffer)
        buffer.append(UInt8(0x5A))
    }

    private mutating func remember(_ second: Int64) {
        self.second = second
        let date = Self.civil(day: Int(second / 86_400))
        let clock = Int(second % 86_400)
        text.removeAll()
        Self.append(date.year, digits: 4, to: &text)
        text.append(UInt8(0x2D))
        Self.append(date.month, digits: 2, to: &text)
        text.append(UInt8(0x2D))
        Self.append(date.day, digits: 2, to: &text)
        text.append(UInt8(0x54))
        Self.append(clock / 3_600, digits: 2, to: &text)
        text.append(ASCII.colon)
        Self.append(clock / 60 % 60, digits: 2, to: &text)
        text.append(ASCII.colon)
        Self.append(clock % 60, digits: 2, to: &text)
        text.append(ASCII.dot)
    }

    /// Appends `value` with leading zeros.
    static func append(_ value: Int, digits: Int, to buffer: inout ByteBuffer) {
        var divisor = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            buffer.append(ASCII.zero + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    /// The date of a day counted from 1970-01-01, in the Gregorian calendar.
    ///
    /// Years are taken to begin in March, so that the leap day is the last of its year.
    static func civil(day: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
