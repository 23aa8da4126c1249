import Glibc
import TestSupport
import Testing

/// The commands of README.md, run as they are written against the shipped routes.yaml, answer what it says.
///
/// Ids, numbers and the paths of interpreters may differ.
@Suite("70 README", .wholeProcess)
struct ReadmeTests {
    private static let readme = TemporaryFolder.contents("\(GatewayProcess.repository)/README.md")

    @Test func `its tour answers what it says`() throws {
        try withTour { folder, gateway throws in
            let blocks = Self.blocks.filter { block in
                ["$ curl ", "$ penstock explain ", "$ penstock invoke "].contains { block[0].hasPrefix($0) }
            }
            #expect(blocks.count >= 14)
            for block in blocks {
                let command = try Self.aimed(String(block[0].dropFirst(2)), at: gateway)
                let ran = try ChildProcess.run(["bash", "-c", command], in: folder.path)
                let expected = block.dropFirst().joined(separator: "\n")
                let wanted = Self.masked(expected)
                #expect(Self.masked(ran.output) == wanted, "\(command)\n\(ran.output)\(ran.errors)\(gateway.log)")
            }
        }
    }

    @Test func `what make run says is what it says`() throws {
        let block = try #require(Self.blocks.first { $0[0].hasPrefix("penstock ") })
        try withTour { _, gateway throws in
            let lines = gateway.log.split(separator: "\n").map(String.init)
            let start = try #require(lines.firstIndex { $0.hasPrefix("penstock ") })
            let said = lines[start..<min(start + block.count, lines.count)]
            #expect(said.map(Self.masked) == block.map(Self.masked))
        }
    }

    @Test func `the mistake is found as it says`() throws {
        let block = try #require(Self.blocks.first { $0[0] == "$ penstock check" })
        let folder = try TemporaryFolder()
        symlink("\(GatewayProcess.repository)/Examples", "\(folder.path)/Examples")
        let yaml = TemporaryFolder.contents("\(GatewayProcess.repository)/routes.yaml")
        try folder.write("routes.yaml", Self.replace("function: hello,", by: "fuction: hello,", in: yaml))
        let ran = try ChildProcess.run([GatewayProcess.binary, "check"], in: folder.path)
        #expect(ran.status == 2)
        let errors = ran.errors.split(separator: "\n").drop { !$0.contains(": error: ") }.map(String.init)
        #expect(errors == Array(block.dropFirst()))
    }

    // MARK: The tour

    /// Serves the shipped routes.yaml, on other ports, beside the example service.
    private func withTour(_ body: (TemporaryFolder, GatewayProcess) throws -> Void) throws {
        let folder = try TemporaryFolder()
        symlink("\(GatewayProcess.repository)/Examples", "\(folder.path)/Examples")
        symlink(GatewayProcess.binary, "\(folder.path)/penstock")
        let service = try ChildProcess(
            ["/usr/bin/python3", "\(GatewayProcess.repository)/Examples/service/service.py", "0"],
            in: folder.path,
            name: "service"
        )
        defer { service.end() }
        try Deadline.wait(for: "the service's port") { service.output.hasSuffix("\n") }
        let port = service.output.filter { $0 != "\n" }
        var yaml = TemporaryFolder.contents("\(GatewayProcess.repository)/routes.yaml")
        for (old, new) in [("127.0.0.1:8080\" }", "127.0.0.1:0\" }"), ("127.0.0.1:9901\" }", "127.0.0.1:0\" }")] {
            yaml = Self.replace(old, by: new, in: yaml)
        }
        yaml = Self.replace("127.0.0.1:9000", by: "127.0.0.1:\(port)", in: yaml)
        try withGateway(yaml, folder: folder) { gateway throws in try body(folder, gateway) }
    }

    /// A command of README, for this gateway.
    private static func aimed(_ command: String, at gateway: GatewayProcess) throws -> String {
        let aimed = [("127.0.0.1:8080", try gateway.port()), ("127.0.0.1:9901", try gateway.port("admin"))].reduce(
            command
        ) {
            replace($1.0, by: "127.0.0.1:\($1.1)", in: $0)
        }
        return "PATH=$PWD:$PATH; \(aimed.hasPrefix("curl ") ? "curl -s \(aimed.dropFirst(5))" : aimed)"
    }

    // MARK: Text

    /// The lines of every fenced block.
    private static let blocks: [[String]] = {
        var blocks: [[String]] = []
        var isInside = false
        for line in readme.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isInside.toggle()
                if isInside { blocks.append([]) }
            } else if isInside {
                blocks[blocks.count - 1].append(String(line))
            }
        }
        return blocks.filter { !$0.isEmpty }
    }()

    /// What must be equal: without ids, hexadecimal words, numbers, week days and months, and what pads columns.
    private static func masked(_ text: String) -> String {
        let lines = text.split(separator: "\r\n").joined(separator: "\n").split(separator: "\n").map { line in
            var line = String(line)
            for pattern in [/\(\/[^)]*\)/, /[0-9a-f]{8}-[0-9a-f-]{27}/, /[0-9]+/] {
                line = line.replacing(pattern, with: "#")
            }
            line = line.replacing(/^date: .*/, with: "date")
            return line.replacing(/\ +/, with: " ")
        }
        return lines.joined(separator: "\n")
    }

    private static func replace(_ old: String, by new: String, in text: String) -> String {
        text.replacing(old, with: new)
    }
}
