import PenstockBytes

/// Endpoints on a circle of hashes: a key belongs to the next point, so that most keys stay where they are when an
/// endpoint comes or goes (Karger et al., "Consistent hashing and random trees", 1997).
struct HashRing: Sendable {
    private struct Point {
        let hash: UInt64
        let endpoint: Int32
    }

    /// Points for a weight of 1: the share of such an endpoint is true to some 6 percent.
    ///
    /// The same whatever other endpoints there are: otherwise keys would move between those that stay.
    private static let density = 320

    private static let mostPoints = 1 << 20

    private let points: [Point]

    /// Puts endpoints on the circle, by name and address alone: every loop and every gateway finds the same places.
    init(_ endpoints: [EndpointDescription]) {
        let total = endpoints.reduce(0) { $0 + $1.weight }
        var density = Self.density
        while density > 1, density * total > Self.mostPoints { density /= 2 }
        var points: [Point] = []
        points.reserveCapacity(density * total)
        for (index, endpoint) in endpoints.enumerated() {
            var state = StableHash.of(endpoint.name.utf8)
            for _ in 0..<density * endpoint.weight {
                state = StableHash.mix(state &+ 0x9E37_79B9_7F4A_7C15)
                points.append(Point(hash: state, endpoint: Int32(index)))
            }
        }
        self.points = points.sorted { ($0.hash, $0.endpoint) < ($1.hash, $1.endpoint) }
    }

    /// The endpoint of a key: the first on the way round that `isAllowed`; `nil` where none is.
    func endpoint(of hash: UInt64, where isAllowed: (Int) -> Bool) -> Int? {
        guard !points.isEmpty else { return nil }
        var low = 0
        var high = points.count
        while low < high {
            let middle = (low + high) / 2
            if points[middle].hash < hash { low = middle + 1 } else { high = middle }
        }
        for step in 0..<points.count {
            let index = low + step
            let endpoint = Int(points[index < points.count ? index : index - points.count].endpoint)
            if isAllowed(endpoint) { return endpoint }
        }
        return nil
    }
}
