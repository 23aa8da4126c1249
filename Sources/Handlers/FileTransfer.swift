internal import Glibc
internal import PenstockNetworking
internal import PenstockSystem
internal import PenstockTransport

/// A file, or parts of one, on its way to one client.
final class FileTransfer: Flushable {
    /// Bytes of a file, and what stands before them.
    struct Piece {
        var introduction: [UInt8] = []
        let range: Range<Int>

        var count: Int { introduction.count + range.count }
    }

    private let handler: StaticFilesHandler
    private let exchanges: ExchangeTable
    private let id: ExchangeID
    private let file: FileDescriptor
    private var current: Piece
    private var offset: Int
    private var next: ArraySlice<Piece>

    /// Sends `pieces` of `file`, which stays open as long, to the client of `exchange`.
    init(_ file: consuming OpenFile, _ pieces: [Piece], _ exchange: Exchange, _ handler: StaticFilesHandler) {
        self.handler = handler
        exchanges = exchange.context.exchanges
        id = exchange.id
        next = pieces[...]
        current = next.popFirst() ?? Piece(range: 0..<0)
        offset = current.range.lowerBound
        self.file = file.intoDescriptor()
    }

    /// Whether everything has been read.
    var isOver: Bool { offset == current.range.upperBound && current.introduction.isEmpty && next.isEmpty }

    /// It is this transfer's turn, unless its exchange is over.
    func flush() { if let exchange = exchanges[id] { handler.send(self, exchange, Self.chunksPerTurn) } }

    /// Chunks that are sent before others have their turn.
    private static let chunksPerTurn = 2

    /// Reads the next bytes.
    ///
    /// - Parameter buffer: where they go; larger than any introduction.
    /// - Returns: at least one byte of `buffer`; `nil` where the file has no more, or cannot be read.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer? {
        if offset == current.range.upperBound, current.introduction.isEmpty, let piece = next.popFirst() {
            current = piece
            offset = piece.range.lowerBound
        }
        guard current.introduction.isEmpty else { return introduce(into: buffer) }
        let wanted = min(buffer.count, current.range.upperBound - offset)
        var count = -1
        repeat {
            count = pread(file.rawValue, buffer.baseAddress, wanted, off_t(offset))
        } while count < 0 && errno == EINTR
        guard count > 0 else { return nil }
        offset += count
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    private func introduce(into buffer: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
        let count = current.introduction.count
        buffer.copyBytes(from: current.introduction)
        current.introduction = []
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }
}
