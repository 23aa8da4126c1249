import Glibc

/// Results go to standard output, progress and complaints to standard error.
enum Terminal {
    /// Writes `text` and a line's end, in one call where the kernel takes it.
    static func write(_ text: String, toStandardError: Bool = false) {
        let descriptor: Int32 = toStandardError ? 2 : 1
        var rest = Array((text + "\n").utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Whether standard error may have colour: a terminal, and `NO_COLOR` is not set (no-color.org).
    static var hasColour: Bool { isatty(2) == 1 && getenv("NO_COLOR") == nil }
}

extension String {
    /// Without the line ends behind it.
    var trimmedEnd: String { String(reversed().drop { $0 == "\n" }.reversed()) }
}
