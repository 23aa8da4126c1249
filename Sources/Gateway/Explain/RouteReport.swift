import PenstockBytes
public import PenstockConfiguration
import PenstockHTTP
import PenstockPatterns
import PenstockRouting

/// What `penstock explain` says: which route a request would take, what is done to it, where every value that holds
/// for it comes from, and why the nearest other routes lost.
public struct RouteReport {
    let configuration: Configuration
    let head: RequestHead
    let listener: Configuration.Listener
    let match: RouteMatch
    let explanation: RouteExplanation

    /// How the upstreams of the route are now, where a gateway runs that knows them.
    public var upstreams: [UpstreamReport] = []

    /// What the chosen route captured of the path.
    let captures: [Range<Int>]

    private let table: RouteTable

    /// Sends a request through the router, and nowhere else.
    ///
    /// - Parameters:
    ///   - configuration: checked, without errors.
    ///   - method: as it goes over the wire.
    ///   - url: `http://HOST[:PORT]/PATH?QUERY`, or a path alone.
    ///   - fields: `name: value`.
    ///   - listener: the listener it comes in on; `nil`: the first one.
    ///   - client: the client's address, as proxies that are trusted would say it; `nil`: it has none.
    /// - Throws: ``Failure`` where there is no request to send, or one that the gateway refuses.
    public init(
        configuration: Configuration,
        method: String,
        url: String,
        fields: [String] = [],
        listener: String? = nil,
        client: String? = nil
    ) throws(Failure) {
        let names = configuration.listeners.map(\.name.value)
        let index = listener.map { names.firstIndex(of: $0) } ?? 0
        guard let index else {
            let near = suggestion(for: listener ?? "", among: names).map { "did you mean '\($0)'?" }
            throw .usage(
                "there is no listener '\(listener ?? "")'; \(near ?? "there is \(names.joined(separator: ", "))")"
            )
        }
        let address = client.flatMap { IPAddress($0) }
        if let client, address == nil { throw .usage("'\(client)' is not an address") }
        self.configuration = configuration
        self.listener = configuration.listeners[index]
        head = try Self.parse(method, url, fields, configuration.limits(of: self.listener), configuration.paths)
        do throws(GatewayError) {
            table = try RunningConfiguration.table(configuration)
        } catch {
            throw .usage(error.description)
        }
        let scratch = MatchScratch()
        (match, captures, explanation) = withExtendedLifetime((head, scratch)) { [head, table] in
            var captures: [Range<Int>] = []
            let request = RoutedRequest(head, listener: index, client: address, scratch: scratch)
            let match = table.decide(request, head, parameters: &captures)
            return (match, captures, table.explain(request, head))
        }
    }

    private static func parse(
        _ method: String,
        _ url: String,
        _ fields: [String],
        _ limits: Configuration.Limits,
        _ paths: Configuration.Paths
    ) throws(Failure) -> RequestHead {
        var authority = "localhost"
        var target = Substring(url)
        if let scheme = ["http://", "https://"].first(where: { url.lowercased().hasPrefix($0) }) {
            let rest = url.dropFirst(scheme.count)
            authority = String(rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" })
            target = rest.dropFirst(authority.count)
        } else if !url.hasPrefix("/"), url != "*" {
            throw .usage("'\(url)' is neither a URL (http://HOST/PATH) nor a path (/PATH)")
        }
        if let field = fields.first(where: { !$0.utf8.contains(ASCII.colon) }) {
            throw .usage("'\(field)' is no field: write 'name: value'")
        }
        target = target.prefix { $0 != "#" }
        if !target.hasPrefix("/"), target != "*" { target = "/" + target }
        let lines = ["\(method) \(target) HTTP/1.1", "host: \(authority)"] + fields
        let text = lines.joined(separator: "\r\n") + "\r\n\r\n"
        var parser = RequestParser(
            limits: HeadLimits(
                requestLine: limits.requestLine,
                head: limits.head,
                fields: limits.fields,
                chunkExtensions: limits.chunkExtensions
            ),
            mergeSlashes: paths.mergeSlashes,
            rejectEncodedSlashes: paths.encodedSlashes == .reject
        )
        let head = RequestHead()
        let parsed: Int?
        do throws(RequestError) {
            parsed = try parser.parse(Array(text.utf8).span.bytes, into: head)
        } catch {
            throw .refused("such a request is answered with \(error.status): \(error.reason)")
        }
        guard parsed != nil else { throw .refused("that is no whole request") }
        return head
    }

    /// Why there is nothing to report.
    public enum Failure: Error, CustomStringConvertible {
        /// What was asked for is no request.
        case usage(String)
        /// The gateway answers such a request before it looks for a route.
        case refused(String)

        public var description: String {
            switch self {
            case .usage(let message), .refused(let message): message
            }
        }
    }

    /// Whether a route takes the request and does not refuse it, or the gateway grants it itself, as OPTIONS is.
    public var isServed: Bool { ownAnswer.map { $0.status < 400 } ?? true }

    /// The route that was chosen; `nil` where none was.
    public var route: Configuration.Route? {
        guard case .route(let index) = match else { return nil }
        return configuration.routes[index]
    }

    /// The names of the upstreams that its requests may come to.
    public var upstreamNames: [String] {
        var names: [String] = []
        for case .upstream(let name) in route?.targets ?? [] where !names.contains(name.value) {
            names.append(name.value)
        }
        return names
    }

    /// The report for people.
    public var text: String { ReportText(self).text }

    /// The report for programs: one JSON object.
    public var json: String { jsonValue.jsonText }

    // MARK: Parts that both show

    /// `GET`.
    var method: String { String(decoding: head.methodName, as: UTF8.self) }

    /// The path as it is routed: normalised.
    var path: String { String(decoding: head.path, as: UTF8.self) }

    /// The host that is asked for, in lower case and without its port.
    var host: String { String(decoding: hostWithoutPort(head.authority), as: UTF8.self).lowercased() }

    /// Methods as `Allow` lists them.
    func allow(_ methods: MethodSet) -> String {
        var buffer = ByteBuffer()
        table.writeAllow(methods, to: &buffer)
        return String(decoding: buffer.readable, as: UTF8.self)
    }

    /// `routes.yaml:12:5`.
    func place(_ position: Position) -> String { "\(configuration.file(of: position)):\(position)" }
}

extension Configuration.Target {
    /// What answers, in a few words: `function hello`.
    var summary: String {
        guard case .split(let split) = self else { return "\(kind) \(name)" }
        let shares = split.targets.map { "\($0.weight) \($0.target.summary)" }.joined(separator: ", ")
        switch split.sticky {
        case nil: return "split: \(shares)"
        case .cookie(let cookie): return "split by cookie \(cookie.cookie): \(shares)"
        case .header(let name): return "split by header \(name): \(shares)"
        }
    }

    /// The key of the route: `function`.
    var kind: String {
        switch self {
        case .function: "function"
        case .upstream: "upstream"
        case .redirect: "redirect"
        case .respond: "respond"
        case .files: "files"
        case .split: "split"
        }
    }

    /// Which one, or what.
    var name: String {
        switch self {
        case .function(let name), .upstream(let name): name.value
        case .redirect(let redirect): "\(redirect.status) to \(redirect.to)"
        case .respond(let respond): "\(respond.status)"
        case .files(let files): "below \(files.root)"
        case .split(let split): split.targets.map { "\($0.weight) \($0.target.summary)" }.joined(separator: ", ")
        }
    }
}
