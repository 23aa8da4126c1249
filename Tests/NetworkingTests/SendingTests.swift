import Glibc
import PenstockNetworking
import PenstockSystem
import Testing

@Suite("Sending what has gathered in a round")
struct SendingTests {
    private static let methods: [SendMethod] =
        (try? EventLoop(index: 0, sending: .ring)) == nil ? [.oneByOne] : [.oneByOne, .ring]

    @Test(arguments: methods)
    func `more than one call takes is sent whole, each to its own socket`(_ method: SendMethod) throws {
        let loop = try EventLoop(index: 0, sending: method)
        let talkers = try (0..<600).map { try Talker(Array("number \($0)".utf8)) }
        loop.submit { for talker in talkers { loop.sendAfterRound(talker) } }
        loop.stop()
        loop.run()
        for (index, talker) in talkers.enumerated() {
            #expect(talker.received() == Array("number \(index)".utf8))
            #expect(talker.error == nil)
        }
    }

    @Test(arguments: methods)
    func `a peer that has gone, one that takes no more and one without bytes hurt nobody`(_ method: SendMethod) throws {
        let loop = try EventLoop(index: 0, sending: method)
        let (gone, full, silent, well) = (
            try Talker([1]), try Talker([UInt8](repeating: 2, count: 8_000_000)), try Talker([]), try Talker([3])
        )
        gone.hangUp()
        loop.submit { for talker in [gone, full, silent, well] { loop.sendAfterRound(talker) } }
        full.goesOn = { full.steps.count == 2 ? loop.sendAfterRound(full) : loop.stop() }
        loop.run()
        #expect(gone.error?.errno == EPIPE)
        #expect(full.error == nil)
        #expect(full.sent > 0 && full.sent < 8_000_000)
        #expect(full.steps == ["sent", "after", "sent", "after"])
        #expect(silent.steps == ["after"])
        #expect(well.received() == [3])
    }

    @Test(arguments: methods)
    func `all have heard what was sent before one goes on`(_ method: SendMethod) throws {
        let loop = try EventLoop(index: 0, sending: method)
        let first = try Talker([1])
        let second = try Talker([2])
        first.goesOn = { first.steps.append("the other has sent \(second.sent)") }
        loop.submit { for talker in [first, second] { loop.sendAfterRound(talker) } }
        loop.stop()
        loop.run()
        #expect(first.steps == ["sent", "after", "the other has sent 1"])
        #expect(second.steps == ["sent", "after"])
    }
}

/// One end of a socket pair, with bytes for the other.
private final class Talker: Sender, @unchecked Sendable {  // used on one loop, read after it has ended
    private var ends: [Int32] = [-1, -1]
    private var bytes: UnsafeMutableRawBufferPointer
    private(set) var sent = 0
    private(set) var error: SystemError?
    var steps: [String] = []
    var goesOn: () -> Void = {}

    init(_ content: [UInt8]) throws {
        bytes = .allocate(byteCount: content.count, alignment: 1)
        bytes.copyBytes(from: content)
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
    }

    deinit {
        for end in ends where end >= 0 { close(end) }
        bytes.deallocate()
    }

    func hangUp() {
        close(ends[1])
        ends[1] = -1
    }

    func received() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = recv(ends[1], &buffer, buffer.count, 0)
        return Array(buffer[..<max(0, count)])
    }

    var unsent: (socket: Int32, bytes: UnsafeRawBufferPointer) {
        (ends[0], UnsafeRawBufferPointer(rebasing: bytes[sent...]))
    }

    func sent(_ count: Int, _ error: SystemError?) {
        sent += count
        self.error = error
        steps.append("sent")
    }

    func afterSending() {
        steps.append("after")
        goesOn()
    }
}
