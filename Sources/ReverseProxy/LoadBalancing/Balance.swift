/// Which endpoint gets a request.
public enum Balance: Sendable, Equatable {
    /// One after the other, each as often as its weight says.
    case roundRobin
    /// That with the fewest requests, in relation to its weight.
    case leastRequests
    /// Of two that chance picks, that with fewer requests.
    case randomTwo
    /// The same one for the same key, as long as it is there.
    case hash(HashKey)

    /// Whether requests have to be counted by endpoint.
    public var countsRequests: Bool { self == .leastRequests || self == .randomTwo }

    /// Whether endpoints lie on a ring.
    var needsRing: Bool {
        if case .hash = self { return true }
        return false
    }
}

/// What of a request decides where it goes.
public enum HashKey: Sendable, Equatable {
    /// The value of a field; the name in lower case.
    case header(String)
    /// The value of a cookie.
    case cookie(String)
    /// The value of a parameter of the query, as it came.
    case query(String)
    /// The client's address, behind trusted proxies the one that they tell.
    case clientAddress
}
