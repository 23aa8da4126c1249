import PenstockBytes
import PenstockConfiguration
import PenstockNetworking
import PenstockPatterns

extension Gateway {
    /// What a person wants to read when the gateway has started: where it listens, what it serves, what to try.
    public var announcement: String {
        var lines = ["penstock \(GatewayVersion.current) serves \(configuration.file)"]
        for (listener, addresses) in addresses {
            lines.append(row("listener", listener, addresses.map(\.description).joined(separator: ", ")))
        }
        if !adminAddresses.isEmpty {
            lines.append(row("admin", "", adminAddresses.map(\.description).joined(separator: ", ")))
        }
        for function in configuration.functions {
            lines.append(row("function", function.name.value, function.code.summary))
        }
        for upstream in configuration.upstreams {
            let networks = upstream.registration?.networks.map(\.description) ?? []
            let registered = networks.isEmpty ? [] : ["what registers itself from \(networks.joined(separator: ", "))"]
            let places = upstream.endpoints.map(\.description) + registered
            lines.append(row("upstream", upstream.name.value, places.joined(separator: ", ")))
        }
        for route in configuration.routes {
            let methods = route.methods.isEmpty ? "ANY" : route.methods.map(\.value).joined(separator: ",")
            lines.append(row("route", "\(methods) \(route.path)", route.target.summary))
        }
        let tries = requestsToTry
        if !tries.isEmpty { lines.append("try") }
        return (lines + tries.map { "  " + $0 }).joined(separator: "\n")
    }

    private func row(_ kind: String, _ name: String, _ text: String) -> String {
        let left = "  " + kind + String(repeating: " ", count: max(1, 10 - kind.count)) + name
        return left + String(repeating: " ", count: max(1, 40 - left.count)) + text
    }

    /// Up to three requests that this configuration answers, as curl lines.
    private var requestsToTry: [String] {
        guard let (listener, bound) = addresses.first, let address = bound.first, address.family != .unix,
            configuration.listeners.first?.proxyProtocol.value != true
        else { return [] }
        let isAny = address.bytes.allSatisfy { $0 == 0 }
        let authority = isAny ? "127.0.0.1:\(address.port)" : address.description
        let simple = configuration.routes.filter { $0.takesPlainGet(on: listener) }
        // What has an example is meant to be tried.
        let sorted = simple.filter { $0.example != nil } + simple.filter { $0.example == nil }
        return sorted.prefix(3).map { route in
            let pairs = (route.example?.query ?? []).map { "\(Self.encoded($0.name))=\(Self.encoded($0.value))" }
            let query = pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
            // As a shell has it: an escape would be another path.
            let path = route.path.value.text.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "'\\''")
            return "curl -i 'http://\(authority)\(path)\(query)'"
        }
    }

    /// A part of a query: every byte encoded that means anything to a URL or a shell (RFC 3986 section 2.3).
    private static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            if ASCII.isLetter(byte) || ASCII.isDigit(byte) || "-._~".utf8.contains(byte) {
                result.unicodeScalars.append(UnicodeScalar(byte))
            } else {
                result += (byte < 16 ? "%0" : "%") + String(byte, radix: 16)
            }
        }
        return result
    }
}

extension Configuration.Route {
    /// Whether a GET of its path takes it, whatever else the request says.
    fileprivate func takesPlainGet(on listener: String) -> Bool {
        guard hosts.isEmpty, path.value.parameters.isEmpty, match.headers.isEmpty, match.query.isEmpty else {
            return false
        }
        guard listeners.isEmpty || listeners.contains(where: { $0.value == listener }) else { return false }
        return methods.isEmpty || methods.contains { $0.value == "GET" }
    }
}

extension Configuration.Code {
    /// Where the code is, in a few words.
    fileprivate var summary: String {
        switch self {
        case .handler(let handler):
            "\(handler.file):\(handler.function) (\(handler.interpreterPath ?? handler.interpreter.value))"
        case .command(let command): command.arguments.map(\.value).joined(separator: " ")
        case .swift(let name): "swift \(name)"
        }
    }
}
