import PenstockBytes
import PenstockHTTP
import PenstockTransport

extension HashKey {
    /// The hash of what a request says; `nil` where it says nothing.
    func hash(of exchange: Exchange) -> UInt64? {
        guard let value = value(in: exchange) else { return nil }
        return StableHash.of(value)
    }

    private func value(in exchange: Exchange) -> UnsafeRawBufferPointer? {
        switch self {
        case .clientAddress: return exchange.clientAddress
        case .header(let name):
            return name.utf8.withContiguousStorageIfAvailable {
                exchange.head.fields.first(named: UnsafeRawBufferPointer($0))
            } ?? nil
        case .cookie(let name): return exchange.head.fields.cookie(named: name)
        case .query(let name): return exchange.head.query.flatMap { Self.parameter(name, of: $0) }
        }
    }

    /// The value of a query's parameter, as it came.
    private static func parameter(_ name: String, of query: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        for part in query.split(separator: UInt8(ascii: "&")) {
            let pair = UnsafeRawBufferPointer(rebasing: part)
            guard pair.count > name.utf8.count, pair[name.utf8.count] == UInt8(ascii: "="),
                pair.prefix(name.utf8.count).elementsEqual(name.utf8)
            else { continue }
            return UnsafeRawBufferPointer(rebasing: pair[(name.utf8.count + 1)...])
        }
        return nil
    }
}
