import Glibc
import PenstockBytes
import PenstockObservability
import Testing

@Suite("Metric families")
struct MetricFamiliesTests {
    /// What a new metric must be added to; whoever reads dashboards depends on these names.
    private static let golden = String(#filePath.dropLast("MetricFamiliesTests.swift".count)) + "Cases/families.txt"

    private func contents(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var text = ""
        while let byte = Int(exactly: getc(file)), byte >= 0 { text.unicodeScalars.append(UnicodeScalar(UInt8(byte))) }
        return text
    }

    @Test func `names, types and labels are those of the golden file`() {
        let shown = MetricFamily.all.map { "\($0.name) \($0.kind.rawValue) \($0.labels.joined(separator: ","))" }
        let expected = contents(Self.golden).split(separator: "\n").map(String.init)
        #expect(shown.map { $0.hasSuffix(" ") ? String($0.dropLast()) : $0 } == expected)
    }

    @Test(arguments: MetricFamily.all)
    func `a name says its base unit and whether it only rises`(_ family: MetricFamily) {
        #expect(family.name.utf8.allSatisfy { 0x61...0x7A ~= $0 || $0 == 0x5F })
        #expect((family.kind == .counter) == family.name.hasSuffix("_total"))
        let isTime = family.name.contains("_seconds")
        #expect(isTime == (family.unit == .nanoseconds))
        #expect((family.kind == .histogram) == !family.bounds.isEmpty)
        #expect(family.bounds == family.bounds.sorted())
        #expect(family.help.hasSuffix("."))
    }

    @Test func `no label can hold what a stranger chooses`() {
        let allowed: Set = [
            "listener", "route", "target", "method", "status", "function", "upstream", "reason", "state", "result",
            "log", "version", "endpoint",
        ]
        for family in MetricFamily.all { #expect(allowed.isSuperset(of: family.labels), "\(family.name)") }
        #expect(Set(MetricFamily.all.map(\.name)).count == MetricFamily.all.count)
    }

    @Test func `families without series are shown too`() {
        var buffer = ByteBuffer()
        MetricsRegistry().write(to: &buffer)
        let text = String(decoding: buffer.readable, as: UTF8.self)
        for family in MetricFamily.all { #expect(text.contains("# TYPE \(family.name) \(family.kind.rawValue)\n")) }
    }
}
