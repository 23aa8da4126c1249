import PenstockConfiguration
import PenstockNetworking
import PenstockPatterns
import PenstockReverseProxy
import PenstockRouting

/// A configuration with everything looked up that may block: shared by all loops, never changed.
final class RunningConfiguration: Sendable {
    let configuration: Configuration
    let table: RouteTable

    /// Each upstream's endpoints.
    let endpoints: [String: [EndpointDescription]]

    /// Looks names up, and builds the route table.
    ///
    /// Blocks: not on a loop.
    ///
    /// - Parameters:
    ///   - configuration: checked, without errors.
    ///   - isInterrupted: whether to give up waiting for a name server.
    /// - Throws: ``GatewayError``, also when it was interrupted.
    init(_ configuration: Configuration, unless isInterrupted: () -> Bool = { false }) throws(GatewayError) {
        self.configuration = configuration
        table = try Self.table(configuration)
        var endpoints: [String: [EndpointDescription]] = [:]
        for upstream in configuration.upstreams {
            var list: [EndpointDescription] = []
            for endpoint in upstream.endpoints {
                let addresses = try Self.resolve(endpoint.value, of: upstream.name.value, unless: isInterrupted)
                list += EndpointDescription.list(endpoint.value, addresses)
            }
            endpoints[upstream.name.value] = list
        }
        self.endpoints = endpoints
    }

    private static func resolve(
        _ endpoint: Configuration.Endpoint,
        of name: String,
        unless isInterrupted: () -> Bool
    ) throws(GatewayError) -> [SocketAddress] {
        switch endpoint.place {
        case .unix(let path): return SocketAddress(path: path).map { [$0] } ?? []
        case .srv: return []
        case .http(let host, let port):
            do throws(ResolutionError) {
                return try SocketAddress.resolve(host.description, port: port, unless: isInterrupted)
            } catch {
                throw GatewayError("upstream '\(name)': \(error)")
            }
        }
    }

    /// The routes as the router knows them.
    static func table(_ configuration: Configuration) throws(GatewayError) -> RouteTable {
        let listeners = Dictionary(
            configuration.listeners.enumerated().map { ($1.name.value, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        let routes = configuration.routes.map { route in
            RouteDescription(
                name: route.name.value,
                path: route.path.value,
                hosts: route.hosts.map(\.value),
                listeners: route.listeners.compactMap { listeners[$0.value] },
                methods: route.methods.map(\.value),
                fields: route.match.headers.map(condition),
                query: route.match.query.map(condition)
            )
        }
        do throws(RouteError) {
            return try RouteTable(routes)
        } catch {
            throw GatewayError("route '\(configuration.routes[error.route].name)': \(error)")
        }
    }

    private static func condition(_ condition: Configuration.Condition) -> RouteDescription.Condition {
        RouteDescription.Condition(name: condition.name.value, value: condition.value)
    }
}
