import TestSupport
import Testing

/// The tables of Tests/Conformance, run by their own programs: what clients send, and what upstreams answer.
@Suite("10 Conformance of HTTP/1.1", .wholeProcess)
struct ConformanceTests {
    @Test(arguments: ["check_h1.py", "check_chaos.py"])
    func `every case is as it should be`(_ program: String) throws {
        let outcome = try ChildProcess.run(
            ["python3", "\(GatewayProcess.repository)/Tests/Conformance/\(program)", GatewayProcess.binary],
            seconds: 240
        )
        #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.errors)")
    }
}
