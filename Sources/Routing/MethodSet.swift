internal import PenstockBytes
public import PenstockHTTP

/// A set of methods in one word: those that the gateway knows, then those that a ``RouteTable``'s routes name.
public struct MethodSet: OptionSet, Sendable {
    public let rawValue: UInt64

    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The set of one known method; ``PenstockHTTP/Method/other`` has no bit of its own here.
    @inlinable public init(_ method: PenstockHTTP.Method) {
        rawValue = method == .other ? 0 : 1 << UInt64(method.rawValue)
    }
}

/// The methods that routes name beyond the known ones (`PROPFIND`), each with its bit in a ``MethodSet``.
struct OtherMethods: Sendable {
    /// The first bit behind the known methods'.
    private static let firstBit = UInt64(PenstockHTTP.Method.other.rawValue)
    private var names: [[UInt8]] = []

    /// The bit for a method's name; known ones keep theirs.
    ///
    /// - Returns: `nil` when 64 bits do not suffice.
    mutating func register(_ name: String) -> MethodSet? {
        if let known = PenstockHTTP.Method.allCases.first(where: { $0 != .other && "\($0.name)" == name }) {
            return MethodSet(known)
        }
        let bytes = Array(name.utf8)
        if let index = names.firstIndex(of: bytes) { return Self.set(index) }
        guard names.count < 64 - Int(Self.firstBit) else { return nil }
        names.append(bytes)
        return Self.set(names.count - 1)
    }

    /// The bit of the method with these bytes; empty for one that no route names.
    func find(_ name: UnsafeRawBufferPointer) -> MethodSet {
        for index in names.indices where name.elementsEqual(names[index]) { return Self.set(index) }
        return []
    }

    /// Appends the names of the methods in `set`, with a comma and a space between: the value of `Allow`.
    func write(_ set: MethodSet, to output: inout ByteBuffer) {
        var isFirst = true
        for method in PenstockHTTP.Method.allCases where set.contains(MethodSet(method)) && method != .other {
            Self.separate(&isFirst, &output)
            output.append(method.name)
        }
        for index in names.indices where set.contains(Self.set(index)) {
            Self.separate(&isFirst, &output)
            names[index].withUnsafeBytes { output.append($0) }
        }
    }

    private static func set(_ index: Int) -> MethodSet { MethodSet(rawValue: 1 << (firstBit + UInt64(index))) }

    private static func separate(_ isFirst: inout Bool, _ output: inout ByteBuffer) {
        if !isFirst { output.append(", ") }
        isFirst = false
    }
}
