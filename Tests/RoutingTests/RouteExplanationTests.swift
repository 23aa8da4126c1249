import PenstockHTTP
import PenstockPatterns
import TestSupport
import Testing

@testable import PenstockRouting

@Suite("Explanation of a route")
struct RouteExplanationTests {
    static let routes = [
        RouteDescription(name: "me", path: "/users/me"),
        RouteDescription(name: "user", path: "/users/{id}", methods: ["GET"]),
        RouteDescription(name: "create", path: "/users/{id}", methods: ["POST"]),
        RouteDescription(name: "beta", path: "/users/{id}", fields: [.init(name: "X-Beta", value: .exact("1"))]),
        RouteDescription(name: "query", path: "/users/{id}", query: [.init(name: "v", value: .exact("2"))]),
        RouteDescription(name: "any", path: "/users/{id}"),
        RouteDescription(name: "again", path: "/users/{id}"),
        RouteDescription(name: "rest", path: "/users/{rest*}"),
        RouteDescription(name: "shop", path: "/users/{id}", hosts: ["shop.test"]),
        RouteDescription(name: "late", priority: -1, path: "/users/7"),
        RouteDescription(name: "posts", path: "/users/{id}/posts"),
        RouteDescription(name: "far", path: "/somewhere/else"),
    ]

    private func explain(
        _ method: String,
        _ host: String,
        _ target: String,
        _ fields: [(String, String)] = []
    )
        throws -> RouteExplanation
    {
        let table = try RouteTable(Self.routes)
        var request = RoutingScript.Request(line: "", method: method, host: host, target: target)
        request.fields = fields
        return request.with { table.explain($0, limit: 20) }
    }

    @Test
    func `it names the route, its parameters, and why each of the others lost`() throws {
        let explanation = try explain("GET", "example.com", "/users/7?v=1", [("x-beta", "2")])
        #expect(explanation.match == .route(1))
        #expect(explanation.parameters == [.init(name: "id", value: "7")])
        let lines = explanation.losers.map { loser in
            "\(Self.routes[loser.route].name): \(loser.reasons.map(\.description).joined(separator: "; "))"
        }
        let expected = [
            "any: fits as well, but names no methods",
            "again: fits as well, but names no methods",
            "rest: fits as well, but segment 2 of its path is less specific",
            "late: fits as well, but its priority is -1, not 0",
            "create: method: GET is not POST",
            "beta: header X-Beta: '2' is not '1'",
            "query: query v: '1' is not '2'",
            "shop: host: 'example.com' is not shop.test",
            "me: path: segment 2 is '7', not 'me'",
            "posts: path: it ends before segment 3, 'posts'",
        ]
        #expect(lines == expected)
    }

    @Test
    func `without a route it says what was near`() throws {
        let explanation = try explain("GET", "example.com", "/somewhere/else/again")
        #expect(explanation.match == .notFound)
        #expect(explanation.losers.map { "\($0.reasons)" } == ["[path: it goes on with '/again']"])
    }

    /// What a route asks of a value, what was sent, and what is said.
    @Test(arguments: [
        ("header.x^=a", "x: b", "header x: 'b' does not begin with 'a'"),
        ("header.x$=a", "x: b", "header x: 'b' does not end with 'a'"),
        ("header.x:=^a+$", "x: b", "header x: 'b' does not match '^a+$'"),
        ("header.!x", "x: b", "header x: it is there"), ("header.x", "y: b", "header x: it is not there"),
        ("cookie.s=1", "cookie: s=2", "cookie s: '2' is not '1'"),
        ("cookie.s", "cookie: t=2", "cookie s: it is not there"),
        (
            "client=10.0.0.0/8,::1/128", "client: 11.0.0.1",
            "client address: 11.0.0.1 is in none of 10.0.0.0/8, ::1/128"
        ),
        ("client=10.0.0.0/8", "x: b", "client address: none is not in 10.0.0.0/8"),
    ])
    func `every condition has its reason`(_ row: (asked: String, sent: String, reason: String)) throws {
        let script = RoutingScript(name: "", "r /a \(row.asked)\n----------\nGET h /a {\(row.sent)} -> 404\n")
        let table = try RouteTable(script.routes)
        let explanation = script.requests[0].with { table.explain($0) }
        #expect(explanation.match == .notFound)
        #expect(explanation.losers.flatMap(\.reasons).map(\.description) == [row.reason])
    }

    @Test
    func `a wider host and a later line are reasons`() throws {
        let explanation = try explain("PUT", "shop.test", "/users/7")
        #expect(explanation.match == .route(8))
        let any = explanation.losers.first { $0.route == 5 }
        #expect(any?.reasons == [.widerHost])
    }

    /// Random tables and requests: the tree must choose what judging each route for itself chooses.
    @Test(arguments: 0..<40)
    func `the tree and the plainest judgement agree`(_ seed: Int) throws {
        var random = Dice(state: UInt64(seed) &* 7919 &+ 1)
        let routes = (0..<30).map { Self.route($0, &random) }
        let table = try RouteTable(routes)
        for _ in 0..<300 {
            let request = Self.request(&random)
            let explanation = request.with { table.explain($0, limit: 100) }
            let fits = explanation.losers.filter { $0.reasons.contains(where: \.isPrecedence) }
            switch explanation.match {
            case .route(let chosen):
                let judged = request.with { table.plainChoice($0) }
                #expect(judged == chosen, "\(request) in \(routes)")
            default:
                #expect(fits.isEmpty)
                #expect(request.with { table.plainChoice($0) } == nil, "\(request) in \(routes)")
                let answer = request.answer(of: table)
                let onlyMethod = request.with { table.failsOnMethodOnly($0) }
                #expect(answer.hasPrefix("404") != onlyMethod, "\(answer) for \(request) in \(routes)")
            }
        }
    }

    private static func route(_ index: Int, _ random: inout Dice) -> RouteDescription {
        var path = ""
        for level in 0..<random.roll(4) {
            path += ["/a", "/b", "/{x\(level)}", "/{y\(level)}"][random.roll(4)]
        }
        path += ["", "/", "/{rest*}", "/{rest+}", "/c"][random.roll(5)]
        if path.isEmpty { path = "/" }
        return RouteDescription(
            name: "r\(index)",
            priority: [0, 0, 0, 5, -5][random.roll(5)],
            path: PathPattern(stringLiteral: path),
            takesBothEnds: random.roll(3) == 0,
            hosts: [[], [], ["a.b.c"], ["*.b.c"], ["*.c", "a.b.c"]][random.roll(5)],
            listeners: [[], [], [], [1]][random.roll(4)],
            methods: [[], ["GET"], ["POST"], ["GET", "HEAD"], ["OPTIONS"], ["HEAD"]][random.roll(6)],
            fields: [[], [], [.init(name: "x", value: .present)], [.init(name: "x", value: value(&random))]][
                random.roll(4)
            ],
            query: [[], [], [.init(name: "q", value: value(&random))]][random.roll(3)],
            cookies: [[], [], [.init(name: "s", value: value(&random))]][random.roll(3)],
            clients: [[], [], [], ["10.0.0.0/8"], ["10.1.0.0/16", "::/0"]][random.roll(5)]
        )
    }

    private static func value(_ random: inout Dice) -> TextCondition {
        [.present, .absent, .exact("1"), .prefix("1"), .suffix("2"), .regex("^[12]+$")][random.roll(6)]
    }

    private static func request(_ random: inout Dice) -> RoutingScript.Request {
        var target = ""
        for _ in 0..<(1 + random.roll(4)) { target += ["/a", "/b", "/c", "/"][random.roll(4)] }
        target += ["", "", "?q", "?q=1", "?q=%312", "?r=1&q=2"][random.roll(6)]
        let methods = ["GET", "POST", "HEAD", "OPTIONS", "PUT"]
        let hosts = ["a.b.c", "x.b.c", "x.c", "c", "d"]
        var request = RoutingScript.Request(
            line: "",
            method: methods[random.roll(5)],
            host: hosts[random.roll(5)],
            target: target
        )
        request.listener = random.roll(2)
        request.fields = [[], [("x", "1")], [("x", "2"), ("x", "12")]][random.roll(3)]
        request.fields += [[], [("Cookie", "s=1")], [("cookie", "t=1; s=12"), ("cookie", "s")]][random.roll(3)]
        request.fields += [[], [("client", "10.0.0.1")], [("client", "10.1.0.1")], [("client", "::1")]][random.roll(4)]
        return request
    }
}

/// A small generator with a seed, so that a failure can be seen again.
private struct Dice {
    var state: UInt64

    mutating func roll(_ sides: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(sides))
    }
}
