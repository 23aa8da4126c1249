import PenstockHandlers
import TestSupport
import Testing

@Suite("Fixed response")
struct FixedResponseHandlerTests {
    private func answer(_ request: String, status: Int = 200, body: String = "ok\n") throws -> ScriptedAnswer {
        try answerOverBoth(request) { FixedResponseHandler(status: status, body: Array(body.utf8)) }
    }

    @Test
    func `it is status, type, length and body`() throws {
        let answer = try answer("GET /healthz")
        #expect(answer.status == 200)
        #expect(answer["content-type"] == "text/plain; charset=utf-8")
        #expect(answer.contentLength == 3)
        #expect(answer.text == "ok\n")
        #expect(answer.isWhole)
    }

    @Test
    func `HEAD has the length and no body`() throws {
        let answer = try answer("HEAD /healthz")
        #expect(answer.contentLength == 3)
        #expect(answer.text.isEmpty)
        #expect(answer.isWhole)
    }

    @Test(arguments: [204, 304])
    func `a status without a body has neither body nor length`(_ status: Int) throws {
        let answer = try answer("GET /", status: status)
        #expect(answer.status == status)
        #expect(answer.contentLength == nil)
        #expect(answer["content-type"] == nil)
        #expect(answer.text.isEmpty)
    }

    @Test
    func `an empty body has a length and no type`() throws {
        let answer = try answer("GET /", status: 404, body: "")
        #expect(answer.contentLength == 0)
        #expect(answer["content-type"] == nil)
    }

    @Test
    func `the answer does not wait for the request's body`() throws {
        let answer = try answerOverBoth("POST /", body: Array(repeating: 7, count: 100_000)) {
            FixedResponseHandler(status: 200, body: Array("ok".utf8))
        }
        #expect(answer.text == "ok")
    }
}
