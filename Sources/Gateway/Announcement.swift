import PenstockConfiguration
import PenstockNetworking

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
            lines.append(
                row("upstream", upstream.name.value, upstream.endpoints.map(\.description).joined(separator: ", "))
            )
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
        guard let address = addresses.first?.addresses.first, address.family != .unix else { return [] }
        let authority = address.host == "::" ? "127.0.0.1:\(address.port)" : address.description
        let simple = configuration.routes.filter { route in
            route.hosts.isEmpty && route.path.value.parameters.isEmpty && route.match.headers.isEmpty
                && (route.methods.isEmpty || route.methods.contains { $0.value == "GET" })
        }
        // What has an example is meant to be tried.
        let sorted = simple.filter { $0.example != nil } + simple.filter { $0.example == nil }
        return sorted.prefix(3).map { route in
            let query = (route.example?.query ?? []).map { "\($0.name)=\($0.value)" }.joined(separator: "&")
            return "curl -i 'http://\(authority)\(route.path)\(query.isEmpty ? "" : "?" + query)'"
        }
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
