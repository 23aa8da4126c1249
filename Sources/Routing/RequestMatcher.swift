internal import PenstockBytes
public import PenstockHTTP

/// What a route table looks at in a request; every view is valid during the call only.
public struct RoutedRequest {
    /// The method.
    public var method: PenstockHTTP.Method
    /// The method's bytes; looked at for ``PenstockHTTP/Method/other`` only.
    public var methodName: UnsafeRawBufferPointer
    /// `Host` or `:authority`, port included, in any case; may be empty.
    public var authority: UnsafeRawBufferPointer
    /// The normalised path.
    public var path: UnsafeRawBufferPointer
    /// The query without `?`.
    public var query: UnsafeRawBufferPointer?
    /// The fields.
    public var fields: FieldBlock
    /// The number of the listener it came in by.
    public var listener: Int

    public init(
        method: PenstockHTTP.Method,
        methodName: UnsafeRawBufferPointer,
        authority: UnsafeRawBufferPointer,
        path: UnsafeRawBufferPointer,
        query: UnsafeRawBufferPointer?,
        fields: FieldBlock,
        listener: Int
    ) {
        self.method = method
        self.methodName = methodName
        self.authority = authority
        self.path = path
        self.query = query
        self.fields = fields
        self.listener = listener
    }

    /// What `head` asks for, come in by a listener.
    public init(_ head: RequestHead, listener: Int) {
        self.init(
            method: head.method,
            methodName: head.methodName,
            authority: head.authority,
            path: head.path,
            query: head.query,
            fields: head.fields,
            listener: listener
        )
    }
}

/// What each route wants beyond host and path: listener, method, fields, query.
struct RequestMatcher: Sendable {
    private struct Condition: Sendable {
        let name: ByteTable.Slice
        let value: ByteTable.Slice
        let hasValue: Bool
    }

    private struct Rule: Sendable {
        /// Empty: every method.
        var methods: MethodSet = []
        var listeners: Range<Int32>
        var fields: Range<Int32>
        var query: Range<Int32>
    }

    private var rules: [Rule] = []
    private var listeners: [Int] = []
    private var conditions: [Condition] = []
    private var bytes = ByteTable()
    private(set) var otherMethods = OtherMethods()

    /// Adds the next route.
    mutating func add(_ route: RouteDescription, index: Int) throws(RouteError) {
        var methods: MethodSet = []
        for name in route.methods {
            guard let method = otherMethods.register(name) else {
                throw RouteError(route: index, description: "there are too many different methods in all routes")
            }
            methods.formUnion(method)
        }
        let firstListener = Int32(listeners.count)
        listeners += route.listeners
        let fields = add(route.fields) { $0.utf8.map(ASCII.lowercased) }
        let query = add(route.query) { Array($0.utf8) }
        let range = firstListener..<Int32(listeners.count)
        rules.append(Rule(methods: methods, listeners: range, fields: fields, query: query))
    }

    private mutating func add(_ list: [RouteDescription.Condition], _ name: (String) -> [UInt8]) -> Range<Int32> {
        let start = Int32(conditions.count)
        for item in list {
            let slice = bytes.add(name(item.name))
            let value = bytes.add(Array((item.value ?? "").utf8))
            conditions.append(Condition(name: slice, value: value, hasValue: item.value != nil))
        }
        return start..<Int32(conditions.count)
    }

    /// The methods that a route takes; empty: all.
    func methods(_ route: Int32) -> MethodSet { rules[Int(route)].methods }

    /// How many conditions a route has.
    func conditionCount(_ route: Int32) -> Int { rules[Int(route)].fields.count + rules[Int(route)].query.count }

    /// Whether everything but the method fits.
    @inline(__always)
    func fits(_ route: Int32, _ request: borrowing RoutedRequest) -> Bool {
        let rule = rules[Int(route)]
        if !rule.listeners.isEmpty, !fits(rule.listeners, listener: request.listener) { return false }
        if rule.fields.isEmpty, rule.query.isEmpty { return true }
        return fits(fields: rule.fields, request.fields) && fits(query: rule.query, request.query)
    }

    private func fits(_ range: Range<Int32>, listener: Int) -> Bool {
        for index in range where listeners[Int(index)] == listener { return true }
        return false
    }

    private func fits(fields range: Range<Int32>, _ fields: FieldBlock) -> Bool {
        for index in range {
            let condition = conditions[Int(index)]
            var found = false
            bytes.with(condition.name) { name in
                for entry in 0..<fields.count where !found {
                    let field = fields[entry]
                    guard field.id != .removed, FieldBlock.matches(fields.name(field), name) else { continue }
                    found = !condition.hasValue || bytes.equals(condition.value, fields.value(field))
                }
            }
            if !found { return false }
        }
        return true
    }

    private func fits(query range: Range<Int32>, _ query: UnsafeRawBufferPointer?) -> Bool {
        for index in range {
            guard let query else { return false }
            let condition = conditions[Int(index)]
            let found = bytes.with(condition.name) { name in
                bytes.with(condition.value) { value in
                    queryHas(query, name: name, value: condition.hasValue ? value : nil)
                }
            }
            if !found { return false }
        }
        return true
    }
}

/// Whether a query has a parameter, compared in decoded form (`+` is a space, RFC 1866 §8.2.1).
///
/// - Parameters:
///   - query: as it came, without `?`.
///   - name: the decoded name.
///   - value: the decoded value; `nil`: any, or none.
/// - Returns: whether one of the parameters with this name has this value.
func queryHas(
    _ query: UnsafeRawBufferPointer,
    name: UnsafeRawBufferPointer,
    value: UnsafeRawBufferPointer?
) -> Bool {
    var start = 0
    while start <= query.count {
        var end = start
        var equals = -1
        while end < query.count, query[end] != UInt8(ascii: "&") {
            if equals < 0, query[end] == ASCII.equals { equals = end }
            end &+= 1
        }
        let nameEnd = equals < 0 ? end : equals
        if decodesTo(name, UnsafeRawBufferPointer(rebasing: query[start..<nameEnd])), end > start {
            guard let value else { return true }
            let valueStart = equals < 0 ? end : equals &+ 1
            if decodesTo(value, UnsafeRawBufferPointer(rebasing: query[valueStart..<end])) { return true }
        }
        start = end &+ 1
    }
    return false
}

/// Whether `encoded`, its escapes decoded, is `expected`; a `%` that is no escape stands for itself.
private func decodesTo(_ expected: UnsafeRawBufferPointer, _ encoded: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    var position = 0
    while index < encoded.count {
        var byte = encoded[index]
        index &+= 1
        if byte == UInt8(ascii: "+") {
            byte = ASCII.space
        } else if byte == ASCII.percent, index &+ 1 < encoded.count,
            let high = ASCII.hexValue(encoded[index]), let low = ASCII.hexValue(encoded[index &+ 1])
        {
            byte = high << 4 | low
            index &+= 2
        }
        guard position < expected.count, expected[position] == byte else { return false }
        position &+= 1
    }
    return position == expected.count
}
