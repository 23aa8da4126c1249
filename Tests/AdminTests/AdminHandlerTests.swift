import PenstockAdmin
import PenstockBytes
import PenstockHTTP
import PenstockObservability
import TestSupport
import Testing

@Suite("Admin handler")
struct AdminHandlerTests {
    private static let token = "0123456789abcdef0123456789abcdef"

    private static func handler(token: String? = token) -> AdminHandler {
        AdminHandler(
            [
                .health, .readiness { false }, .metrics(MetricsRegistry()) {},
                AdminEndpoint(.get, "/v1/things", .operators) { _ in .json(["a"]) },
                AdminEndpoint(.put, "/v1/things/{name}/parts", .operators) { request in
                    .json(["name": .string(request.parameters[0]), "bytes": .number(request.body.count)], status: 201)
                },
                AdminEndpoint(.delete, "/v1/things/{name}/parts", .operators) { request in
                    request.reply.send(.failure("not \(request.parameters[0])", status: 409))
                    return .later
                },
            ],
            token: token
        )
    }

    /// The front's client is one of another machine.
    @Test(arguments: [("/healthz", 200), ("/readyz", 503), ("/metrics", 403), ("/nothing", 404)])
    func `another machine is shown health, and no metrics`(_ path: String, _ status: Int) throws {
        let front = try ScriptedFront(Self.handler())
        #expect(front.answer("GET \(path)\nHost: 192.0.2.2:9901").status == status)
    }

    @Test(arguments: [
        ("Bearer \(token)", 200), ("bearer \(token)", 200), ("Bearer \(token)x", 401),
        ("Bearer \(token.dropLast())", 401),
        ("Bearer \(token.dropLast())e", 401), ("Bearer ", 401), ("Bearer", 401), ("Basic \(token)", 401), (token, 401),
        ("", 401),
    ])
    func `only operators are let in`(_ authorization: String, _ status: Int) throws {
        let front = try ScriptedFront(Self.handler())
        let field = authorization.isEmpty ? "" : "\nAuthorization: \(authorization)"
        let answer = front.answer("GET /v1/things\nHost: 192.0.2.2:9901\(field)")
        #expect(answer.status == status)
        #expect(answer["www-authenticate"] == (status == 401 ? "Bearer" : nil))
        // Without a token nobody is.
        let closed = try ScriptedFront(Self.handler(token: nil))
        #expect(closed.answer("GET /v1/things\nHost: 192.0.2.2:9901\(field)").status == 401)
    }

    @Test(arguments: [
        "Host: admin.example", "Host: 192.0.2.2\nOrigin: null", "Host: [::1]\nSec-Fetch-Site: cross-site",
    ])
    func `a page of the web is refused even with the token`(_ fields: String) throws {
        let front = try ScriptedFront(Self.handler())
        #expect(front.answer("GET /v1/things\n\(fields)\nAuthorization: Bearer \(Self.token)").status == 403)
    }

    @Test(arguments: [
        ("GET /v1/things", "", 200, "[\"a\"]\n"), ("HEAD /v1/things", "", 200, ""),
        ("PUT /v1/things/shop/parts", "", 201, "{\"name\":\"shop\",\"bytes\":0}\n"),
        ("PUT /v1/things/shop/parts", String(repeating: "x", count: 1000), 201, "{\"name\":\"shop\",\"bytes\":1000}\n"),
        ("DELETE /v1/things/shop/parts", "", 409, "{\"message\":\"not shop\",\"requestId\":\"ID\"}\n"),
        ("PUT /v1/things//parts", "", 404, nil), ("PUT /v1/things/shop/parts/", "", 404, nil),
        ("GET /v1", "", 404, nil),
        ("POST /v1/things", "", 405, nil), ("GET /v1/things/shop/parts", "", 405, nil),
    ])
    func `endpoints answer what they are asked`(
        _ request: String,
        _ body: String,
        _ status: Int,
        _ text: String?
    ) throws {
        let front = try ScriptedFront(Self.handler())
        let answer = front.answer(
            "\(request)\nHost: 192.0.2.2:9901\nAuthorization: Bearer \(Self.token)",
            body: Array(body.utf8)
        )
        #expect(answer.status == status)
        if let text {
            let id = answer.text.split(separator: "\"").dropLast().last.map(String.init) ?? ""
            #expect((status == 409 ? answer.text.replacing(id, with: "ID") : answer.text) == text)
        }
        if status == 405 { #expect(answer["allow"] == (request.hasPrefix("POST") ? "GET, HEAD" : "PUT, DELETE")) }
    }

    @Test func `a body that nobody would read is refused`() throws {
        let front = try ScriptedFront(Self.handler())
        front.window = 65_536
        let head = "PUT /v1/things/a/parts\nHost: 192.0.2.2\nAuthorization: Bearer \(Self.token)"
        #expect(front.answer(head, body: Array(repeating: 0x78, count: 1 << 20 + 1)).status == 413)
    }
}
