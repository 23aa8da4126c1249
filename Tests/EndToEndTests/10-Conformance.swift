import TestSupport
import Testing

/// The raw requests of Tests/Conformance, each through a gateway to an origin that records what reaches it.
@Suite("10 Conformance of HTTP/1.1", .wholeProcess)
struct ConformanceTests {
    @Test func `every case of the corpus is as it should be`() throws {
        let outcome = try ChildProcess.run(
            ["python3", "\(GatewayProcess.repository)/Tests/Conformance/check_h1.py", GatewayProcess.binary],
            seconds: 240
        )
        #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.errors)")
    }
}
