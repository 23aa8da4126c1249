/// A response as a client has seen it.
public struct RawResponse: Sendable {
    /// The status.
    public var status: Int
    /// The status line as it came.
    public var line: String
    /// Names in lower case, and values.
    public var fields: [(name: String, value: String)]
    /// The body without its framing.
    public var body: [UInt8] = []
    /// The fields behind the last chunk.
    public var trailers: [(name: String, value: String)] = []
    /// The statuses of the interim responses before it.
    public var interim: [Int] = []
    /// Their fields.
    public var interimFields: [[(name: String, value: String)]] = []
    /// Whether the connection ended inside the body.
    public var isCut = false
    /// How the connection ended, where its end was the body's.
    public var end: RawSocket.End?

    init(head: String) throws {
        var lines: [String] = []
        var line: [UInt8] = []
        for byte in head.utf8 {
            line.append(byte)
            guard line.suffix(2) == [13, 10] else { continue }
            lines.append(String(decoding: line.dropLast(2), as: UTF8.self))
            line = []
        }
        self.line = lines[0]
        let words = lines[0].split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
            throw SupportError("not a status line: '\(lines[0])'")
        }
        self.status = status
        fields = try lines.dropFirst().dropLast().map(Self.field)
    }

    static func field(_ line: String) throws -> (name: String, value: String) {
        let text = line.hasSuffix("\r") ? String(line.dropLast()) : line
        guard let colon = text.firstIndex(of: ":") else { throw SupportError("not a field: '\(text)'") }
        var value = text[text.index(after: colon)...].drop { $0 == " " }
        while value.last == " " { value.removeLast() }
        return (text[..<colon].lowercased(), String(value))
    }

    /// The values of a field, with a comma between; `nil` where there is none.
    public subscript(name: String) -> String? {
        let values = fields.filter { $0.name == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// The body as text.
    public var text: String { String(decoding: body, as: UTF8.self) }

    /// Whether the connection is to be closed after it.
    public var closes: Bool { self["connection"] == "close" }
}
