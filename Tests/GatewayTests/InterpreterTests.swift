import TestSupport
import Testing

@testable import PenstockGateway

@Suite("Interpreter")
struct InterpreterTests {
    private func resolve(_ script: String) throws -> String? {
        let folder = try TemporaryFolder()
        try folder.write("python3", "#!/bin/sh\n\(script)\n", mode: 0o755)
        guard case .success(let path) = Interpreter.resolve("\(folder.path)/python3") else { return nil }
        return path
    }

    @Test func `a script is asked for the program that it starts`() throws {
        #expect(try resolve("echo /bin/sh; echo more") == "/bin/sh")
    }

    @Test(arguments: [
        "exit 1", "echo /bin/sh; exit 1", "true", "echo /nowhere/python3", "yes", "sleep 600", "exec >&-; sleep 600",
        "sleep 600 & echo /bin/sh",
    ])
    func `a script that does not say it is refused, within a few seconds`(_ script: String) throws {
        let start = ContinuousClock.now
        #expect(try resolve(script) == nil)
        #expect(ContinuousClock.now - start < .seconds(30))
    }
}
