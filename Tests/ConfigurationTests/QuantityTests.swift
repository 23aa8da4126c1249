import Testing

@testable import PenstockConfiguration

@Suite("Durations and sizes")
struct QuantityTests {
    @Test(arguments: [
        ("250ms", 250_000_000), ("3s", 3_000_000_000), ("5m", 300_000_000_000), ("1h", 3_600_000_000_000), ("0s", 0),
        ("007s", 7_000_000_000),
    ])
    func `a duration is a number and its unit`(_ text: String, _ nanoseconds: Int64) throws {
        #expect(try Duration.parse(text).nanoseconds == nanoseconds)
    }

    @Test(arguments: [
        "", "s", "3", "3 s", "-3s", "+3s", "3S", "1.5s", "1m30s", "3us", "3d", "٣s", "3s\n", "99999999999999999999s",
        "9223372036854775807h", "5\u{301}s",
    ])
    func `what is not quite a duration is none`(_ text: String) {
        #expect(throws: Complaint.self) { try Duration.parse(text) }
    }

    @Test(arguments: [("0B", 0), ("512B", 512), ("64KiB", 65_536), ("10MiB", 10_485_760), ("1GiB", 1_073_741_824)])
    func `a size is a number and its unit`(_ text: String, _ bytes: Int) throws {
        #expect(try Size.parse(text) == bytes)
        #expect(Size.written(bytes) == text)
    }

    @Test(arguments: [
        "", "64", "64K", "64KB", "64kib", "64 KiB", "KiB", "-1B", "1.5MiB", "1TiB", "9223372036854775807KiB",
    ])
    func `what is not quite a size is none`(_ text: String) {
        #expect(throws: Complaint.self) { try Size.parse(text) }
    }

    @Test(arguments: ["1ms", "250ms", "1s", "90s", "900s", "3600s", "2h", "8760h"])
    func `a duration is written as it is read`(_ text: String) throws {
        #expect(try Duration.parse(text).written == text)
    }

    @Test
    func `a duration beyond 292 years is the longest there is`() {
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect(Duration.seconds(9_223_372_036).nanoseconds == 9_223_372_036_000_000_000)
    }
}
