import Glibc
import PenstockBytes
import PenstockHTTP
import PenstockPatterns
import PenstockRouting
import TestSupport
import Testing

/// A file of routes, a line of dashes, and requests with what they get.
struct RoutingScript: CustomTestStringConvertible, Sendable {
    let name: String
    let routes: [RouteDescription]
    let requests: [Request]
    var testDescription: String { name }

    /// One line: `METHOD host path[?query] [{field: value; ...}] [@listener] -> expected`; the field `client` is its address.
    struct Request: Sendable {
        var line: String
        var method: String
        var host: String
        var target: String
        var fields: [(String, String)] = []
        var listener = 0
        var expected = ""
    }

    static let all = ["hosts", "paths", "backtracking", "methods", "conditions", "values", "priorities", "slashes"].map(
        RoutingScript.init
    )

    init(_ name: String) {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        self.init(name: name, Self.read("/\(folder)/Cases/\(name).txt"))
    }

    init(name: String, _ text: String) {
        self.name = name
        let parts = text.split(separator: "----------\n")
        routes = parts[0].split(separator: "\n").map(Self.route)
        requests = parts[1].split(separator: "\n").map { Self.request(String($0)) }
    }

    private static func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { preconditionFailure("no file \(path)") }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// `name path [host=..] [methods=..] [listener=..] [priority=..] [both] [client=..] [header.name[=value]] [query...] [cookie...]`.
    ///
    /// A value after `^=` is a prefix, after `$=` a suffix, after `:=` a regular expression; `!` before a name: it is not
    /// there; `~` is a space.
    private static func route(_ line: Substring) -> RouteDescription {
        var words = line.split(separator: "  ").flatMap { $0.split(separator: " ") }.map(String.init)
        let name = words.removeFirst()
        let path = words.removeFirst()
        var route = RouteDescription(name: name, path: PathPattern(stringLiteral: path))
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? String(parts[1]).map { $0 == "~" ? " " : String($0) }.joined() : nil
            switch parts[0] {
            case "host": route.hosts = value?.split(separator: ",").map { HostPattern(stringLiteral: String($0)) } ?? []
            case "methods": route.methods = value?.split(separator: ",").map(String.init) ?? []
            case "listener": route.listeners = [value.flatMap(Int.init) ?? 0]
            case "both": route.takesBothEnds = true
            case "priority": route.priority = value.flatMap(Int.init) ?? 0
            case "client":
                route.clients = (value ?? "").split(separator: ",").map { AddressRange(stringLiteral: String($0)) }
            case let key where key.hasPrefix("header."): route.fields.append(condition(key.dropFirst(7), value))
            case let key where key.hasPrefix("query."): route.query.append(condition(key.dropFirst(6), value))
            case let key where key.hasPrefix("cookie."): route.cookies.append(condition(key.dropFirst(7), value))
            default: preconditionFailure("\(line)")
            }
        }
        return route
    }

    private static func condition(_ key: Substring, _ value: String?) -> RouteDescription.Condition {
        guard let value else {
            return key.first == "!"
                ? .init(name: String(key.dropFirst()), value: .absent) : .init(name: String(key), value: .present)
        }
        let name = String(key.dropLast())
        return switch key.last {
        case "^": .init(name: name, value: .prefix(value))
        case "$": .init(name: name, value: .suffix(value))
        case ":": .init(name: name, value: .regex(RegularExpression(stringLiteral: value)))
        default: .init(name: String(key), value: .exact(value))
        }
    }

    private static func request(_ line: String) -> Request {
        let halves = line.split(separator: " -> ", maxSplits: 1)
        let words = halves[0].split(separator: " ", maxSplits: 3)
        var request = Request(line: line, method: "\(words[0])", host: "\(words[1])", target: "\(words[2])")
        if request.host == "-" { request.host = "" }
        request.expected = String(halves[1])
        guard words.count > 3 else { return request }
        let rest = words[3]
        if rest.hasPrefix("@") { request.listener = Int(rest.dropFirst()) ?? 0 }
        if rest.hasPrefix("{") {
            request.fields = rest.dropFirst().dropLast().split(separator: ";").map { pair in
                let parts = pair.split(separator: ":", maxSplits: 1)
                let value = parts[1].drop { $0 == " " }
                return (String(parts[0].drop { $0 == " " }), String(value))
            }
        }
        return request
    }
}

extension RoutingScript.Request {
    /// Makes the request and calls `body` with it.
    func with<Result>(_ body: (RoutedRequest) throws -> Result) rethrows -> Result {
        let (block, scratch) = (FieldBlock(), MatchScratch())
        defer { withExtendedLifetime((block, scratch)) {} }
        for (name, value) in fields where name != "client" {
            let id: FieldName = name.lowercased() == "cookie" ? .cookie : .other
            Array(name.utf8).withUnsafeBytes { name in
                Array(value.utf8).withUnsafeBytes { block.append(id, name, $0) }
            }
        }
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = Array(parts[0].utf8)
        let query = parts.count > 1 ? Array(parts[1].utf8) : nil
        let known = PenstockHTTP.Method.allCases.first { "\($0.name)" == method } ?? .other
        return try Array(method.utf8).withUnsafeBytes { methodName in
            try Array(host.utf8).withUnsafeBytes { authority in
                try path.withUnsafeBytes { path in
                    try (query ?? []).withUnsafeBytes { bytes in
                        try body(
                            RoutedRequest(
                                method: known,
                                methodName: methodName,
                                authority: authority,
                                path: path,
                                query: query == nil ? nil : bytes,
                                fields: block,
                                listener: listener,
                                client: fields.first { $0.0 == "client" }.flatMap { IPAddress($0.1) },
                                scratch: scratch
                            )
                        )
                    }
                }
            }
        }
    }

    /// What a table answers, in the words of the scripts.
    func answer(of table: RouteTable) -> String {
        with { request in
            var parameters: [Range<Int>] = []
            switch table.match(request, parameters: &parameters) {
            case .notFound: return "404"
            case .methodNotAllowed(let set): return "405 \(Self.allow(set, table))"
            case .options(let set): return "options \(Self.allow(set, table))"
            case .route(let route):
                let path = request.path
                let values = zip(table.parameterNames(of: route), parameters).map { name, range in
                    "\(name)=\(String(decoding: path[range], as: UTF8.self))"
                }
                return ([table.routes[route].name] + values).joined(separator: " ")
            }
        }
    }

    private static func allow(_ set: MethodSet, _ table: RouteTable) -> String {
        var buffer = ByteBuffer()
        table.writeAllow(set, to: &buffer)
        return String(decoding: buffer.readable, as: UTF8.self)
    }
}
