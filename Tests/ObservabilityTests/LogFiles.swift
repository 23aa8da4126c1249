import Glibc
import PenstockObservability
import Testing

/// A folder of its own for one test, removed with its files.
final class LogFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/penstock-log.XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.map { mkdtemp($0) != nil } ?? false
        }
        try #require(made)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in ["log", "log.1", "pipe"] { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    func file(_ name: String = "log") -> String { "\(path)/\(name)" }

    func contents(_ name: String = "log") -> String {
        guard let stream = fopen(file(name), "r") else { return "" }
        defer { fclose(stream) }
        var bytes: [UInt8] = []
        while true {
            let byte = getc(stream)
            guard byte >= 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(UInt8(truncatingIfNeeded: byte))
        }
    }
}

/// Lends raw views of texts for the length of a call.
func withBytes<Result>(_ texts: [String], _ body: ([UnsafeRawBufferPointer]) throws -> Result) rethrows -> Result {
    let owned = texts.map { text in
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
        copy.copyBytes(from: text.utf8)
        return copy
    }
    defer { for copy in owned { copy.deallocate() } }
    return try body(owned.map { UnsafeRawBufferPointer($0) })
}
