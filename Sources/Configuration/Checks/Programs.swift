internal import PenstockBytes

extension FileSystem {
    /// As much of a program as the kernel looks at.
    private static let magicLength = 256

    /// Why the kernel cannot start an executable file, where that can be told; `nil` where it probably can.
    func flaw(ofProgram path: String) -> (reason: String, hint: String?)? {
        // A program need not be readable.
        guard case .success(let bytes) = beginning(path, Self.magicLength) else { return nil }
        guard bytes.starts(with: "#!".utf8) else {
            // Binaries have NUL bytes early; what has none is a text, which only a shell would take for a script.
            return bytes.contains(0) ? nil : ("is no program: it is a text without '#!'", "begin it with '#!/bin/sh'")
        }
        let line = String(decoding: bytes.dropFirst(2).prefix { $0 != 0x0A }, as: UTF8.self)
        guard let interpreter = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).first.map(String.init) else {
            return ("names no interpreter after '#!'", "begin it with '#!/bin/sh'")
        }
        // A relative one is looked for in the folder that the program will run in.
        guard interpreter.hasPrefix("/") else { return nil }
        guard kind(interpreter) == .file, isExecutable(interpreter) else {
            let hint = interpreter.hasSuffix("\r") ? "end its lines with a line feed alone" : nil
            return ("asks for the interpreter '\(interpreter.excerpt)', which is not there", hint)
        }
        return nil
    }
}
