public import PenstockPatterns

extension Configuration {
    /// Which requests, and what answers them.
    public struct Route: Equatable, Sendable {
        /// Where the route begins in the file.
        public var position: Position

        /// Unique; `METHOD path` where the file gives none (`ANY /users/{id}` without methods).
        public var name: Located<String>

        /// Routes with a higher one are tried before all with a lower one; -1000...1000.
        public var priority = 0

        /// The paths it takes.
        public var path: Located<PathPattern>

        /// What becomes of a path with a final slash where its own has none, or the other way round.
        public var trailingSlash: Located<TrailingSlash> = .unwritten(.strict)

        /// The hosts it takes; empty: every one.
        public var hosts: [Located<HostPattern>] = []

        /// The listeners it is on, by name; empty: every one.
        public var listeners: [Located<String>] = []

        /// The methods it takes; empty: every one.
        public var methods: [Located<String>] = []

        /// What else a request must have.
        public var match = Match()

        /// What is done to the fields of requests and responses.
        public var headers = HeaderEdits()

        /// The path that the target sees instead; `nil`: the request's own.
        public var rewritePath: Located<Template>?

        /// What answers.
        public var target: Target

        /// Who is asked when the target has failed; `nil`: nobody.
        public var fallback: Fallback?

        /// Who gets a copy of its requests; `nil`: nobody.
        public var mirror: Mirror?

        /// Pages for errors, before those of the whole file.
        public var errorPages: [ErrorPage] = []

        /// The most requests at a time; `nil`: no limit.
        public var concurrency: Located<Int?> = .unwritten(nil)

        /// How more of them wait.
        public var queue = Queue(length: .unwritten(100))

        /// From the request's head to the end of the response, of an event stream to its head; `nil`: none.
        public var timeout: Located<Duration>?

        /// What is written here, and wins over the listener's.
        public var limits = LimitOverrides()

        /// What is written here, and wins over the listener's.
        public var timeouts = TimeoutOverrides()

        /// Whether a client that asks for a WebSocket gets one.
        public var websocket: Located<Bool> = .unwritten(false)

        /// What is written here, and wins over the upstream's.
        public var retries = RetryOverrides()

        /// What is written here, and wins over the upstream's.
        public var buffer = BufferOverrides()

        /// A request to try it with.
        public var example: Example?

        /// The paths that it takes or sends to its own: these first, then those with a final slash more or less.
        var forms: [PathPattern] {
            [path.value] + (trailingSlash.value == .strict ? [] : [path.value.withOtherEnd].compactMap { $0 })
        }
    }

    /// What a route makes of a path that is its own but for a final slash.
    public enum TrailingSlash: String, CaseIterable, Sendable {
        /// It is another path.
        case strict
        /// The route takes it.
        case ignore
        /// The client is sent to the route's own form.
        case redirect
    }

    /// What answers a route's requests.
    public enum Target: Equatable, Sendable {
        /// A function, by name.
        case function(Located<String>)
        /// An upstream, by name.
        case upstream(Located<String>)
        case redirect(Redirect)
        case respond(Respond)
        case files(Files)
        /// One of several, by weight.
        case split(Split)
    }

    /// Another place to ask.
    public struct Redirect: Equatable, Sendable {
        /// The Location: an absolute URL or a path.
        public var to: Located<Template>

        /// 301, 302, 303, 307 or 308.
        public var status = 302
    }

    /// A fixed answer.
    public struct Respond: Equatable, Sendable {
        /// 200...599.
        public var status: Located<Int> = .unwritten(200)

        /// UTF-8 text.
        public var body = ""
    }

    /// Files below a folder.
    public struct Files: Equatable, Sendable {
        /// The folder, resolved against the configuration's.
        public var root: Located<String>

        /// The file that stands for a folder.
        public var index = "index.html"

        /// Whether the compressed files beside a file, `x.br` and `x.gz`, are sent to those who take them.
        public var precompressed = false
    }

    /// What a request must have beside host, path and method: all of it.
    public struct Match: Equatable, Sendable {
        /// Of the request's fields; names in lower case.
        public var headers: [Condition] = []

        /// Of the query's parameters, decoded.
        public var query: [Condition] = []

        /// Of the cookies, as they were sent.
        public var cookies: [Condition] = []

        /// The addresses of clients; empty: every one.
        public var clientAddress: [Located<AddressRange>] = []

        /// How many conditions there are; all addresses are one.
        public var count: Int { headers.count + query.count + cookies.count + (clientAddress.isEmpty ? 0 : 1) }
    }

    /// What is asked of a field, a query parameter or a cookie.
    public struct Condition: Equatable, Sendable {
        public var name: Located<String>

        /// What one of those with the name must say; of ``TextCondition/absent``, that there is none.
        public var value: TextCondition
    }

    /// What is done to the fields of requests and responses.
    public struct HeaderEdits: Equatable, Sendable {
        public var request = FieldEdits()
        public var response = FieldEdits()
    }

    /// Fields to remove, then fields to set; names in lower case.
    public struct FieldEdits: Equatable, Sendable {
        public var settings: [FieldSetting] = []
        public var removals: [Located<String>] = []

        /// Whether nothing is done.
        public var isEmpty: Bool { settings.isEmpty && removals.isEmpty }
    }

    /// A field and what it says from now on.
    public struct FieldSetting: Equatable, Sendable {
        public var name: Located<String>
        public var value: FieldValue
    }

    /// What a field is set to.
    public enum FieldValue: Equatable, Sendable {
        case template(Template)
        /// From `{ env: ... }` or `{ file: ... }`, taken as it is.
        case secret(Secret)
    }

    /// A request to try a route with.
    public struct Example: Equatable, Sendable {
        /// Names and values, not encoded.
        public var query: [ExampleParameter] = []
    }

    /// One parameter of an example's query.
    public struct ExampleParameter: Equatable, Sendable {
        public var name: String
        public var value: String
    }
}
