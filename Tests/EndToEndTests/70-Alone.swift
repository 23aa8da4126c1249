import Glibc
import TestSupport
import Testing

/// The binary needs nothing beside it: spawner and bootstraps are inside.
@Suite("70 The binary alone", .wholeProcess)
struct AloneTests {
    /// The release is what stands alone; a debug build needs Swift's libraries.
    private static let isRelease = getenv("PENSTOCK_BINARY") != nil

    @Test(.enabled(if: isRelease, "PENSTOCK_BINARY is not set"))
    func `copied into an empty folder it serves a Python function`() throws {
        let folder = try TemporaryFolder()
        let copied = try ChildProcess.run(["cp", GatewayProcess.binary, "\(folder.path)/penstock"])
        #expect(copied.status == 0)
        try folder.write(
            "hello.py",
            """
            def handler(event, context):
                name = event["queryStringParameters"]["name"]
                return f"Hello, {name}!"
            """
        )
        try folder.write(
            "routes.yaml",
            """
            listeners: [{ name: public, address: "\(Loopback.listener)" }]
            functions: { hello: { handler: "hello.py:handler", interpreter: /usr/bin/python3, init_timeout: 60s } }
            routes: [{ path: /hello, function: hello }]
            """
        )
        // No library path, no PATH with Swift on it: what the binary needs is in it or in every Debian.
        let gateway = try ChildProcess(
            ["env", "-i", "PATH=/usr/bin:/bin", "./penstock", "serve"],
            in: folder.path,
            name: "gateway"
        )
        defer { gateway.end() }
        try Deadline.wait(for: "the gateway to listen\n\(gateway.errors)") { gateway.errors.contains("  listener") }
        let line = gateway.errors.split(separator: "\n").first { $0.hasPrefix("  listener") }
        let port = try #require(line?.split(separator: ":").last.flatMap { UInt16($0) })
        let answer = try RawClient(Loopback.port(port)).answer("GET /hello?name=Ada")
        #expect(answer.status == 200)
        #expect(answer.text == "Hello, Ada!")
        gateway.signal(SIGTERM)
        #expect(try gateway.waitForExit() == 0)
    }

    @Test(.enabled(if: isRelease, "PENSTOCK_BINARY is not set"))
    func `it links only what every Debian has`() throws {
        let linked = try ChildProcess.run(["ldd", GatewayProcess.binary])
        let libraries = linked.output.split(separator: "\n").map { line in
            String(line.split(separator: " ")[0].split(separator: "/").last ?? "").filter { $0 != "\t" }
        }
        let usual: Set = [
            "linux-vdso.so.1", "libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2",
            "ld-linux-aarch64.so.1",
        ]
        #expect(usual.isSuperset(of: libraries), "\(libraries)")
    }
}
