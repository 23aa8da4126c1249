internal import Glibc
internal import PenstockBytes
internal import PenstockHTTP
internal import PenstockNetworking
public import PenstockSystem
public import PenstockTransport

/// Serves the files of a folder (`files:`).
///
/// Regular files only, GET and HEAD only, no listing, no links, no names that begin with a dot but `.well-known`. A
/// folder is answered with its index file, and without its final slash with a redirect to it. Parts of a file are sent
/// where they are asked for, and where it is configured the compressed file beside it.
public final class StaticFilesHandler: Handler {
    private let root: FileRoot
    private let index: [UInt8]
    private let parameter: Int?
    private let isPrecompressed: Bool
    private var path = ByteBuffer()
    private var text = ByteBuffer()
    private lazy var chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkSize, alignment: 64)
    private var hasChunk = false

    private static let chunkSize = 65_536

    /// Opens the folder.
    ///
    /// - Parameters:
    ///   - root: the folder's path.
    ///   - index: the name of the file that stands for a folder.
    ///   - parameter: which of the route's parameters is the file's path; `nil`: the path of the request, as a rewrite
    ///     may have left it.
    ///   - precompressed: whether `x.br` and `x.gz` are sent for `x` to those who take them.
    /// - Throws: ``PenstockSystem/SystemError`` when there is no such folder.
    public init(
        root: String,
        index: String = "index.html",
        parameter: Int?,
        precompressed: Bool = false
    ) throws(SystemError) {
        self.root = try FileRoot(root)
        self.index = Array(index.utf8)
        self.parameter = parameter
        isPrecompressed = precompressed
    }

    deinit { if hasChunk { chunk.deallocate() } }

    // MARK: Handler

    public func handle(_ exchange: Exchange) {
        guard exchange.head.method == .get || exchange.head.method == .head else { return refuseMethod(exchange) }
        path.removeAll()
        guard FilePath.append(requestedPath(exchange), to: &path) else {
            return exchange.fail(Self.notFound)
        }
        do throws(SystemError) {
            try open(exchange)
        } catch {
            exchange.fail(Self.failure(error))
        }
    }

    public func writable(_ exchange: Exchange) {
        if let transfer = exchange.state as? FileTransfer { exchange.loop.flushInTurn(transfer) }
    }

    private func requestedPath(_ exchange: Exchange) -> UnsafeRawBufferPointer {
        guard let parameter else { return UnsafeRawBufferPointer(rebasing: exchange.head.path.dropFirst()) }
        return UnsafeRawBufferPointer(rebasing: exchange.head.routedPath[exchange.parameters[parameter]])
    }

    private func open(_ exchange: Exchange) throws(SystemError) {
        let base = parameter == nil ? exchange.head.path : exchange.head.routedPath
        let asksForFolder = base.last == ASCII.slash
        let file = try openPath()
        if file.isRegular, !asksForFolder { return respond(represent(file, exchange), exchange) }
        guard file.isDirectory else { return exchange.fail(Self.notFound) }
        appendIndex()
        let indexFile = try openPath()
        guard indexFile.isRegular else { return exchange.fail(Self.notFound) }
        guard asksForFolder else { return redirect(exchange) }
        respond(represent(indexFile, exchange), exchange)
    }

    private func openPath() throws(SystemError) -> OpenFile {
        let descriptor = try path.readable.withMemoryRebound(to: CChar.self) { bytes throws(SystemError) in
            guard let start = bytes.baseAddress else { throw SystemError(call: "openat2", errno: ENOENT) }
            return try root.open(start)
        }
        return try OpenFile(descriptor)
    }

    private func appendIndex() {
        path.drop(1)
        if !path.isEmpty { path.append(ASCII.slash) }
        index.withUnsafeBytes { path.append($0) }
        path.append(UInt8(0))
    }

    // MARK: What stands for the file

    /// What is sent for a file.
    private struct Representation: ~Copyable {
        let file: OpenFile
        var coding: ContentCoding?
    }

    /// The compressed file beside the one at ``path``, where there is one that the client takes; else the file itself.
    private func represent(_ file: consuming OpenFile, _ exchange: Exchange) -> Representation {
        guard isPrecompressed else { return Representation(file: file) }
        let wanted = ContentCoding.Preferences(exchange.head.fields)
        for coding in [wanted.first, wanted.second] {
            guard let coding else { break }
            if let compressed = open(coding, changedSince: file.status.st_mtim.tv_sec) {
                return Representation(file: compressed, coding: coding)
            }
        }
        return Representation(file: file)
    }

    /// The file at ``path`` in a coding; one that was made of an older file is left alone, to the second, since copies of
    /// the two are made in any order.
    private func open(_ coding: ContentCoding, changedSince second: Int) -> OpenFile? {
        path.drop(1)
        path.append(coding.suffix)
        path.append(UInt8(0))
        defer {
            path.drop(coding.suffix.utf8CodeUnitCount + 1)
            path.append(UInt8(0))
        }
        do throws(SystemError) {
            let file = try openPath()
            guard file.isRegular, file.status.st_mtim.tv_sec >= second else { return nil }
            return file
        } catch {
            return nil
        }
    }

    // MARK: Answers

    private func respond(_ representation: consuming Representation, _ exchange: Exchange) {
        let status = representation.file.status
        let (size, modified) = (Int(status.st_size), status.st_mtim.tv_sec)
        let now = Int(MonotonicClock.wallNanoseconds() / 1_000_000_000)
        let (head, response) = (exchange.head, exchange.response)
        text.removeAll()
        EntityTag.append(status, to: &text)
        let verdict = Precondition.judge(head.fields, tag: text.readable, modified: modified)
        guard verdict != .failed else { return exchange.fail(Self.preconditionFailed) }
        // Range is for GET alone (RFC 9110 §14.2).
        let ranges =
            head.method == .get
            ? ByteRanges.judge(head.fields, length: size, tag: text.readable, modified: modified, now: now) : .whole
        response.fields.append(.eTag, "etag", text.readable)
        text.removeAll()
        // Never later than the response (RFC 9110 §8.8.2.1).
        HTTPDate.append(min(modified, now), to: &text)
        response.fields.append(.lastModified, "last-modified", text.readable)
        if isPrecompressed { response.fields.append(.other, "vary", "Accept-Encoding") }
        if verdict == .notModified {
            response.status = 304
            return exchange.respond(end: true)
        }
        response.fields.append(.other, "accept-ranges", "bytes")
        if let coding = representation.coding {
            response.fields.append(.contentEncoding, "content-encoding", coding.name)
        }
        let type = ContentType.of(UnsafeRawBufferPointer(rebasing: path.readable.dropLast()))
        switch ranges {
        case .unsatisfiable: refuseRange(size, exchange)
        case .whole:
            response.fields.append(.contentType, "content-type", type)
            send(representation.file, [FileTransfer.Piece(range: 0..<size)], exchange)
        case .parts(let parts): send(parts, of: representation.file, type, exchange)
        }
    }

    private func send(_ parts: [Range<Int>], of file: consuming OpenFile, _ type: StaticString, _ exchange: Exchange) {
        let size = Int(file.status.st_size)
        let fields = exchange.response.fields
        exchange.response.status = 206
        if let part = parts.first, parts.count == 1 {
            fields.append(.contentType, "content-type", type)
            text.removeAll()
            text.append("bytes ")
            text.append(decimal: part.lowerBound)
            text.append("-")
            text.append(decimal: part.upperBound - 1)
            text.append("/")
            text.append(decimal: size)
            fields.append(.other, "content-range", text.readable)
            send(file, [FileTransfer.Piece(range: part)], exchange)
        } else {
            let body = MultipartRanges(parts, of: size, type)
            fields.append(.contentType, "content-type", body.contentType)
            send(file, body.pieces, exchange)
        }
    }

    private func send(_ file: consuming OpenFile, _ pieces: [FileTransfer.Piece], _ exchange: Exchange) {
        let length = pieces.reduce(0) { $0 + $1.count }
        exchange.response.contentLength = length
        guard exchange.head.method != .head, length > 0 else { return exchange.respond(end: true) }
        let transfer = FileTransfer(file, pieces, exchange, self)
        exchange.state = transfer
        exchange.respond(end: false)
        send(transfer, exchange, 1)
    }

    /// Says how long the file is (RFC 9110 §15.5.17).
    private func refuseRange(_ size: Int, _ exchange: Exchange) {
        text.removeAll()
        text.append("bytes */")
        text.append(decimal: size)
        exchange.fail(Self.rangeNotSatisfiable, contentRange: text.readable)
    }

    /// Sends until so many chunks, the file, or the client's patience are at their end.
    func send(_ transfer: FileTransfer, _ exchange: Exchange, _ chunks: Int) {
        hasChunk = true
        for _ in 0..<chunks {
            // A client that is gone takes its exchange with it, perhaps in the middle of a write.
            guard exchange.state === transfer, !exchange.hasEnded else { return }
            guard let bytes = transfer.read(into: chunk) else { return exchange.fail(Self.shrunk) }
            let held = exchange.write(bytes.bytes)
            if transfer.isOver, exchange.state === transfer { return exchange.end() }
            if held > Exchange.writeLimit { return }
        }
        exchange.loop.flushInTurn(transfer)
    }

    /// Sends the client to the folder's path with its final slash, so that relative links in the index work.
    private func redirect(_ exchange: Exchange) {
        let path = exchange.head.routedPath
        let first = path.firstIndex { $0 != ASCII.slash } ?? path.endIndex
        text.removeAll()
        text.append(ASCII.slash)
        text.append(UnsafeRawBufferPointer(rebasing: path[first...]))
        text.append(ASCII.slash)
        if let query = exchange.head.query {
            text.append(ASCII.question)
            text.append(query)
        }
        exchange.response.status = 308
        exchange.response.contentLength = 0
        exchange.response.fields.append(.location, "location", text.readable)
        exchange.respond(end: true)
    }

    private func refuseMethod(_ exchange: Exchange) {
        let allow: StaticString = "GET, HEAD"
        exchange.fail(
            ExchangeError(.client, status: 405, message: "Method Not Allowed", reason: "files are read only"),
            allow: UnsafeRawBufferPointer(start: allow.utf8Start, count: allow.utf8CodeUnitCount)
        )
    }

    private static func failure(_ error: SystemError) -> ExchangeError {
        switch error.errno {
        case _ where error.isExhaustion:
            ExchangeError(
                .gateway,
                status: 503,
                message: "Service Unavailable",
                reason: "\(error)",
                retryAfter: 1
            )
        case EIO: ExchangeError(.gateway, status: 500, message: "Internal Server Error", reason: "\(error)")
        case ENOENT, ENOTDIR: notFound
        default: ExchangeError(.client, status: 404, message: "Not Found", reason: "\(error)")
        }
    }

    private static let notFound = ExchangeError(.client, status: 404, message: "Not Found", reason: "no such file")

    private static let preconditionFailed = ExchangeError(
        .client,
        status: 412,
        message: "Precondition Failed",
        reason: "the file is another by now"
    )

    private static let rangeNotSatisfiable = ExchangeError(
        .client,
        status: 416,
        message: "Range Not Satisfiable",
        reason: "the file has none of the ranges"
    )

    private static let shrunk = ExchangeError(
        .gateway,
        status: 500,
        message: "Internal Server Error",
        reason: "the file became shorter, or could not be read, while it was sent"
    )
}
