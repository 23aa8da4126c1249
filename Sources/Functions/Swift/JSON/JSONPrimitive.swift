import PenstockBytes

/// The types that are one JSON value each, and that a `Codable` type is made of in the end.
protocol JSONPrimitive {
    /// What `value` says, where it is of the right kind and fits.
    init?(json value: JSONValue)

    /// This value; `nil` where JSON has no form for it.
    var jsonValue: JSONValue? { get }
}

extension Bool: JSONPrimitive {
    init?(json value: JSONValue) {
        guard let bool = value.bool else { return nil }
        self = bool
    }

    var jsonValue: JSONValue? { .bool(self) }
}

extension String: JSONPrimitive {
    init?(json value: JSONValue) {
        guard let text = value.string else { return nil }
        self = text
    }

    var jsonValue: JSONValue? { .string(self) }
}

extension Double: JSONPrimitive {
    init?(json value: JSONValue) {
        guard let number = value.double, number.isFinite else { return nil }
        self = number
    }

    var jsonValue: JSONValue? { isFinite ? .number(self) : nil }
}

extension Float: JSONPrimitive {
    init?(json value: JSONValue) {
        guard case .number(let text) = value, let number = Float(text), number.isFinite else { return nil }
        self = number
    }

    var jsonValue: JSONValue? { isFinite ? .number("\(self)") : nil }
}

extension JSONPrimitive where Self: FixedWidthInteger {
    init?(json value: JSONValue) {
        guard case .number(let text) = value else { return nil }
        if let number = Self(text) {
            self = number
        } else if let number = Double(text), let exact = Self(exactly: number) {
            self = exact  // 1.0 and 1e3 are integers, too
        } else {
            return nil
        }
    }

    var jsonValue: JSONValue? { .number(String(self)) }
}

extension Int: JSONPrimitive {}
extension Int8: JSONPrimitive {}
extension Int16: JSONPrimitive {}
extension Int32: JSONPrimitive {}
extension Int64: JSONPrimitive {}
extension Int128: JSONPrimitive {}
extension UInt: JSONPrimitive {}
extension UInt8: JSONPrimitive {}
extension UInt16: JSONPrimitive {}
extension UInt32: JSONPrimitive {}
extension UInt64: JSONPrimitive {}
extension UInt128: JSONPrimitive {}
