import PenstockConfiguration
import PenstockNetworking
import PenstockReverseProxy

extension EndpointDescription {
    /// The endpoints that a configured one stands for: one for each address of the family that has more of them.
    ///
    /// - Parameters:
    ///   - endpoint: as configured.
    ///   - addresses: what its name stands for; the other family's are tried where these do not answer.
    /// - Returns: as many as there are; none where there is no address.
    static func list(_ endpoint: Configuration.Endpoint, _ addresses: [SocketAddress]) -> [EndpointDescription] {
        let ipv6 = addresses.filter { $0.family == .ipv6 }
        let others = addresses.filter { $0.family != .ipv6 }
        let (first, second) = ipv6.count >= others.count ? (ipv6, others) : (others, ipv6)
        let name = "\(endpoint.place)"
        return first.enumerated().map { index, address in
            EndpointDescription(
                name: first.count == 1 ? name : "\(name) (\(address.host))",
                authority: endpoint.authority,
                addresses: second.isEmpty ? [address] : [address, second[index % second.count]],
                weight: endpoint.weight
            )
        }
    }
}
