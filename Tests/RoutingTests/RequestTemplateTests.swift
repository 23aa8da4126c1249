import PenstockBytes
import TestSupport
import Testing

@testable import PenstockHTTP

@Suite("Templates of a request's values")
struct RequestTemplateTests {
    @Test(arguments: Filled.cases)
    func `a template is filled with what the request carries`(_ row: Filled) throws {
        #expect(try row.fill() == row.expected)
    }

    @Test
    func `the routed path stays while a rewrite changes the path`() {
        let head = RequestHead()
        head.facts.pathRange = Array("/shop/x".utf8).withUnsafeBytes { head.fields.stash($0) }
        #expect(head.routedPath.elementsEqual("/shop/x".utf8))
        for rewritten in ["/x", "/y"] { Array(rewritten.utf8).withUnsafeBytes { head.replacePath($0) } }
        #expect(head.path.elementsEqual("/y".utf8))
        #expect(head.routedPath.elementsEqual("/shop/x".utf8))
        head.reset()
        #expect(head.routedPath.isEmpty)
    }

    @Test(arguments: [
        ("a%20b", "a b"), ("%2Fx", "/x"), ("%252F", "%2F"), ("a+b", "a+b"), ("100%", "100%"), ("%zz", "%zz"),
        ("%C3%A9", "é"), ("", ""),
    ])
    func `a parameter is decoded once`(_ encoded: String, _ expected: String) {
        var buffer = ByteBuffer()
        Array(encoded.utf8).withUnsafeBytes { buffer.append(percentDecoding: $0) }
        #expect(String(decoding: buffer.readable, as: UTF8.self) == expected)
    }
}

/// A template, a request, and what comes out: `nil` for 400.
struct Filled: Sendable, CustomTestStringConvertible {
    let text: String
    let use: RequestTemplate.Use
    let target: String
    let host: String
    let rest: String
    let expected: String?
    var testDescription: String { "\(text) of \(target)" }

    init(
        _ text: String,
        _ use: RequestTemplate.Use,
        _ target: String,
        rest: String,
        host: String = "example.com",
        _ expected: String?
    ) {
        self.text = text
        self.use = use
        self.target = target
        self.host = host
        self.rest = rest
        self.expected = expected
    }

    func fill() throws -> String? {
        let template = try RequestTemplate(parsing: text, for: use, parameters: ["rest"])
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map { Array($0.utf8) }
        let values = RequestHead()
        values.facts.pathRange = parts[0].withUnsafeBytes { values.fields.stash($0) }
        if parts.count > 1 { parts[1].withUnsafeBytes { values.replaceQuery($0) } }
        values.facts.authorityRange = Array(host.utf8).withUnsafeBytes { values.fields.stash($0) }
        let end = parts[0].count
        var output = ByteBuffer()
        output.append("kept:")
        guard template.write(values, [(end - rest.utf8.count)..<end], to: &output) else { return nil }
        output.consume(5)
        return String(decoding: output.readable, as: UTF8.self)
    }

    static let cases: [Filled] = [
        .init("/{rest}", .path, "/shop/a/b", rest: "a/b", "/a/b"),
        .init("/{rest}", .path, "/shop", rest: "", "/"),
        .init("/v1/{rest}/x", .path, "/shop/a%20b", rest: "a%20b", "/v1/a%20b/x"),
        .init("{path}", .path, "/shop?q=1", rest: "", "/shop"),
        .init("/a b/é", .path, "/x", rest: "", "/a%20b/%C3%A9"),
        .init("/{rest}", .path, "/x/a%0Ab", rest: "a%0Ab", nil),
        .init("/{rest}", .path, "/x/a%7F", rest: "a%7F", nil),
        .init("/{rest}", .path, "/x/a%1f", rest: "a%1f", nil),
        .init("/{rest}", .path, "/x/a%7E", rest: "a%7E", "/a%7E"),
        .init("/.{rest}", .path, "/x/", rest: "", nil),
        .init("/.{rest}", .path, "/x//a", rest: "/a", nil),
        .init("/.{rest}", .path, "/x/git", rest: "git", "/.git"),
        .init("/..{path}", .path, "/x", rest: "", nil),
        .init("https://example.com{path}", .redirect, "/a/b", rest: "", "https://example.com/a/b"),
        .init("https://example.com{path}", .redirect, "/a?x=1&y", rest: "", "https://example.com/a?x=1&y"),
        .init("https://example.com{path}?", .redirect, "/a?x=1", rest: "", "https://example.com/a?"),
        .init("https://example.com/?from={path}", .redirect, "/a?x=1", rest: "", "https://example.com/?from=/a"),
        .init("https://example.com/x?{query}", .redirect, "/a?x=1", rest: "", "https://example.com/x?x=1"),
        .init("https://example.com/x?{query}", .redirect, "/a", rest: "", "https://example.com/x"),
        .init("https://example.com/x?a=1&{query}", .redirect, "/a?b=2", rest: "", "https://example.com/x?a=1&b=2"),
        .init(
            "https://{host}{path}",
            .redirect,
            "/a",
            rest: "",
            host: "Shop.Example.com:8080",
            "https://shop.example.com/a"
        ),
        .init(
            "https://www.{host}:8443/",
            .redirect,
            "/a",
            rest: "",
            host: "example.com.",
            "https://www.example.com:8443/"
        ),
        .init("https://{host}/", .redirect, "/a", rest: "", host: "[::1]:80", "https://[::1]/"),
        .init("https://{host}/", .redirect, "/a", rest: "", host: "evil.com/.example.com", nil),
        .init("https://{host}/", .redirect, "/a", rest: "", host: "a@evil.com", nil),
        .init("https://{host}/", .redirect, "/a", rest: "", host: "", nil),
        .init("/{rest}", .redirect, "/old/new", rest: "new", "/new"),
        .init("/{rest}", .redirect, "/old//evil.com", rest: "/evil.com", "/evil.com"),
        .init("/{rest}", .redirect, "/old////evil.com/x", rest: "///evil.com/x", "/evil.com/x"),
        .init("{path}", .redirect, "//evil.com", rest: "", "/evil.com"),
        .init("//{rest}", .redirect, "/old/evil.com", rest: "evil.com", "/evil.com"),
        .init("/{rest}{rest}", .redirect, "/x//", rest: "/", "/"),
        .init("/new/{rest}", .redirect, "/old//x", rest: "/x", "/new//x"),
        .init("/", .redirect, "/a?next=//evil", rest: "", "/?next=//evil"),
        .init("/{rest}", .redirect, "/x/%0d%0aSet-Cookie:a", rest: "%0d%0aSet-Cookie:a", nil),
        .init("/x", .redirect, "/x?a\u{1}b", rest: "", nil),
        .init("/é x#frag", .redirect, "/x?q", rest: "", "/%C3%A9%20x#frag"),
        .init("{rest} of {host}, {query}", .field, "/x/a%20b?q=1", rest: "a%20b", "a%20b of example.com, q=1"),
        .init("{{\"id\":\"{rest}\"}}", .field, "/x/7", rest: "7", "{\"id\":\"7\"}"),
        .init("{rest}", .field, "/x/%0d%0ax", rest: "%0d%0ax", nil),
        .init("{query}", .field, "/x", rest: "", ""),
        .init("", .field, "/x", rest: "", ""),
    ]
}
