internal import PenstockBytes

extension FieldBlock {
    /// The value of a cookie that a client sends, as it came, with its quotes (RFC 6265 §4.2.1); the first of the name.
    public func cookie(named name: String) -> UnsafeRawBufferPointer? {
        guard present.has(.cookie) else { return nil }
        for index in 0..<count where self[index].id == .cookie {
            let field = value(self[index])
            var start = 0
            while start < field.count {
                let end = field[start...].firstIndex(of: ASCII.semicolon) ?? field.count
                let pair = FieldRules.trimmed(UnsafeRawBufferPointer(rebasing: field[start..<end]))
                if pair.count > name.utf8.count, pair[name.utf8.count] == ASCII.equals,
                    pair.prefix(name.utf8.count).elementsEqual(name.utf8)
                {
                    return UnsafeRawBufferPointer(rebasing: pair[(name.utf8.count + 1)...])
                }
                start = end + 1
            }
        }
        return nil
    }
}
