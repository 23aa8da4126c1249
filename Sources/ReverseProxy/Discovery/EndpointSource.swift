public import PenstockNetworking

/// What the configuration says of an endpoint: where it is, or whom to ask.
public struct EndpointSource: Hashable, Sendable {
    /// Where to find it.
    public enum Place: Hashable, Sendable {
        /// An address, of a machine or of a unix socket.
        case address(SocketAddress)
        /// The addresses of a host.
        case host(String, port: UInt16)
        /// The hosts of a service, by the name of its SRV records.
        case service(String)
    }

    /// As it is written.
    public let name: String

    /// What a Host field says of it.
    public let authority: String

    public let place: Place

    /// 1...1000, in relation to the other endpoints'.
    public let weight: Int

    /// A source.
    public init(name: String, authority: String, place: Place, weight: Int = 1) {
        self.name = name
        self.authority = authority
        self.place = place
        self.weight = weight
    }

    /// The endpoints at the addresses of its host: one for each of the family that has more of them.
    ///
    /// The other family's are tried where these do not answer: most often the two families are two ways to one machine.
    func endpoints(at addresses: [SocketAddress]) -> [EndpointDescription] {
        let ipv6 = addresses.filter { $0.family == .ipv6 }
        let others = addresses.filter { $0.family != .ipv6 }
        let (first, second) = ipv6.count >= others.count ? (ipv6, others) : (others, ipv6)
        return first.enumerated().map { index, address in
            EndpointDescription(
                name: first.count == 1 ? name : "\(name) (\(address.host))",
                authority: authority,
                addresses: second.isEmpty ? [address] : [address, second[index % second.count]],
                weight: weight
            )
        }
    }

    /// The endpoints of the services that clients are to prefer (RFC 2782), each with its part of the weight.
    func endpoints(of services: [Service]) -> [EndpointDescription] {
        let preferred = services.filter { $0.priority == services[0].priority }
        let most = max(1, preferred.map { Int($0.weight) }.max() ?? 1)
        return preferred.flatMap { service in
            EndpointSource(
                name: "http://\(service.target):\(service.port)",
                authority: service.port == 80 ? service.target : "\(service.target):\(service.port)",
                place: place,
                weight: max(1, min(1000, most <= 1000 ? Int(service.weight) : Int(service.weight) * 1000 / most))
            ).endpoints(at: service.addresses)
        }
    }
}
