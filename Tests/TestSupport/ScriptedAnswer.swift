internal import Glibc

/// What a client has seen of an answer.
public struct ScriptedAnswer: Sendable {
    /// The status; 0 before the head.
    public var status = 0
    /// Names in the case they came in, and values.
    public var fields: [(name: String, value: String)] = []
    /// The body's bytes.
    public var body: [UInt8] = []
    /// The statuses of interim responses.
    public var interim: [Int] = []
    /// What the head said of the body's length.
    public var contentLength: Int?
    /// Whether the gateway is not to add a `Server` field.
    public var omitsServer = false
    /// Whether it came to its end.
    public var isWhole = false
    /// Whether it was cut.
    public var isCut = false

    /// The body as text.
    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The values of a field, with a comma between; `nil` where there is none.
    public subscript(name: String) -> String? {
        let values = fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// What two ways to one handler must have in common: all but what each connection adds, and the request's id.
    public var essence: String {
        let own = ["date", "server", "x-request-id", "connection", "content-length", "transfer-encoding"]
        let lines = fields.filter { !own.contains($0.name.lowercased()) }.map { "\($0.name): \($0.value)\n" }
        let content = body.count < 1_000 ? withoutRequestID : body.outline
        return "\(status), \(isWhole ? "whole" : "cut")\n\(lines.joined())\n\(content)"
    }

    private var withoutRequestID: String {
        let key = "\"requestId\":\""
        guard let start = text.firstIndex(of: "{"), let found = text[start...].firstRange(of: key) else { return text }
        return String(text[..<found.upperBound]) + text[found.upperBound...].dropFirst(36)
    }
}

/// Seconds of a clock that only goes forward.
enum Patience {
    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
