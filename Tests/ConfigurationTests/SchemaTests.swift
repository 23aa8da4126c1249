import PenstockBytes
import Testing

@testable import PenstockConfiguration

@Suite("JSON Schema and reference")
struct SchemaTests {
    private static let schema = try? JSONValue(parsing: Configuration.jsonSchema())

    /// Every key of the first issue, as architecture.md lists them.
    private static let keys = [
        "version", "loops", "drain", "shutdown", "server", "listeners", "listeners.name", "listeners.address",
        "listeners.trusted_proxies", "admin.address", "state", "access_log.to", "access_log.format", "log.level",
        "limits.request_line", "limits.head", "limits.fields", "limits.body", "limits.chunk_extensions",
        "limits.pipeline",
        "limits.connections", "limits.connections_per_address", "limits.buffered", "timeouts.head", "timeouts.body",
        "timeouts.body_rate", "timeouts.idle", "timeouts.write", "paths.merge_slashes", "paths.encoded_slashes",
        "include", "defaults.function.timeout", "defaults.upstream.timeouts.connect",
        "defaults.route.headers.request.set",
        "functions.handler", "functions.command", "functions.swift", "functions.protocol", "functions.interpreter",
        "functions.directory", "functions.event", "functions.timeout", "functions.init_timeout", "functions.memory",
        "functions.response_limit", "functions.instances.min", "functions.instances.max", "functions.instances.idle",
        "functions.queue.length", "functions.queue.wait", "functions.environment", "functions.pass_environment",
        "upstreams.endpoints", "upstreams.timeouts.connect", "upstreams.timeouts.first_byte", "upstreams.timeouts.idle",
        "upstreams.keepalive.connections", "upstreams.keepalive.idle", "routes.name", "routes.routes", "routes.prefix",
        "routes.path",
        "routes.trailing_slash", "routes.hosts",
        "routes.listeners", "routes.methods", "routes.priority", "routes.match.headers", "routes.match.query",
        "routes.match.cookies", "routes.match.client_address", "routes.match.cookies.exact",
        "routes.match.cookies.prefix", "routes.match.cookies.suffix", "routes.match.cookies.present",
        "routes.match.cookies.regex",
        "routes.headers.request.set",
        "routes.headers.request.remove", "routes.headers.response.set", "routes.headers.response.remove",
        "routes.rewrite.path", "routes.function", "routes.upstream", "routes.redirect.to", "routes.redirect.status",
        "routes.respond.status", "routes.respond.body", "routes.files.root", "routes.files.index", "routes.timeout",
        "routes.limits.body", "routes.timeouts.body", "routes.example.query",
    ]

    @Test(arguments: keys)
    func `editors know every key, and what it means`(_ key: String) throws {
        var schema = try #require(Self.schema)
        for step in key.split(separator: ".").map(String.init) {
            schema = try #require(Self.property(step, of: schema), "no '\(step)'")
        }
        #expect(schema["description"]?.string?.isEmpty == false)
    }

    /// A key's schema, looked for behind lists, words that stand for none, and names of the file's choice.
    private static func property(_ key: String, of schema: JSONValue) -> JSONValue? {
        if let found = schema["properties"]?[key] { return found }
        if let name = schema["$ref"]?.string?.split(separator: "/").last.map(String.init), name != "variable" {
            return Self.schema?["$defs"]?[name].flatMap { property(key, of: $0) }
        }
        let inner =
            [schema["additionalProperties"], schema["items"]].compactMap { $0 } + (schema["anyOf"]?.array ?? [])
        return inner.lazy.compactMap { property(key, of: $0) }.first
    }

    @Test
    func `no mapping lets unknown keys pass`() throws {
        var open: [String] = []
        Self.visit(try #require(Self.schema), "") { schema, path in
            guard schema["type"]?.string == "object", schema["additionalProperties"] == nil else { return }
            open.append(path)
        }
        #expect(open == [])
    }

    private static func visit(_ schema: JSONValue, _ path: String, _ body: (JSONValue, String) -> Void) {
        body(schema, path)
        for member in schema.object?.members ?? [] { visit(member.value, "\(path)/\(member.key)", body) }
        for (index, element) in (schema.array ?? []).enumerated() { visit(element, "\(path)/\(index)", body) }
    }

    @Test
    func `defaults are what an empty file gives`() throws {
        let schema = try #require(Self.schema)
        #expect(schema["properties"]?["shutdown"]?["properties"]?["timeout"]?["default"] == "30s")
        #expect(schema["properties"]?["loops"]?["default"] == "auto")
        #expect(schema["properties"]?["limits"]?["properties"]?["body"]?["default"] == "none")
        #expect(schema["properties"]?["limits"]?["properties"]?["head"]?["default"] == "64KiB")
        #expect(schema["properties"]?["timeouts"]?["properties"]?["body_rate"]?["default"] == 240)
    }

    @Test(arguments: keys)
    func `the reference tells of every key`(_ key: String) throws {
        let name = try #require(key.split(separator: ".").last)
        #expect(Configuration.reference().contains("| `\(name)` |"))
    }

    @Test
    func `the reference has a section for each mapping, and sound tables`() {
        let lines = Configuration.reference(headingLevel: 2).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count { $0.hasPrefix("## ") } == 57)
        for line in lines where line.hasPrefix("|") {
            var cells = 0
            var previous: Character = " "
            for character in line {
                if character == "|", previous != "\\" { cells += 1 }
                previous = character
            }
            #expect(cells == 5, "\(line)")
        }
    }
}
