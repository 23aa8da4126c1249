import PenstockBytes
import PenstockHTTP

/// What an exchange has that does not go straight from its client to one target and back: one that waits for a stage,
/// that another target may have to answer, or of which a copy is made.
final class Detour {
    /// An answer that does not leave.
    struct Takeover {
        unowned(unsafe) let front: any ExchangeFront  // as long as the exchange

        /// The status that it has.
        let status: Int

        /// What leaves instead.
        let verdict: AnswerVerdict
    }

    /// The stage that has yet to decide.
    @exclusivity(unchecked) var stage: (any RequestStage)?

    /// The answer that does not leave, until its handler's callback has returned.
    @exclusivity(unchecked) var takeover: Takeover?

    /// The most bytes of the body that are kept for another target; 0: none, but while nobody has the exchange.
    @exclusivity(unchecked) var keepLimit = 0

    /// The body as far as it has come.
    @exclusivity(unchecked) private var kept = ByteBuffer()

    /// Whether all that has come is kept.
    @exclusivity(unchecked) private(set) var isComplete = true

    /// Whether the body's end has come.
    @exclusivity(unchecked) private(set) var isWhole = false
    @exclusivity(unchecked) private(set) var trailers: FieldBlock?

    /// Whether the next handler has yet to hear of what is kept.
    @exclusivity(unchecked) private(set) var hasToReplay = false

    /// Bytes for which the client has its credit back.
    @exclusivity(unchecked) private var credited = 0

    /// Of these, bytes that the present handler has not consumed yet: it hears of them again.
    @exclusivity(unchecked) private var owed = 0

    /// Who gets the body too.
    @exclusivity(unchecked) private var copy: RequestCopy?

    /// Somebody gets the body too, as far as it has come and from now on.
    func begin(_ copy: RequestCopy) {
        self.copy = copy
        if !kept.isEmpty { copy.receive(kept.readable.bytes) }
        if isWhole { copy.receiveEnd(trailers) }
    }

    /// Body bytes have come.
    func receive(_ bytes: RawSpan, whileWaiting isWaiting: Bool, _ context: LoopContext) {
        copy?.receive(bytes)
        guard isComplete else { return }
        if isWaiting {
            // At most the credit that the client has.
            hasToReplay = true
        } else if kept.count + bytes.byteCount > keepLimit || !context.hasRoomToBuffer {
            return giveUp(context)
        }
        context.buffered += bytes.byteCount
        kept.append(bytes)
    }

    /// The body's end has come.
    func receiveEnd(_ trailers: FieldBlock?) {
        isWhole = true
        self.trailers = trailers
        copy?.receiveEnd(trailers)
        if stage != nil { hasToReplay = true }
    }

    private func giveUp(_ context: LoopContext) {
        isComplete = false
        release(context)
    }

    private func release(_ context: LoopContext) {
        context.buffered -= kept.count
        kept.release()
    }

    /// The credit that the client gets for bytes that a handler has consumed.
    func credit(_ count: Int) -> Int {
        let again = min(owed, count)
        owed -= again
        credited += count - again
        return count - again
    }

    /// Another handler is about to have the exchange.
    ///
    /// - Parameter received: how much of the body has come.
    /// - Returns: bytes that no handler will consume any more.
    func beginReplay(received: Int) -> Int {
        hasToReplay = isComplete && (!kept.isEmpty || isWhole)
        if isComplete {
            owed = credited
            return 0
        }
        owed = 0
        let missed = received - credited
        credited = received
        return missed
    }

    /// Lends what is kept to a handler, which may end the exchange meanwhile.
    func takeKept(_ context: LoopContext) -> ByteBuffer {
        hasToReplay = false
        context.buffered -= kept.count
        var taken = ByteBuffer()
        swap(&taken, &kept)
        return taken
    }

    /// Keeps what was lent, where a further target may need it.
    func putBack(_ bytes: inout ByteBuffer, _ context: LoopContext) {
        guard isComplete, bytes.count <= keepLimit else { return giveUp(context) }
        context.buffered += bytes.count
        swap(&bytes, &kept)
    }

    /// The exchange has ended.
    func end(_ context: LoopContext) {
        release(context)
        if !isWhole { copy?.giveUp() }
    }
}
