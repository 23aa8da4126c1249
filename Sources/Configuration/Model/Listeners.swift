public import PenstockPatterns

extension Configuration {
    /// An address that clients connect to.
    public struct Listener: Equatable, Sendable {
        /// Unique; the address as written where the file gives no name.
        public var name: Located<String>

        /// Where it listens.
        public var address: Located<Address>

        /// The peers whose forwarding fields are believed.
        public var trustedProxies: [Located<AddressRange>] = []

        /// Whether connections begin with the header of the PROXY protocol, and their peers name their clients in it.
        public var proxyProtocol: Located<Bool> = .unwritten(false)

        /// What is written here, and wins over the process's.
        public var limits = LimitOverrides()

        /// What is written here, and wins over the process's.
        public var timeouts = TimeoutOverrides()

        /// The one listener of a file that names none: `127.0.0.1:8080`.
        public static let standard = Listener(
            name: .unwritten("public"),
            address: .unwritten(.host(.ip(.loopback), port: 8080))
        )

        /// Whether this peer's forwarding fields are believed.
        public func trusts(_ address: IPAddress) -> Bool {
            trustedProxies.contains { $0.value.contains(address) }
        }
    }

    /// The address of health, readiness and metrics.
    public struct AdminListener: Equatable, Sendable {
        /// Where it listens; a unix socket is made 0600.
        public var address: Located<Address>
    }
}
