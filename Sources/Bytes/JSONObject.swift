/// The members of a JSON object, in the order they were first written.
///
/// A key stands once: of several values for it, the last one holds (what most readers do, RFC 8259 §4), in the place of
/// the first.
public struct JSONObject: Equatable, Sendable {
    /// One key and its value.
    public struct Member: Equatable, Sendable {
        public let key: String
        public var value: JSONValue

        /// Pairs a key with its value.
        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// The members, each key once.
    public private(set) var members: [Member]

    /// Above this many members, keys are looked for in a dictionary: a hostile object must not cost quadratic time.
    private static let linear = 16

    /// Makes an object of `members`, among which a key may stand more than once.
    public init(_ members: [Member] = []) {
        self.members = []
        self.members.reserveCapacity(members.count)
        if members.count <= Self.linear {
            for member in members { self[member.key] = member.value }
        } else {
            take(many: members)
        }
    }

    /// The value of `key`; assigning `nil` removes it.
    public subscript(_ key: String) -> JSONValue? {
        get { members.first { $0.key == key }?.value }
        set {
            let index = members.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    private mutating func take(many incoming: [Member]) {
        var places: [String: Int] = [:]
        places.reserveCapacity(incoming.count)
        for member in incoming {
            if let place = places[member.key] {
                members[place].value = member.value
            } else {
                places[member.key] = members.count
                members.append(member)
            }
        }
    }
}
