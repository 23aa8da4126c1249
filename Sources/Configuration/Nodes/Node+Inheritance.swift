/// How a value is completed by one that holds where it says nothing.
indirect enum Inheritance: Sendable {
    /// Not at all: the nearer one holds.
    case whole
    /// A mapping of names that the file chooses: name by name.
    case names
    /// A mapping with known keys, each in a way of its own.
    case keys([String: Inheritance])
    /// `set` and `remove`: field by field, whatever is done to it and in whatever case it is written.
    case fieldEdits
}

extension Node {
    /// This value, completed by one that holds where it says nothing; places stay those where each part was written.
    ///
    /// - Parameters:
    ///   - other: what holds elsewhere.
    ///   - inheritance: how the two become one.
    /// - Returns: what holds here.
    func completed(by other: Node, _ inheritance: Inheritance) -> Node {
        guard case .mapping(let own) = content, case .mapping(let others) = other.content else { return self }
        switch inheritance {
        case .whole: return self
        case .names: return with(own + others.filter { entry($0.key.value) == nil })
        case .fieldEdits: return completed(byEdits: other)
        case .keys(let keys):
            let completed = own.map { entry in
                guard let way = keys[entry.key.value], let fallback = other.entry(entry.key.value) else { return entry }
                return Entry(key: entry.key, value: entry.value.completed(by: fallback.value, way))
            }
            return with(completed + others.filter { keys[$0.key.value] != nil && entry($0.key.value) == nil })
        }
    }

    private func with(_ entries: [Entry]) -> Node { Node(content: .mapping(entries), position: position) }

    private func completed(byEdits other: Node) -> Node {
        let settings = (entry("set")?.value.entries ?? []).map(\.key.value)
        let removals = (entry("remove")?.value.elements ?? []).compactMap(\.text)
        let edited = Set((settings + removals).map { $0.lowercased() })
        var entries = entries
        for inherited in other.entries {
            let index = entries.firstIndex { $0.key.value == inherited.key.value }
            let own = index.map { entries[$0].value }
            let value: Node
            switch inherited.key.value {
            case "set":
                let kept = inherited.value.entries.filter { !edited.contains($0.key.value.lowercased()) }
                value = (own ?? inherited.value).with(kept + (own?.entries ?? []))
            case "remove":
                let kept = inherited.value.elements.filter { $0.text.map { !edited.contains($0.lowercased()) } ?? true }
                let all = kept + (own?.elements ?? [])
                value = Node(content: .sequence(all), position: (own ?? inherited.value).position)
            default: continue
            }
            guard let index else {
                entries.append(Entry(key: inherited.key, value: value))
                continue
            }
            entries[index] = Entry(key: entries[index].key, value: value)
        }
        return with(entries)
    }

    /// What is in a list; of anything else, itself.
    private var elements: [Node] {
        if case .sequence(let elements) = content { return elements }
        return [self]
    }

    /// The text of a scalar.
    private var text: String? {
        if case .scalar(let scalar) = content { return scalar.text }
        return nil
    }
}
