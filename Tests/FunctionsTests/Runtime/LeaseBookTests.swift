import PenstockSystem
import Testing

@testable import PenstockFunctions

@Suite("Who waits for an instance, and which instances wait")
struct LeaseBookTests {
    private final class Process {}
    private final class Caller {}

    private static func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test
    func `a loop takes its own instance that was used last`() {
        var book = LeaseBook<Process, Caller>(loops: 2)
        let (cold, warm) = (Process(), Process())
        book.add(cold, on: 0, at: Self.at(1))
        book.add(warm, on: 0, at: Self.at(2))
        let taken = book.take(for: 0)
        #expect(taken?.instance === warm && taken?.home == 0)
        #expect(book.idleCount == 1)
    }

    @Test
    func `a loop without one takes the instance that is idle longest elsewhere`() {
        var book = LeaseBook<Process, Caller>(loops: 3)
        let processes = [Process(), Process(), Process()]
        book.add(processes[0], on: 1, at: Self.at(3))
        book.add(processes[1], on: 2, at: Self.at(1))
        book.add(processes[2], on: 2, at: Self.at(2))
        let taken = book.take(for: 0)
        #expect(taken?.instance === processes[1] && taken?.home == 2)
    }

    @Test
    func `nothing is taken from an empty book`() {
        var book = LeaseBook<Process, Caller>(loops: 1)
        let (taken, next) = (book.take(for: 0), book.next(for: 0))
        #expect(taken == nil && next == nil)
    }

    @Test(arguments: [(Int64(0), 0), (1, 0), (2, 0), (3, 1), (50, 1)])
    func `the own loop's first goes first, unless another has waited clearly longer`(
        _ lead: Int64,
        _ served: Int
    ) {
        var book = LeaseBook<Process, Caller>(loops: 2)
        let callers = [Caller(), Caller()]
        book.enqueue(callers[1], on: 1, at: Self.at(100 - lead))
        book.enqueue(callers[0], on: 0, at: Self.at(100))
        let next = book.next(for: 0)
        #expect(next?.waiter === callers[served] && next?.loop == served)
        #expect(book.waitingCount == 1)
    }

    @Test
    func `waiters of one loop are served in the order in which they came`() {
        var book = LeaseBook<Process, Caller>(loops: 1)
        let callers = (0..<200).map { _ in Caller() }
        for (index, caller) in callers.enumerated() { book.enqueue(caller, on: 0, at: Self.at(Int64(index))) }
        let removals = [book.remove(callers[7], on: 0), book.remove(callers[7], on: 0)]
        #expect(removals == [true, false])
        for caller in callers where caller !== callers[7] {
            let next = book.next(for: 0)
            #expect(next?.waiter === caller)
        }
        #expect(book.waitingCount == 0)
    }

    @Test
    func `a position counts who came before on every loop`() {
        var book = LeaseBook<Process, Caller>(loops: 2)
        let callers = (0..<4).map { _ in Caller() }
        for (index, caller) in callers.enumerated() { book.enqueue(caller, on: index % 2, at: Self.at(Int64(index))) }
        for (index, caller) in callers.enumerated() { #expect(book.position(of: caller, on: index % 2) == index) }
        _ = book.next(for: 0)
        #expect(book.position(of: callers[3], on: 1) == 2)
        #expect(book.position(of: callers[0], on: 0) == nil)
    }

    @Test
    func `the longest idle are given up first, as many as may be`() {
        var book = LeaseBook<Process, Caller>(loops: 2)
        let processes = (0..<4).map { _ in Process() }
        for (index, process) in processes.enumerated() { book.add(process, on: 0, at: Self.at(Int64(index))) }
        let taken = book.takeIdle(before: Self.at(2), atMost: 2)
        #expect(taken.map { ObjectIdentifier($0.instance) } == processes[..<2].map { ObjectIdentifier($0) })
        #expect(book.idleCount == 2)
        let more = book.takeIdle(before: Self.at(2), atMost: 9)
        #expect(more.count == 1)
        let removals = [book.remove(processes[3], on: 0), book.remove(processes[3], on: 0)]
        #expect(removals == [true, false])
    }

    @Test
    func `everybody who waits is let go at once`() {
        var book = LeaseBook<Process, Caller>(loops: 2)
        for index in 0..<5 { book.enqueue(Caller(), on: index % 2, at: Self.at(Int64(index))) }
        let loops = book.takeAllWaiters().map(\.loop)
        #expect(loops == [0, 0, 0, 1, 1])
        #expect(book.waitingCount == 0)
    }
}
