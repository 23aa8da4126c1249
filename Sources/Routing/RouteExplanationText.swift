extension RouteExplanation.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .host(let wanted, let given):
            "host: '\(given)' is not \(oneOf(wanted))"
        case .listener:
            "listener: it came in by another"
        case .path(let mismatch):
            "path: \(mismatch)"
        case .method(let wanted, let given):
            "method: \(given) is not \(oneOf(wanted))"
        case .field(let name, let wanted, let given):
            condition("header \(name)", wanted, given)
        case .query(let name, let wanted):
            condition("query \(name)", wanted, nil)
        case .lowerPriority(let priority, let first):
            "fits as well, but its priority is \(priority), not \(first)"
        case .widerHost:
            "fits as well, but its host is less specific"
        case .widerPath(let segment):
            "fits as well, but segment \(segment) of its path is less specific"
        case .takesHeadAsGet:
            "fits as well, but takes HEAD only as GET"
        case .anyMethod:
            "fits as well, but names no methods"
        case .fewerConditions:
            "fits as well, but has fewer conditions"
        case .later:
            "fits as well, but comes later in the file"
        }
    }

    private func oneOf(_ words: [String]) -> String {
        words.count == 1 ? words[0] : "one of " + words.joined(separator: ", ")
    }

    private func condition(_ subject: String, _ wanted: String?, _ given: String?) -> String {
        guard let wanted else { return "\(subject): it is not there" }
        return given.map { "\(subject): '\($0)' is not '\(wanted)'" } ?? "\(subject): '\(wanted)' is not there"
    }
}

extension RouteExplanation.PathMismatch: CustomStringConvertible {
    public var description: String {
        switch self {
        case .segment(let index, let wanted, let given): "segment \(index) is '\(given)', not '\(wanted)'"
        case .ended(let index, let wanted): "it ends before segment \(index), '\(wanted)'"
        case .goesOn(let surplus): "it goes on with '\(surplus)'"
        }
    }
}
