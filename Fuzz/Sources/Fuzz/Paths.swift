import PenstockBytes
import PenstockHTTP

/// A normal form is not longer than the path, is its own normal form, and holds nothing that another server reads anew.
func tryPath(_ bytes: UnsafeRawBufferPointer) {
    for isMerging in [false, true] {
        for isRejecting in [false, true] {
            let normalizer = PathNormalizer(mergeSlashes: isMerging, rejectEncodedSlashes: isRejecting)
            guard let form = form(of: bytes, normalizer) else { continue }
            promise(form.count <= bytes.count, "\(form.count) bytes of \(bytes.count)")
            let again = form.withUnsafeBytes { Fuzz.form(of: $0, normalizer) }
            promise(again == form, "\(text(form)) has another normal form")
            check(form, isMerging, isRejecting)
        }
    }
}

private func form(of path: UnsafeRawBufferPointer, _ normalizer: PathNormalizer) -> [UInt8]? {
    var output = ByteBuffer()
    guard (try? normalizer.normalize(path, to: &output)) != nil else { return nil }
    return Array(output.readable)
}

private func check(_ form: [UInt8], _ isMerging: Bool, _ isRejecting: Bool) {
    promise(form.first == ASCII.slash, "\(text(form)) begins with no slash")
    promise(form.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != ASCII.backslash }, "\(text(form)) has a byte of no path")
    for segment in form.split(separator: ASCII.slash, omittingEmptySubsequences: false) {
        for reading in readings(of: Array(segment)) {
            promise(reading != [ASCII.dot] && reading != [ASCII.dot, ASCII.dot], "\(text(form)) has a dot segment")
        }
    }
    if isMerging {
        promise(!zip(form, form.dropFirst()).contains { $0 == ASCII.slash && $1 == ASCII.slash }, text(form))
    }
    for index in form.indices where form[index] == ASCII.percent {
        let digits = form[(index + 1)...].prefix(2)
        promise(digits.count == 2 && digits.allSatisfy { ASCII.hexValue($0) != nil }, "\(text(form)): an escape is cut")
        promise(!digits.contains { $0 >= 0x61 }, "\(text(form)): an escape in lower case")
        if isRejecting { promise(Array(digits) != [0x32, 0x46], "\(text(form)): an encoded slash") }
    }
}

/// A segment as it is, as far as its parameters, and each of these decoded once and twice.
private func readings(of segment: [UInt8]) -> [[UInt8]] {
    let once = decoded(segment)
    return [segment, once, decoded(once)].flatMap { reading in
        [reading, Array(reading.prefix { $0 != ASCII.semicolon })]
    }
}

private func decoded(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
        if bytes[index] == ASCII.percent, index + 2 < bytes.count, let high = ASCII.hexValue(bytes[index + 1]),
            let low = ASCII.hexValue(bytes[index + 2])
        {
            result.append(high << 4 | low)
            index += 3
        } else {
            result.append(bytes[index])
            index += 1
        }
    }
    return result
}

private func text(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes(shown) }
