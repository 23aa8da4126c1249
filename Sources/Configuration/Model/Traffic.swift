extension Configuration {
    /// Several targets that share a route's requests.
    public struct Split: Equatable, Sendable {
        /// At least one, and one of them with a weight.
        public var targets: [WeightedTarget] = []

        /// What keeps a client with its target; `nil`: nothing.
        public var sticky: SplitKey?
    }

    /// A target and its share.
    public struct WeightedTarget: Equatable, Sendable {
        /// Its part of the sum of all weights; 0: it gets nothing.
        public var weight: Located<Int>
        public var target: Target
    }

    /// What keeps a client with its target.
    public enum SplitKey: Equatable, Sendable {
        /// A cookie that the gateway sets.
        case cookie(Sticky)
        /// A field of the request, by its name in lower case: the same value, the same target.
        case header(Located<String>)
    }

    /// Targets that are asked when the one before has failed.
    public struct Fallback: Equatable, Sendable {
        /// What counts as a failure.
        public var on: [Located<FallbackCondition>] =
            [.error, .status(502...502), .status(503...503), .status(504...504)].map { .unwritten($0) }

        /// In the order in which they are asked; at least one.
        public var targets: [Target] = []
    }

    /// What counts as a failure of a target.
    public enum FallbackCondition: Hashable, Sendable, CustomStringConvertible {
        /// It gave no answer.
        case error
        /// It answered with one of these.
        case status(ClosedRange<Int>)

        public var description: String {
            switch self {
            case .error: "error"
            case .status(let range): StatusRange(range: range).description
            }
        }
    }

    /// Who gets a copy of a route's requests.
    public struct Mirror: Equatable, Sendable {
        /// A function or an upstream.
        public var target: Target

        /// How many of the requests are copied, in percent.
        public var percent: Located<Int> = .unwritten(100)
    }

    /// A page for some statuses.
    public struct ErrorPage: Equatable, Sendable {
        /// What it is for: 400...599.
        public var statuses: [Located<StatusRange>]

        /// Where its bytes come from.
        public var source: Source

        /// What it is; `nil`: what the file's name says, `text/html; charset=utf-8` for a text.
        public var type: String?

        /// Whether it stands in the place of answers of upstreams and functions too.
        public var intercepts = false

        /// Where the bytes of a page come from.
        public enum Source: Equatable, Sendable {
            /// A file, and what it had in it when the configuration was checked.
            case file(Located<String>, content: [UInt8]?)
            /// A text, in which `{status}`, `{message}` and `{request_id}` are filled in.
            case text(String)
        }

        /// The largest file, in bytes.
        public static let limit = 1 << 20
    }
}

extension Configuration.Target {
    /// The targets that it chooses between: itself, but for a split.
    public var choices: [Configuration.Target] {
        if case .split(let split) = self { return split.targets.map(\.target) }
        return [self]
    }

    /// The same with every target in it made into another.
    func mapChoices(_ transform: (Configuration.Target) -> Configuration.Target) -> Configuration.Target {
        guard case .split(var split) = self else { return transform(self) }
        for index in split.targets.indices { split.targets[index].target = transform(split.targets[index].target) }
        return .split(split)
    }
}

extension Configuration.Route {
    /// Every target that its requests may come to.
    public var targets: [Configuration.Target] {
        target.choices + (fallback?.targets ?? []) + (mirror.map { [$0.target] } ?? [])
    }
}
