import PenstockConfiguration
import PenstockNetworking
import PenstockPatterns

/// Who may register with an upstream, and for how long (trust.md).
struct RegistrationRules: Equatable {
    let networks: [AddressRange]
    let ttl: Duration
    let most: Int

    /// Addresses that no wider network admits: there is more behind them than a service of one's own.
    private static let guarded: [(kind: String, ranges: [String])] = [
        ("a loopback", ["127.0.0.0/8", "::1/128"]),
        ("a link-local", ["169.254.0.0/16", "fe80::/10"]),
        ("an unspecified", ["0.0.0.0/8", "::/128"]),
        ("a multicast", ["224.0.0.0/4", "ff00::/8"]),
        ("a broadcast", ["255.255.255.255/32"]),
    ]

    /// Why an address may not be registered; `nil`: it may.
    func refusal(of address: IPAddress) -> String? {
        let admitting = networks.filter { $0.contains(address) }
        let listed = networks.map(\.description).joined(separator: ", ")
        guard !admitting.isEmpty else { return "\(address) is not in 'registration.networks': \(listed)" }
        for (kind, texts) in Self.guarded {
            let ranges = texts.compactMap(AddressRange.init)
            guard let range = ranges.first(where: { $0.contains(address) }) else { continue }
            guard !admitting.contains(where: range.contains) else { return nil }
            return "\(address) is \(kind) address, which 'registration.networks' has to list itself: "
                + "\(range), or a part of it"
        }
        return nil
    }

    /// Whether the address of an endpoint may be registered.
    func admits(_ address: SocketAddress) -> Bool {
        IPAddress(bytes: address.bytes).map { refusal(of: $0) == nil } ?? false
    }
}

extension RegistrationRules {
    /// What the configuration says.
    init(_ registration: Configuration.Registration) {
        self.init(
            networks: registration.networks.map(\.value),
            ttl: registration.ttl.value,
            most: registration.max.value
        )
    }
}

extension AddressRange {
    /// A range that is written in the program.
    fileprivate init?(_ text: String) {
        let pieces = text.split(separator: "/")
        guard pieces.count == 2, let address = IPAddress(pieces[0]), let prefix = Int(pieces[1]) else { return nil }
        self.init(of: address, prefix: prefix)
    }
}
