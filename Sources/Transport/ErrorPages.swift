internal import PenstockBytes
internal import PenstockHTTP

/// Which pages stand for which statuses; shared by the routes of a loop, and never changed.
public final class ErrorPages: AnswerWatcher {
    private let pages: [ErrorPage]

    /// The number of the page for each status from 400 on; -1: none.
    private var numbers = [Int16](repeating: -1, count: 200)

    /// Lists pages; of two for one status, the first holds.
    public init(_ pages: [ErrorPage]) {
        self.pages = pages
        for (number, page) in pages.enumerated() {
            for range in page.statuses {
                for status in range.clamped(to: 400...599) where numbers[status - 400] < 0 {
                    numbers[status - 400] = Int16(number)
                }
            }
        }
    }

    /// Whether answers of upstreams and functions are replaced too.
    public var replacesAnswers: Bool { pages.contains { $0.replacesAnswers } }

    /// The page for a status.
    func page(for status: Int) -> ErrorPage? {
        guard (400...599).contains(status), numbers[status - 400] >= 0 else { return nil }
        return pages[Int(numbers[status - 400])]
    }

    public func judge(_ exchange: Exchange, from target: RouteTarget, _ failure: ExchangeError?) -> AnswerVerdict {
        guard failure == nil, target.asksOthers, let page = page(for: exchange.response.status), page.replacesAnswers
        else { return .pass }
        return .replace(page)
    }
}

/// What a client reads beside a status.
public final class ErrorPage {
    /// A piece of a page.
    public enum Part: Equatable, Sendable {
        /// As it is.
        case text([UInt8])
        /// `404`.
        case status
        /// `Not Found`.
        case message
        /// The request's id.
        case requestID
    }

    /// The statuses that it is for.
    public let statuses: [ClosedRange<Int>]

    /// Whether it stands in the place of answers of upstreams and functions too.
    public let replacesAnswers: Bool

    private let parts: [Part]
    private let contentType: [UInt8]

    /// Prepares a page.
    ///
    /// - Parameters:
    ///   - statuses: those that it is for, 400...599.
    ///   - parts: its body.
    ///   - contentType: what it is.
    ///   - replacesAnswers: whether it stands in the place of answers of upstreams and functions too.
    public init(
        for statuses: [ClosedRange<Int>],
        _ parts: [Part],
        contentType: String,
        replacesAnswers: Bool = false
    ) {
        self.statuses = statuses
        self.parts = parts
        self.contentType = Array(contentType.utf8)
        self.replacesAnswers = replacesAnswers
    }

    /// Sends the page with the status and the fields that the response has.
    ///
    /// - Parameters:
    ///   - message: a phrase of the gateway's own, which needs no escaping in HTML or JSON; nor does a request's id.
    ///   - exchange: whose response it is.
    func send(_ message: StaticString, to exchange: Exchange) {
        let response = exchange.response
        contentType.withUnsafeBytes { response.fields.append(.contentType, "content-type", $0) }
        if parts.count == 1, case .text(let text) = parts[0] { return text.withUnsafeBytes { exchange.send($0.bytes) } }
        var body = ByteBuffer()
        for part in parts {
            switch part {
            case .text(let text): text.withUnsafeBytes { body.append($0) }
            case .status: body.append(decimal: response.status)
            case .message: body.append(message)
            case .requestID: body.append(exchange.requestID)
            }
        }
        exchange.send(body.readable.bytes)
    }

    /// Sends the page instead of an answer whose fields are there: those that speak of its body are taken out.
    func replaceAnswer(_ status: Int, of exchange: Exchange) {
        let fields = exchange.response.fields
        exchange.response.status = status
        fields.remove(FieldNameSet(.contentType, .contentLength, .contentEncoding, .eTag, .lastModified))
        for name in Self.ofBodies {
            fields.remove(named: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        }
        send(StatusCode.reasonPhrase(status), to: exchange)
    }

    /// Fields that speak of a body, without names of their own.
    private static let ofBodies: [StaticString] = [
        "accept-ranges", "content-disposition", "content-language", "content-location", "content-range", "digest",
        "repr-digest", "content-digest",
    ]
}
