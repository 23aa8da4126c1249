internal import PenstockPatterns

extension Address {
    /// Whether the two cannot be listened on by one process at a time.
    func overlaps(_ other: Address) -> Bool {
        switch (self, other) {
        case (.unix(let path), .unix(let second)): return path == second
        case (.unix, _), (_, .unix): return false
        default: break
        }
        guard let port, port != 0, port == other.port else { return false }
        return self == other || takesIn(other) || other.takesIn(self) || isLoopbackByName(other)
            || other.isLoopbackByName(self)
    }

    /// Whether it is `localhost`, and the other one of the addresses that this stands for.
    private func isLoopbackByName(_ other: Address) -> Bool {
        guard case .host(.name("localhost"), _) = self, case .host(.ip(let address), _) = other else { return false }
        return address.isIPv4 ? address == .loopback : address.high == 0 && address.low == 1
    }

    /// Whether it is every address of the other's family.
    private func takesIn(_ other: Address) -> Bool {
        guard case .host(.ip(let address), _) = other else { return self.isEveryAddress && !isIPv6Only }
        switch self {
        case .any: return true
        case .host(.ip(let own), _): return isEveryAddress && own.isIPv4 == address.isIPv4
        default: return false
        }
    }

    private var isEveryAddress: Bool {
        switch self {
        case .any: true
        case .host(.ip(let address), _): address.high == 0 && address.low == 0
        default: false
        }
    }

    private var isIPv6Only: Bool {
        if case .host(.ip(let address), _) = self { return !address.isIPv4 }
        return false
    }
}
