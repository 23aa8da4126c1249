import PenstockBytes
import PenstockNetworking
import Testing

@testable import PenstockTransport

@Suite("What a loop uses again")
struct RecyclingTests {
    @Test func `the number of an exchange that has ended names nobody`() throws {
        let context = LoopContext(loop: try EventLoop(index: 3))
        let first = context.takeExchange()
        let number = first.id
        #expect(number.loop == 3)
        #expect(context.exchanges[number] === first)
        first.finish()
        #expect(context.exchanges[number] == nil)
        #expect(context.exchanges.active == 0)
        let second = context.takeExchange()
        #expect(second === first)
        #expect(second.id != number)
        #expect(context.exchanges[number] == nil)
        #expect(context.exchanges[second.id] === second)
    }

    @Test func `exchanges that are under way are different ones`() throws {
        let context = LoopContext(loop: try EventLoop(index: 0))
        let exchanges = (0..<10).map { _ in context.takeExchange() }
        #expect(Set(exchanges.map(\.id)).count == 10)
        #expect(context.exchanges.active == 10)
        for exchange in exchanges { #expect(context.exchanges[exchange.id] === exchange) }
    }

    @Test func `the memory of a buffer is lent again, empty`() {
        let pool = BufferPool()
        var buffer = ByteBuffer()
        pool.lend(to: &buffer)
        buffer.append("secret")
        let address = buffer.readable.baseAddress
        pool.takeBack(&buffer)
        #expect(buffer.capacity == 0)
        pool.lend(to: &buffer)
        #expect(buffer.count == 0)
        buffer.append("x")
        #expect(buffer.readable.baseAddress == address)
    }

    @Test func `the memory of a buffer that has grown large is given up`() {
        let pool = BufferPool()
        var buffer = ByteBuffer()
        pool.lend(to: &buffer)
        let usual = buffer.capacity
        buffer.reserve(1 << 20)
        pool.takeBack(&buffer)
        #expect(buffer.capacity == 0)
        pool.lend(to: &buffer)
        #expect(buffer.capacity == usual)
    }
}
