import Glibc
import PenstockObservability
import TestSupport
import Testing

/// The logs of one test, removed with it.
struct LogFolder {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func file(_ name: String = "log") -> String { "\(folder.path)/\(name)" }

    func contents(_ name: String = "log") -> String { folder.read(name) }
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
