internal import Glibc
internal import PenstockNetworking
internal import PenstockSystem
internal import PenstockTransport

/// A file on its way to one client.
final class FileTransfer: Flushable {
    private let handler: StaticFilesHandler
    private let exchanges: ExchangeTable
    private let id: ExchangeID
    private let file: FileDescriptor
    private var offset = 0

    /// Bytes that have not been read yet.
    private(set) var remaining: Int

    /// The whole of `file`, as long as it is now, for `exchange`.
    init(_ file: consuming OpenFile, _ exchange: Exchange, _ handler: StaticFilesHandler) {
        self.handler = handler
        exchanges = exchange.context.exchanges
        id = exchange.id
        remaining = Int(file.status.st_size)
        self.file = file.intoDescriptor()
    }

    /// It is this transfer's turn, unless its exchange is over.
    func flush() { if let exchange = exchanges[id] { handler.send(self, exchange, Self.chunksPerTurn) } }

    /// Chunks that are sent before others have their turn.
    private static let chunksPerTurn = 2

    /// Reads the next bytes.
    ///
    /// - Parameter buffer: where they go.
    /// - Returns: at least one byte of `buffer`; `nil` where the file has no more, or cannot be read.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer? {
        let wanted = min(buffer.count, remaining)
        var count = -1
        repeat {
            count = pread(file.rawValue, buffer.baseAddress, wanted, off_t(offset))
        } while count < 0 && errno == EINTR
        guard count > 0 else { return nil }
        offset += count
        remaining -= count
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }
}
