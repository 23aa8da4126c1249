internal import PenstockBytes

/// Looks for `.` and `..` in a segment as a server sees it that cuts segments at `;`, or decodes them twice.
public enum DisguisedDots {
    /// How often a segment is decoded: as every server does, and once more.
    private static let rounds = 2

    /// Whether a segment in normal form is a dot segment to such a server.
    public static func found(in segment: UnsafeRawBufferPointer) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: segment.count, alignment: 1) { scratch in
            scratch.copyMemory(from: segment)
            var bytes = UnsafeMutableRawBufferPointer(rebasing: scratch[...])
            if hasDotPart(bytes) { return true }
            for _ in 0..<rounds {
                bytes = decode(bytes)
                if hasDotPart(bytes) { return true }
            }
            return false
        }
    }

    /// Decodes every well-formed escape, in place.
    private static func decode(_ bytes: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawBufferPointer {
        var count = 0
        var index = 0
        while index < bytes.count {
            var byte = bytes[index]
            index += 1
            if byte == ASCII.percent, index + 1 < bytes.count, let high = ASCII.hexValue(bytes[index]),
                let low = ASCII.hexValue(bytes[index + 1])
            {
                byte = high << 4 | low
                index += 2
            }
            bytes[count] = byte
            count += 1
        }
        return UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
    }

    /// Whether a part between slashes or backslashes is one or two dots, up to its `;`.
    private static func hasDotPart(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
        var dots = 0
        var isOpen = true
        for byte in bytes {
            switch byte {
            case ASCII.slash, ASCII.backslash:
                if isOpen, dots == 1 || dots == 2 { return true }
                dots = 0
                isOpen = true
            case ASCII.semicolon:
                if isOpen, dots == 1 || dots == 2 { return true }
                isOpen = false
            case ASCII.dot: dots += 1
            default: isOpen = false
            }
        }
        return isOpen && (dots == 1 || dots == 2)
    }
}
