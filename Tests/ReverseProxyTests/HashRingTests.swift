import PenstockBytes
import PenstockNetworking
import Testing

@testable import PenstockReverseProxy

@Suite("Hash ring")
struct HashRingTests {
    private static let keys = 20_000

    private static func endpoints(_ weights: [Int]) -> [EndpointDescription] {
        weights.enumerated().map { index, weight in
            EndpointDescription(
                name: "http://10.0.0.\(index):80",
                authority: "",
                addresses: [SocketAddress(ipv4: [10, 0, 0, UInt8(index)], port: 80)],
                weight: weight
            )
        }
    }

    /// The name of the endpoint of each key.
    private static func places(_ endpoints: [EndpointDescription], allowed: (Int) -> Bool = { _ in true }) -> [String] {
        let ring = HashRing(endpoints)
        return (0..<keys).map { key in
            ring.endpoint(of: StableHash.of("key-\(key)".utf8), where: allowed).map { endpoints[$0].name } ?? ""
        }
    }

    @Test(arguments: [[1, 1], [1, 1, 1, 1, 1], [1, 2, 3], [5, 5, 5, 5, 5, 5, 5, 5, 5, 5], [100, 1, 10]])
    func `each endpoint has its share of the keys`(_ weights: [Int]) {
        let endpoints = Self.endpoints(weights)
        let places = Self.places(endpoints)
        for endpoint in endpoints {
            let share = Double(places.count { $0 == endpoint.name }) / Double(Self.keys)
            let wanted = Double(endpoint.weight) / Double(weights.reduce(0, +))
            #expect(share > 0.75 * wanted && share < 1.25 * wanted, "\(endpoint.name): \(share) of \(wanted)")
        }
    }

    @Test(arguments: [2, 3, 5, 10, 30])
    func `when an endpoint goes its keys move, and no others`(_ count: Int) {
        let endpoints = Self.endpoints(Array(repeating: 1, count: count))
        let before = Self.places(endpoints)
        for gone in endpoints.prefix(3) {
            let after = Self.places(endpoints.filter { $0 != gone })
            let moved = zip(before, after).filter { $0 != $1 }
            #expect(Double(moved.count) <= 1.25 / Double(count) * Double(Self.keys))
            #expect(Set(moved.map(\.0)) == [gone.name])
        }
    }

    @Test func `an endpoint that is out is the only one whose keys move`() {
        let endpoints = Self.endpoints([1, 4, 2, 1])
        let before = Self.places(endpoints)
        let after = Self.places(endpoints) { $0 != 1 }
        let moved = zip(before, after).filter { $0 != $1 }
        #expect(Set(moved.map(\.0)) == [endpoints[1].name])
        let none = Self.places(endpoints) { _ in false }
        #expect(Set(none) == [""])
    }
}
