import PenstockNetworking
import Testing

@testable import PenstockTransport

@Suite("How many connections there may be")
struct ConnectionLimitsTests {
    private let limits = ConnectionLimits()

    /// Another address for each number, and another port for each connection.
    private static func peer(_ number: UInt8, port: UInt16 = 1) -> SocketAddress {
        SocketAddress(ipv4: [192, 0, 2, number], port: port)
    }

    @Test func `without limits everybody fits`() {
        for port in 0..<1000 { #expect(limits.enter(Self.peer(1, port: UInt16(port)))) }
        #expect(limits.count == 1000)
        #expect(!limits.isFull)
    }

    @Test func `who leaves makes room`() {
        limits.set(total: 2, perAddress: nil)
        #expect(limits.enter(Self.peer(1)))
        #expect(limits.enter(Self.peer(2)))
        #expect(limits.isFull)
        #expect(!limits.enter(Self.peer(3)))
        limits.leave(Self.peer(1))
        #expect(!limits.isFull)
        #expect(limits.enter(Self.peer(3)))
        #expect(limits.count == 2)
    }

    @Test func `an address has its own limit, whatever its ports`() {
        limits.set(total: nil, perAddress: 2)
        for port in [1, 2] as [UInt16] { #expect(limits.enter(Self.peer(1, port: port))) }
        #expect(!limits.enter(Self.peer(1, port: 3)))
        #expect(limits.enter(Self.peer(2)))
        #expect(limits.count == 3, "who did not fit does not count")
        limits.leave(Self.peer(1, port: 1))
        #expect(limits.enter(Self.peer(1, port: 3)))
        #expect(!limits.isFull, "an address that is full is not everybody's concern")
    }

    @Test func `a lower limit lets those stay who are there`() {
        for number in 1...5 { #expect(limits.enter(Self.peer(UInt8(number)))) }
        limits.set(total: 3, perAddress: 1)
        #expect(limits.count == 5)
        #expect(!limits.enter(Self.peer(6)))
        for number in 1...3 { limits.leave(Self.peer(UInt8(number))) }
        #expect(limits.enter(Self.peer(6)))
        #expect(!limits.enter(Self.peer(6)))
    }
}
