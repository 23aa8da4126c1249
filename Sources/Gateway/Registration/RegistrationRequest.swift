import PenstockAdmin
import PenstockBytes
import PenstockConfiguration
import PenstockHTTP
import PenstockNetworking
import PenstockPatterns
import PenstockReverseProxy

/// What a service asks for that registers itself, or takes itself back: `{"url", "weight", "ttl"}`.
struct RegistrationRequest {
    let endpoint: EndpointDescription

    /// Where it is.
    let address: SocketAddress

    /// The same, for networks to be compared with.
    let ip: IPAddress

    /// `nil`: as long as the upstream allows.
    let ttl: Duration?

    /// Why a request is refused, and what would be right.
    struct Refusal: Error {
        let status: Int
        let message: String

        /// The answer that says so.
        var answer: AdminAnswer { .failure(message, status: status) }
    }

    private static let keys = ["url", "weight", "ttl"]

    /// Reads the body of a request, or its query where there is no body: `?url=http://10.0.0.7:3000`.
    ///
    /// - Throws: ``Refusal`` with 400 where it has another form, 422 where a value is none.
    init(_ request: AdminRequest) throws(Refusal) {
        let body = try request.body.isEmpty ? Self.members(of: request.query) : Self.object(request.body)
        if let unknown = body.members.first(where: { !Self.keys.contains($0.key) }) {
            throw .form("unknown key '\(unknown.key)'")
        }
        guard let url = body["url"]?.string else { throw .form("'url' is missing") }
        (endpoint, ip) = try Self.endpoint(url, weight: Self.weight(body["weight"]))
        address = endpoint.addresses[0]
        ttl = try Self.duration(body["ttl"])
    }

    private static func object(_ bytes: [UInt8]) throws(Refusal) -> JSONObject {
        do throws(JSONError) {
            if case .object(let object) = try JSONValue(parsing: bytes.span.bytes) { return object }
        } catch {
            throw .form("the body is no JSON: \(error)")
        }
        throw .form("the body is no JSON object")
    }

    private static func members(of query: String?) -> JSONObject {
        let pairs = (query ?? "").split(separator: "&").map { pair in
            let name = pair.prefix { $0 != "=" }
            var value = ByteBuffer()
            Array(pair.dropFirst(name.count + 1).utf8).withUnsafeBytes { value.append(percentDecoding: $0) }
            return JSONObject.Member(key: String(name), value: .string(String(decoding: value.readable, as: UTF8.self)))
        }
        return JSONObject(pairs)
    }

    private static func weight(_ value: JSONValue?) throws(Refusal) -> Int {
        guard let value else { return 1 }
        guard let weight = value.integer else { throw .form("'weight' is no whole number") }
        guard (1...1000).contains(weight) else { throw .value("'weight' is \(weight): it must be 1 to 1000") }
        return weight
    }

    private static func duration(_ value: JSONValue?) throws(Refusal) -> Duration? {
        guard let value else { return nil }
        guard let text = value.string else { throw .form("'ttl' is no text such as \"30s\"") }
        let duration: Duration
        do throws(Complaint) {
            duration = try Duration.parse(text)
        } catch {
            throw .value("'ttl': '\(text)' \(error.words)")
        }
        guard duration >= .seconds(1) else { throw .value("'ttl' is \(text): at least 1s") }
        return duration
    }

    private static func endpoint(_ url: String, weight: Int) throws(Refusal) -> (EndpointDescription, IPAddress) {
        let parsed: Configuration.Endpoint
        do throws(Complaint) {
            parsed = try Configuration.Endpoint.parse(url)
        } catch {
            throw .value("'url': '\(url)' \(error.words)")
        }
        guard case .http(.ip(let ip), let port) = parsed.place else {
            throw .value("'url': '\(url)' has no address: register 'http://ADDRESS:PORT', not a name or a unix socket")
        }
        let endpoint = EndpointDescription(
            name: "\(parsed.place)",
            authority: parsed.authority,
            addresses: [SocketAddress(ip, port: port)],
            weight: weight
        )
        return (endpoint, ip)
    }
}

extension RegistrationRequest.Refusal {
    fileprivate static func form(_ what: String) -> Self {
        Self(
            status: 400,
            message: "\(what); expected {\"url\": \"http://10.0.0.7:3000\", \"weight\": 1, \"ttl\": \"30s\"}, "
                + "of which only 'url' has to be there"
        )
    }

    fileprivate static func value(_ what: String) -> Self { Self(status: 422, message: what) }
}

extension Complaint {
    fileprivate var words: String { hint.map { "\(message); \($0)" } ?? message }
}
