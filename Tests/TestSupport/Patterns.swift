public import PenstockHTTP
public import PenstockPatterns

extension PathPattern: ExpressibleByStringInterpolation {
    /// A pattern that a test is sure of.
    public init(stringLiteral text: String) {
        do throws(PatternError) {
            try self.init(parsing: text)
        } catch {
            preconditionFailure("'\(text)' \(error.message)")
        }
    }
}

extension HostPattern: ExpressibleByStringInterpolation {
    /// A pattern that a test is sure of.
    public init(stringLiteral text: String) {
        do throws(PatternError) {
            try self.init(parsing: text)
        } catch {
            preconditionFailure("'\(text)' \(error.message)")
        }
    }
}

extension RegularExpression: ExpressibleByStringLiteral {
    /// An expression that a test is sure of.
    public convenience init(stringLiteral text: String) {
        do throws(PatternError) {
            try self.init(parsing: text)
        } catch {
            preconditionFailure("'\(text)' \(error.message)")
        }
    }
}

extension AddressRange: ExpressibleByStringLiteral {
    /// A range, with its prefix, that a test is sure of.
    public init(stringLiteral text: String) {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let address = IPAddress(parts[0]), let prefix = Int(parts[1]) else {
            preconditionFailure("'\(text)' is no range")
        }
        self.init(of: address, prefix: prefix)
    }
}

extension RequestTemplate {
    /// A template as a route with these parameters would have it.
    public init(parsing text: String, for use: Use, parameters: [String] = []) throws(PatternError) {
        self.init(try Template(parsing: text).resolved(with: parameters).template, for: use, parameters: parameters)
    }
}
