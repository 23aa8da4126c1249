internal import PenstockPatterns

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
        case .query(let name, let wanted, let given):
            condition("query \(name)", wanted, given)
        case .cookie(let name, let wanted, let given):
            condition("cookie \(name)", wanted, given)
        case .client(let wanted, let given):
            "client address: \(given.map { "\($0)" } ?? "none") is \(notIn(wanted.map { "\($0)" }))"
        case .lowerPriority(let priority, let first):
            "fits as well, but its priority is \(priority), not \(first)"
        case .widerHost:
            "fits as well, but its host is less specific"
        case .widerPath(let segment):
            "fits as well, but segment \(segment) of its path is less specific"
        case .otherEnd:
            "fits as well, but is written with the other end: a final slash, or none"
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

    private func notIn(_ ranges: [String]) -> String {
        ranges.count == 1 ? "not in \(ranges[0])" : "in none of " + ranges.joined(separator: ", ")
    }

    private func condition(_ subject: String, _ wanted: TextCondition, _ given: String?) -> String {
        guard let given else {
            if case .exact(let text) = wanted { return "\(subject): '\(text)' is not there" }
            return "\(subject): it is not there"
        }
        return switch wanted {
        case .present, .absent: "\(subject): it is there"
        case .exact(let text): "\(subject): '\(given)' is not '\(text)'"
        case .prefix(let text): "\(subject): '\(given)' does not begin with '\(text)'"
        case .suffix(let text): "\(subject): '\(given)' does not end with '\(text)'"
        case .regex(let expression): "\(subject): '\(given)' does not match '\(expression)'"
        }
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
