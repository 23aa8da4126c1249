import PenstockConfiguration
import PenstockPatterns
import PenstockRouting
import PenstockTransport
import Synchronization

/// A configuration and the table of its routes: shared by all loops, never changed.
final class RunningConfiguration: Sendable {
    let configuration: Configuration
    let table: RouteTable

    /// The limits of concurrency, by the names of their routes.
    let limits: [String: ConcurrencyLimit]

    /// The routes that somebody has been told of whose regular expressions took too long.
    private let exhausted = Mutex<Set<Int>>([])

    /// Builds the route table.
    ///
    /// - Parameters:
    ///   - configuration: checked, without errors.
    ///   - previous: the one that runs; limits that stay as they are keep those who are in them.
    /// - Throws: ``GatewayError``.
    init(_ configuration: Configuration, after previous: RunningConfiguration? = nil) throws(GatewayError) {
        self.configuration = configuration
        table = try Self.table(configuration)
        var limits: [String: ConcurrencyLimit] = [:]
        for route in configuration.routes {
            guard let places = route.concurrency.value else { continue }
            let settings = ConcurrencyLimit.Settings(places: places, queue: route.queue)
            let old = previous?.limits[route.name.value]
            limits[route.name.value] = old?.settings == settings ? old : ConcurrencyLimit(settings)
        }
        self.limits = limits
    }

    /// Whether this is the first time that a regular expression of a route took too long.
    func isFirstExhaustion(of route: Int) -> Bool { exhausted.withLock { $0.insert(route).inserted } }

    /// The routes as the router knows them.
    static func table(_ configuration: Configuration) throws(GatewayError) -> RouteTable {
        let listeners = Dictionary(
            configuration.listeners.enumerated().map { ($1.name.value, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        let routes = configuration.routes.map { route in
            RouteDescription(
                name: route.name.value,
                priority: route.priority,
                path: route.path.value,
                takesBothEnds: route.trailingSlash.value != .strict,
                hosts: route.hosts.map(\.value),
                listeners: route.listeners.compactMap { listeners[$0.value] },
                methods: route.methods.map(\.value),
                fields: route.match.headers.map(condition),
                query: route.match.query.map(condition),
                cookies: route.match.cookies.map(condition),
                clients: route.match.clientAddress.map(\.value)
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
