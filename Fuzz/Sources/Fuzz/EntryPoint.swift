/// What is tried, by the name of the executable that tries it, which is that of its corpus too.
///
/// Each takes any bytes, and ends the process when a promise is broken.
private let targets: [String: @Sendable (UnsafeRawBufferPointer) -> Void] = [
    "request": tryRequest,
    "response": tryResponse,
    "chunks": tryChunks,
    "path": tryPath,
    "configuration": tryConfiguration,
    "json": tryJSON,
    "frames": tryFrames,
    "result": tryResult,
    "services": tryServices,
]

nonisolated(unsafe) private var target: (UnsafeRawBufferPointer) -> Void = { _ in }  // set before the first input

@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    let path = arguments.pointee[0].map { String(cString: $0) } ?? ""
    let name = String(path.split(separator: "/").last ?? "")
    guard let chosen = targets[name] else { fatalError("no target '\(name)': \(targets.keys.sorted())") }
    target = chosen
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func tryOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
}

/// Ends the process, and so reports the input, unless a promise is kept.
func promise(_ isKept: Bool, _ words: @autoclosure () -> String) {
    guard !isKept else { return }
    fatalError("broken promise: \(words())")
}

/// Where an input is cut for a parser that takes it in pieces: everywhere in a short one, every so often in a long one.
func cuts(_ count: Int) -> [Int] { Array(stride(from: 1, to: count, by: max(1, count / 128))) + [count] }

/// Bytes as a message shows them.
func shown(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self).debugDescription }
