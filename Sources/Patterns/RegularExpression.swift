internal import CPCRE2

/// A regular expression of PCRE2 over bytes, compiled once; read-only, for any thread.
public final class RegularExpression: Sendable, CustomStringConvertible {
    /// As written.
    public let text: String

    // PCRE2 promises that matching changes nothing of what was compiled (pcre2api, "Multithreading").
    fileprivate nonisolated(unsafe) let code: OpaquePointer

    /// Compiles a pattern, to machine code where this processor has a compiler for it.
    ///
    /// - Parameter text: in the syntax of Perl 5; it matches bytes, not characters.
    /// - Throws: ``PatternError`` with PCRE2's own words.
    public init(parsing text: String) throws(PatternError) {
        self.text = text
        var number: Int32 = 0
        var offset = 0
        var pattern = text
        // (*UTF) in the pattern would make bytes that are no UTF-8 an error of each match.
        let code = pattern.withUTF8 {
            pcre2_compile_8($0.baseAddress, $0.count, PCRE2_NEVER_UTF, &number, &offset, nil)
        }
        guard let code else {
            throw PatternError("is no regular expression: \(Self.message(number)), at offset \(offset)")
        }
        self.code = code
        // Where there is no compiler, what was compiled is interpreted.
        pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE)
    }

    deinit { pcre2_code_free_8(code) }

    private static func message(_ number: Int32) -> String {
        var message = [UInt8](repeating: 0, count: 256)
        let count = pcre2_get_error_message_8(number, &message, message.count)
        return String(decoding: message.prefix(max(0, Int(count))), as: UTF8.self)
    }

    public var description: String { text }
}

extension RegularExpression: Hashable {
    public static func == (left: RegularExpression, right: RegularExpression) -> Bool { left.text == right.text }

    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// What a search with regular expressions needs beside them, made once: for one thread.
///
/// A search takes bounded time and memory, whatever pattern and text are: where it would take more, it is given up.
public final class ExpressionSearcher {
    /// What became of a search.
    public enum Outcome: Equatable, Sendable {
        case found
        case notFound
        /// Given up at a limit: neither is known.
        case exhausted
    }

    /// How often a search may try to go on from a place, about 2 ms of work.
    private static let matchLimit: UInt32 = 100_000

    /// How deep the alternatives that are left may nest.
    private static let depthLimit: UInt32 = 50_000

    /// What an interpreted search may remember, in KiB.
    private static let heapLimit: UInt32 = 8 << 10

    /// The stack of a compiled search, in bytes: to begin with, and at most.
    private static let stack = (32 << 10, 1 << 20)

    private let context = pcre2_match_context_create_8(nil)
    private let data = pcre2_match_data_create_8(1, nil)
    private let stack = pcre2_jit_stack_create_8(stack.0, stack.1, nil)

    public init() {
        pcre2_set_match_limit_8(context, Self.matchLimit)
        pcre2_set_depth_limit_8(context, Self.depthLimit)
        pcre2_set_heap_limit_8(context, Self.heapLimit)
        pcre2_jit_stack_assign_8(context, nil, stack.map { UnsafeMutableRawPointer($0) })
    }

    deinit {
        pcre2_jit_stack_free_8(stack)
        pcre2_match_data_free_8(data)
        pcre2_match_context_free_8(context)
    }

    /// Looks for a place in `text` that an expression matches.
    ///
    /// - Parameters:
    ///   - expression: not anchored, but for `^` and `$` of its own.
    ///   - text: any bytes.
    /// - Returns: whether there is one; allocates nothing where the expression was compiled to machine code.
    public func search(_ expression: RegularExpression, in text: UnsafeRawBufferPointer) -> Outcome {
        guard let data else { return .exhausted }
        // An empty text has no address, which PCRE2 wants all the same.
        var nothing: UInt8 = 0
        let result = withUnsafePointer(to: &nothing) { nothing in
            let start = text.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? nothing
            return pcre2_match_8(expression.code, start, text.count, 0, 0, data, context)
        }
        // 0 is a match with more groups than there is room for.
        if result >= 0 { return .found }
        return result == PCRE2_ERROR_NOMATCH ? .notFound : .exhausted
    }
}
