internal import PenstockBytes

/// What a client says of the codings that a response may have (RFC 9110 §12.5.3).
public enum AcceptEncoding {
    /// How much a coding is wanted.
    ///
    /// - Parameters:
    ///   - coding: in lower case: `gzip`, `br`, `identity`.
    ///   - fields: those of the request.
    ///   - wildcard: whether `*` speaks for a coding that is not named.
    /// - Returns: thousandths, of which 0 is a refusal; `nil` where nothing is said. What is malformed says nothing.
    public static func quality(of coding: StaticString, in fields: FieldBlock, wildcard: Bool = true) -> Int? {
        guard fields.present.has(.acceptEncoding) else { return nil }
        var others: Int?
        for index in 0..<fields.count where fields[index].id == .acceptEncoding {
            var elements = ListElements(fields.value(fields[index]))
            while let element = elements.next() {
                let end = element.firstIndex(of: ASCII.semicolon) ?? element.endIndex
                let name = FieldRules.trimmed(UnsafeRawBufferPointer(rebasing: element[..<end]))
                let isNamed = FieldBlock.matches(name, coding)
                guard isNamed || wildcard && name.elementsEqual(CollectionOfOne(UInt8(ascii: "*"))) else { continue }
                guard let quality = weight(UnsafeRawBufferPointer(rebasing: element[end...])) else { continue }
                if isNamed { return quality }
                others = quality
            }
        }
        return others
    }

    /// `;q=0.5` (RFC 9110 §12.4.2), in thousandths; 1000 where it is not there, `nil` where it is malformed.
    private static func weight(_ text: UnsafeRawBufferPointer) -> Int? {
        guard !text.isEmpty else { return 1000 }
        let parameter = FieldRules.trimmed(UnsafeRawBufferPointer(rebasing: text[1...]))
        guard (3...7).contains(parameter.count), ASCII.lowercased(parameter[0]) == UInt8(ascii: "q"),
            parameter[1] == ASCII.equals, parameter.count == 3 || parameter[3] == ASCII.dot
        else { return nil }
        var value = 0
        for index in [2, 4, 5, 6] {
            let digit = index < parameter.count ? parameter[index] : ASCII.zero
            guard ASCII.isDigit(digit) else { return nil }
            value = value * 10 + Int(digit &- ASCII.zero)
        }
        return value <= 1000 ? value : nil
    }
}
