import PenstockConfiguration
import PenstockTransport

/// The functions of the gateway: their instances live through reloads that leave them as they are.
final class FunctionSet {
    /// The handler of a route to a function, on one loop.
    func handler(
        for name: String,
        route: Configuration.Route,
        on assembly: LoopAssembly
    ) throws(GatewayError) -> any Handler {
        throw GatewayError("function '\(name)' cannot be run")
    }
}
