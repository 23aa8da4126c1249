internal import PenstockBytes

extension FieldBlock {
    /// The value of a cookie that a client sends, as it came, with its quotes (RFC 6265 §4.2.1); the first of the name.
    public func cookie(named name: String) -> UnsafeRawBufferPointer? {
        cookie { own, _ in own.elementsEqual(name.utf8) }
    }

    /// The value of the first cookie that is wanted, as it came, with its quotes (RFC 6265 §4.2.1).
    ///
    /// - Parameter isWanted: is asked with names and values, in their order, until it says so.
    /// - Returns: the value; `nil` where none was wanted. What has no `=` is no cookie.
    public func cookie(
        where isWanted: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
    ) -> UnsafeRawBufferPointer? {
        guard present.has(.cookie) else { return nil }
        for index in 0..<count where self[index].id == .cookie {
            let field = value(self[index])
            var start = 0
            while start < field.count {
                let end = field[start...].firstIndex(of: ASCII.semicolon) ?? field.count
                let pair = FieldRules.trimmed(UnsafeRawBufferPointer(rebasing: field[start..<end]))
                if let equals = pair.firstIndex(of: ASCII.equals) {
                    let value = UnsafeRawBufferPointer(rebasing: pair[(equals + 1)...])
                    if isWanted(UnsafeRawBufferPointer(rebasing: pair[..<equals]), value) { return value }
                }
                start = end + 1
            }
        }
        return nil
    }
}
