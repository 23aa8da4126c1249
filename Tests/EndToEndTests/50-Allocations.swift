import Glibc
import TestSupport
import Testing

/// What requests ask of the heap once everything that they need is there.
@Suite("50 Allocations", .wholeProcess)
struct AllocationTests {
    private static let connections = 4
    private static let warming = 4000
    private static let counted = 2000

    /// Timers, and what the system's library wants now and then.
    private static let housekeeping = 20

    /// The writer of the access log wants something each time that it looks for lines.
    private static let eachLook = 10
    private static let looksPerSecond = 100.0

    /// Connections fall asleep when the machine has no time for them for 50 ms, and to wake up is not free: the calmest
    /// of so many tries counts.
    private static let tries = 5

    @Test(
        arguments: ["/proxied", "/fixed"],
        ["false", "{ to: access.log, format: text }", "{ to: access.log, format: json }"]
    )
    func `requests on kept connections allocate nothing`(_ path: String, log: String) throws {
        let folder = try TemporaryFolder()
        let library = "\(folder.path)/count.so"
        let source = "\(GatewayProcess.repository)/Tests/Allocations/count.c"
        let compiler = try ChildProcess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source])
        try #require(compiler.status == 0, "\(compiler.errors)")
        let upstream = try ScriptedUpstream.echo()
        let text = """
            loops: 1
            access_log: \(log)
            upstreams: { service: { endpoints: ["\(upstream.url)"] } }
            routes:
              - { path: /proxied, upstream: service }
              - { path: /fixed, respond: { body: ok } }
            """
        let count = "\(folder.path)/count"
        let environment = ["LD_PRELOAD": library, "PENSTOCK_TEST_ALLOCATIONS": count]
        try withGateway(text, folder: folder, environment: environment) { gateway throws in
            let clients = try (0..<Self.connections).map { _ in try gateway.connect() }
            func ask(_ times: Int) throws {
                for number in 0..<times {
                    let answer = try clients[number % clients.count].answer("GET \(path)")
                    if answer.status != 200 { throw SupportError("answered \(answer.line)") }
                }
            }
            try ask(Self.warming)
            try #require(Self.read(count) > 100, "nothing is counted")
            var excess = Int.max
            for _ in 0..<Self.tries where excess > 0 {
                let (before, start) = (try Self.read(count), ContinuousClock.now)
                try ask(Self.counted)
                let looks = log == "false" ? 0 : (ContinuousClock.now - start) / .seconds(1) * Self.looksPerSecond
                let allowed = Self.housekeeping + Self.eachLook * Int(looks)
                excess = min(excess, try Self.read(count) - before - allowed)
            }
            #expect(excess <= 0, "\(excess) allocations more than expected in \(Self.counted) requests")
        }
    }

    private static func read(_ path: String) throws -> Int {
        var value = 0
        let file = open(path, O_RDONLY)
        defer { close(file) }
        let size = withUnsafeMutableBytes(of: &value) { Glibc.read(file, $0.baseAddress, $0.count) }
        guard size == MemoryLayout<Int>.size else { throw SupportError.system("read \(path)") }
        return value
    }
}
