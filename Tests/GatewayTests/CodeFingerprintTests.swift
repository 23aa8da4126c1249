import TestSupport
import Testing

@testable import PenstockGateway

@Suite("Code fingerprint")
struct CodeFingerprintTests {
    @Test func `files that come, go or change are seen, inside a folder and beside it`() throws {
        let folder = try TemporaryFolder()
        try folder.write("code/a.py", "1")
        try folder.write("shared.py", "1")
        let paths = ["\(folder.path)/code", "\(folder.path)/shared.py"]
        let first = CodeFingerprint(paths)
        #expect(CodeFingerprint(paths) == first)
        try folder.write("shared.py", "22")
        let second = CodeFingerprint(paths)
        #expect(second != first)
        try folder.write("code/b/c.py", "1")
        let third = CodeFingerprint(paths)
        #expect(third != second)
        try folder.write("code/b/c.py", "22")
        #expect(CodeFingerprint(paths) != third)
    }

    @Test func `what bytecode caches and the gateway itself write is no change`() throws {
        let folder = try TemporaryFolder()
        try folder.write("code/a.py", "1")
        try folder.write("code/__pycache__/a.pyc", "1")
        let own = ["\(folder.path)/code/access.log", "\(folder.path)/code/state"]
        let first = CodeFingerprint(["\(folder.path)/code"], except: own)
        try folder.write("code/__pycache__/a.pyc", "22")
        try folder.write("code/access.log", "GET /")
        try folder.write("code/state/lock", "")
        #expect(CodeFingerprint(["\(folder.path)/code"], except: own) == first)
    }

    @Test func `a folder with more entries than are looked at is not whole`() throws {
        let folder = try TemporaryFolder()
        for number in 0..<5 { try folder.write("code/\(number)", "") }
        #expect(CodeFingerprint(["\(folder.path)/code"], limit: 7).isWhole)
        #expect(!CodeFingerprint(["\(folder.path)/code"], limit: 6).isWhole)
    }
}
