import PenstockHTTP
import PenstockHandlers
import TestSupport
import Testing

@Suite("Redirect")
struct RedirectHandlerTests {
    private func answer(_ request: String, to target: String, status: Int = 308) throws -> ScriptedAnswer {
        let template = try RequestTemplate(parsing: target, for: .redirect)
        return try answerOverBoth(request) { RedirectHandler(to: template, status: status) }
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `it sends the client on, with its path and query`(_ status: Int) throws {
        let answer = try answer("GET /a/b?x=1", to: "https://example.com{path}", status: status)
        #expect(answer.status == status)
        #expect(answer["location"] == "https://example.com/a/b?x=1")
        #expect(answer.contentLength == 0)
        #expect(answer.isWhole)
    }

    @Test
    func `a path that begins with two slashes leads to no other host`() throws {
        #expect(try answer("GET //evil.example/x", to: "{path}")["location"] == "/evil.example/x")
        #expect(try answer("GET ////evil.example", to: "{path}")["location"] == "/evil.example")
    }

    @Test
    func `the host goes without its port`() throws {
        let answer = try answer("GET /x\nHost: Shop.Example.com:8080", to: "https://{host}{path}")
        #expect(answer["location"] == "https://shop.example.com/x")
    }

    @Test
    func `HEAD and POST are sent on as well`() throws {
        #expect(try answer("HEAD /x", to: "/y").status == 308)
        #expect(try answer("POST /x", to: "/y")["location"] == "/y")
    }
}
