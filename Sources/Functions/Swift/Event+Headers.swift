import PenstockBytes

extension Event {
    /// The fields of a request: names in lower case, each once, in the order they came; repeated values joined with `,`.
    public struct Headers: Sendable, Sequence {
        let source: Source

        /// The value of a field; `name` in any case.
        public subscript(name: String) -> String? {
            switch source {
            case .request(let snapshot): snapshot.header(name)
            case .json(let json):
                json["headers"]?.object?.members.first { $0.key.lowercased() == name.lowercased() }?.value.string
            }
        }

        /// All of them, by name.
        public var dictionary: [String: String] { Dictionary(Array(self)) { $1 } }

        public func makeIterator() -> Array<(String, String)>.Iterator {
            switch source {
            case .request(let snapshot): snapshot.headerTexts.makeIterator()
            case .json(let json):
                (json["headers"]?.object?.members ?? []).map { ($0.key, $0.value.string ?? "") }.makeIterator()
            }
        }
    }
}

extension RequestSnapshot {
    /// The values of a field, joined; `nil` where there is none.
    fileprivate func header(_ name: String) -> String? {
        var name = name
        return name.withUTF8 { wanted in
            var joined: String?
            for field in fields where isName(field, UnsafeRawBufferPointer(wanted)) {
                let value = text(field.value)
                joined = joined.map { $0 + "," + value } ?? value
            }
            return joined
        }
    }

    private func isName(_ field: Field, _ wanted: UnsafeRawBufferPointer) -> Bool {
        let name = bytes(field.name)
        guard name.count == wanted.count else { return false }
        for index in 0..<name.count where name[index] != ASCII.lowercased(wanted[index]) { return false }
        return true
    }

    var headerTexts: [(String, String)] {
        var texts: [(String, String)] = []
        var places: [String: Int] = [:]
        for field in fields {
            let name = text(field.name)
            if let place = places[name] {
                texts[place].1 += "," + text(field.value)
            } else {
                places[name] = texts.count
                texts.append((name, text(field.value)))
            }
        }
        return texts
    }
}
