import PenstockBytes
import PenstockHTTP
import Testing

@Suite("Dates (RFC 9110 §5.6.7)")
struct HTTPDateTests {
    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (-86_400, "Wed, 31 Dec 1969 00:00:00 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ])
    func `a second has one text, and the text that second`(_ second: Int, _ text: String) {
        #expect(Self.format(second) == text)
        #expect(Self.parse(text) == second)
    }

    @Test(arguments: [
        (-62_167_219_200, "Sat, 01 Jan 0000 00:00:00 GMT"), (-62_167_219_201, "Sat, 01 Jan 0000 00:00:00 GMT"),
        (.min, "Sat, 01 Jan 0000 00:00:00 GMT"), (253_402_300_800, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ])
    func `a year of more than four digits is the nearest one that has four`(_ second: Int, _ text: String) {
        #expect(Self.format(second) == text)
    }

    @Test func `days of seven hundred years come back`() {
        for day in stride(from: -100_000, to: 150_000, by: 11) {
            let second = day * 86_400 + 45_296
            guard Self.parse(Self.format(second)) != second else { continue }
            Issue.record("day \(day)")
            return
        }
    }

    @Test(arguments: [
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Wednesday, 01-Jan-75 00:00:00 GMT", 157_766_400),
        ("Tuesday, 19-Jan-38 03:14:08 GMT", 2_147_483_648),
        ("Sun Nov  6 08:49:37 1994", 784_111_777),
        ("Wed Nov 16 08:49:37 1994", 784_975_777),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
    ])
    func `the obsolete forms are read, and a leap second`(_ text: String, _ second: Int) {
        #expect(Self.parse(text) == second)
    }

    @Test(arguments: [
        "", "x", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 6 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 2100 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov +994 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "784111777",
    ])
    func `anything else is no date`(_ text: String) {
        #expect(Self.parse(text) == nil)
    }

    private static func format(_ second: Int) -> String {
        var output = ByteBuffer()
        HTTPDate.append(second, to: &output)
        return String(decoding: output.readable, as: UTF8.self)
    }

    private static func parse(_ text: String) -> Int? {
        Array(text.utf8).withUnsafeBytes { HTTPDate.parse($0, now: 1_700_000_000) }
    }
}
