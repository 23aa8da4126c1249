internal import PenstockBytes
internal import PenstockHTTP
internal import PenstockPatterns

extension RouteTable {
    /// What one route says to a request, all others left aside.
    struct Judgement {
        var reasons: [RouteExplanation.Reason] = []
        /// How far the route is from taking the request, for sorting.
        var distance = 0
        /// Whether a person would expect to see it.
        var isNear = true

        mutating func fail(_ reason: RouteExplanation.Reason, distance: Int = 1) {
            reasons.append(reason)
            self.distance += distance
        }
    }

    func judge(_ route: Int, _ request: RoutedRequest) -> Judgement {
        var judgement = Judgement()
        let host = hostWithoutPort(request.authority).map(ASCII.lowercased)
        let hosts = routes[route].hosts
        if !hosts.isEmpty, !hosts.contains(where: { $0.matches(host) }) {
            let given = String(decoding: host, as: UTF8.self)
            judgement.fail(.host(wanted: hosts.map(\.description), given: given), distance: 3)
        }
        let path = Array(request.path)
        if let mismatch = form(of: route, for: path).mismatch(path) {
            judgement.fail(.path(mismatch.reason), distance: 4 + mismatch.missing)
            judgement.isNear = mismatch.matched > 0
        }
        if !routes[route].listeners.isEmpty, !routes[route].listeners.contains(request.listener) {
            judgement.fail(.listener)
        }
        judgeMethod(route, request, &judgement)
        judgeConditions(route, request, &judgement)
        return judgement
    }

    private func judgeMethod(_ route: Int, _ request: RoutedRequest, _ judgement: inout Judgement) {
        let methods = routes[route].methods
        let given =
            request.method == .other ? String(decoding: request.methodName, as: UTF8.self) : "\(request.method.name)"
        guard !methods.isEmpty, !methods.contains(given) else { return }
        if request.method == .head, methods.contains("GET") { return }
        judgement.fail(.method(wanted: methods, given: given))
    }

    private func judgeConditions(_ route: Int, _ request: RoutedRequest, _ judgement: inout Judgement) {
        for condition in routes[route].fields {
            let values = request.fields.values(named: condition.name)
            if condition.value.holds(for: values) { continue }
            judgement.fail(.field(name: condition.name, wanted: condition.value, given: values.first))
        }
        let query = Self.pairs(request.query.map(Array.init) ?? [], separator: UInt8(ascii: "&"), decoding: true)
        for condition in routes[route].query {
            let values = query.filter { $0.name == condition.name }.map(\.value)
            if condition.value.holds(for: values) { continue }
            judgement.fail(.query(name: condition.name, wanted: condition.value, given: values.first))
        }
        let cookies = request.fields.values(named: "cookie").flatMap {
            Self.pairs(Array($0.utf8), separator: UInt8(ascii: ";"), decoding: false)
        }
        for condition in routes[route].cookies {
            let values = cookies.filter { $0.name == condition.name }.map(\.value)
            if condition.value.holds(for: values) { continue }
            judgement.fail(.cookie(name: condition.name, wanted: condition.value, given: values.first))
        }
        let clients = routes[route].clients
        if !clients.isEmpty, request.client.map({ client in clients.contains { $0.contains(client) } }) != true {
            judgement.fail(.client(wanted: clients, given: request.client))
        }
    }

    /// Names and values of a query or of a Cookie field, in order; a cookie without `=` is none.
    private static func pairs(_ text: [UInt8], separator: UInt8, decoding: Bool) -> [(name: String, value: String)] {
        text.split(separator: separator).compactMap { part in
            let pieces = part.split(separator: ASCII.equals, maxSplits: 1, omittingEmptySubsequences: false).map(
                Array.init
            )
            guard decoding else {
                guard pieces.count == 2 else { return nil }
                let name = pieces[0].drop { $0 == ASCII.space || $0 == ASCII.tab }
                let value = pieces[1].reversed().drop { $0 == ASCII.space || $0 == ASCII.tab }.reversed()
                return (String(decoding: name, as: UTF8.self), String(decoding: Array(value), as: UTF8.self))
            }
            let decoded = pieces.map { piece in
                var buffer = ByteBuffer()
                piece.withUnsafeBytes { buffer.append(decoding: $0) }
                return String(decoding: buffer.readable, as: UTF8.self)
            }
            return (decoded[0], decoded.count > 1 ? decoded[1] : "")
        }
    }
}

extension TextCondition {
    /// Whether it holds where these are the values of a name.
    fileprivate func holds(for values: [String]) -> Bool {
        switch self {
        case .present: !values.isEmpty
        case .absent: values.isEmpty
        case .exact(let text): values.contains(text)
        case .prefix(let text): values.contains { $0.utf8.starts(with: text.utf8) }
        case .suffix(let text): values.contains { $0.utf8.reversed().starts(with: text.utf8.reversed()) }
        case .regex(let expression):
            values.contains { value in
                Array(value.utf8).withUnsafeBytes { ExpressionSearcher().search(expression, in: $0) == .found }
            }
        }
    }
}

extension FieldBlock {
    /// The values of every field with this name, in any case.
    fileprivate func values(named name: String) -> [String] {
        var values: [String] = []
        for index in 0..<count where self[index].id != .removed {
            let field = self[index]
            guard self.name(field).map(ASCII.lowercased) == name.utf8.map(ASCII.lowercased) else { continue }
            values.append(String(decoding: value(field), as: UTF8.self))
        }
        return values
    }
}
