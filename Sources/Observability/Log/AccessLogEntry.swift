/// What the access log says of one request: views of bytes that live until the line is written, and numbers.
public struct AccessLogEntry {
    /// What answered.
    public enum Target: Sendable {
        case none, function, upstream, redirect, respond, files, split

        /// The word for it, as routes.yaml has it.
        public var word: StaticString {
            switch self {
            case .none: "none"
            case .function: "function"
            case .upstream: "upstream"
            case .redirect: "redirect"
            case .respond: "respond"
            case .files: "files"
            case .split: "split"
            }
        }
    }

    /// When the response ended, in nanoseconds since 1970.
    public var wallNanoseconds: Int64 = 0

    /// The client's address as text, after trusted proxies have been believed.
    public var client = UnsafeRawBufferPointer(start: nil, count: 0)
    public var method = UnsafeRawBufferPointer(start: nil, count: 0)

    /// The normalised path.
    public var path = UnsafeRawBufferPointer(start: nil, count: 0)

    /// The query without its question mark; empty when there is none.
    public var query = UnsafeRawBufferPointer(start: nil, count: 0)

    /// The version, as the status line has it.
    public var version: StaticString = "HTTP/1.1"

    /// The status sent; 0 where the connection ended before there was one.
    public var status = 0

    /// Bytes of the request's and of the response's content.
    public var receivedBytes = 0
    public var sentBytes = 0

    /// From the end of the head to the end of the response, in nanoseconds.
    public var totalNanoseconds = 0

    /// How long it waited for an instance; negative where there was nothing to wait for.
    public var queueNanoseconds = -1

    /// How long the function or upstream took; negative where there is none.
    public var runNanoseconds = -1
    public var listener = UnsafeRawBufferPointer(start: nil, count: 0)
    public var route = UnsafeRawBufferPointer(start: nil, count: 0)
    public var target = Target.none

    /// The name of the function or upstream.
    public var targetName = UnsafeRawBufferPointer(start: nil, count: 0)
    public var requestID = UnsafeRawBufferPointer(start: nil, count: 0)

    /// What went wrong, in a word or a sentence: the timer that fired, the function's error type; empty when nothing.
    public var error = UnsafeRawBufferPointer(start: nil, count: 0)

    /// Makes an entry that says nothing.
    public init() {}
}
