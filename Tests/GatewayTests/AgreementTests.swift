import PenstockFilters
import PenstockRouting
import TestSupport
import Testing

@testable import PenstockConfiguration

/// What the configuration accepts is what the targets behind it take: they do not know each other.
@Suite("Configuration and its users agree")
struct AgreementTests {
    private static let free = [
        "accept", "authorization", "cache-control", "content-type", "cookie", "location", "origin", "server",
        "set-cookie", "traceparent", "user-agent", "via", "x-api",
    ]

    /// Refused on both sides: of the connection, of the framing, the gateway's own.
    private static let own = [
        "connection", "content-length", "http2-settings", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "x-penstock-a", "x-request-id",
    ]

    /// Refused in requests: they reach no upstream.
    private static let ofTheClient = [
        "expect", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto",
        "x-original-url", "x-real-ip", "x-rewrite-url", "x_tenant",
    ]

    private static let names = free + own + ofTheClient + ["date", "host"]

    private func isAccepted(_ edits: String) -> Bool {
        let text = "routes: [{ path: /, respond: {}, headers: { \(edits) } }]"
        return Configuration.parse(text: text, Surroundings(environment: { _ in nil })).configuration != nil
    }

    @Test(arguments: names, ["request", "response"])
    func `a field that a route may edit is one that can be edited`(_ name: String, _ side: String) {
        if isAccepted("\(side): { set: { \(name): x } }") {
            let setting = FieldEdits.Setting(name: name, value: .literal([0x78]))
            #expect(throws: Never.self) { try FieldEdits(set: [setting], remove: []) }
        }
        if isAccepted("\(side): { remove: [\(name)] }") {
            #expect(throws: Never.self) { try FieldEdits(set: [], remove: [name]) }
        }
    }

    @Test func `what would do nothing is refused, and nothing else`() {
        let refused = { (edits: (String) -> String) in Set(Self.names.filter { !isAccepted(edits($0)) }) }
        let (own, client) = (Set(Self.own), Set(Self.ofTheClient))
        #expect(refused { "request: { set: { \($0): x } }" } == own.union(client))
        #expect(refused { "request: { remove: [\($0)] }" } == own.union(client).union(["host"]))
        #expect(refused { "response: { set: { \($0): x } }" } == own)
        #expect(refused { "response: { remove: [\($0)] }" } == own.union(["date"]))
    }

    @Test func `as many methods as the configuration accepts fit the route table`() throws {
        let routes = { (count: Int) in
            let own = (0..<count).map { "M\($0)" }.joined(separator: ", ")
            return "routes: [{ path: /, respond: {}, methods: [GET, PATCH, \(own)] }]"
        }
        let surroundings = Surroundings(environment: { _ in nil })
        let limit = Configuration.ownMethodLimit
        #expect(Configuration.parse(text: routes(limit + 1), surroundings).configuration == nil)
        let most = try #require(Configuration.parse(text: routes(limit), surroundings).configuration)
        let methods = most.routes[0].methods.map(\.value)
        #expect(throws: Never.self) { try RouteTable([RouteDescription(name: "all", path: "/", methods: methods)]) }
    }
}
