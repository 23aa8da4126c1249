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
        RouteDescription(name: "beta", path: "/users/{id}", fields: [.init(name: "X-Beta", value: "1")]),
        RouteDescription(name: "query", path: "/users/{id}", query: [.init(name: "v", value: "2")]),
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
            "query: query v: '2' is not there",
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
            hosts: [[], [], ["a.b.c"], ["*.b.c"], ["*.c", "a.b.c"]][random.roll(5)],
            listeners: [[], [], [], [1]][random.roll(4)],
            methods: [[], ["GET"], ["POST"], ["GET", "HEAD"], ["OPTIONS"], ["HEAD"]][random.roll(6)],
            fields: [[], [], [.init(name: "x", value: nil)], [.init(name: "x", value: "1")]][random.roll(4)],
            query: [[], [], [.init(name: "q", value: nil)]][random.roll(3)]
        )
    }

    private static func request(_ random: inout Dice) -> RoutingScript.Request {
        var target = ""
        for _ in 0..<(1 + random.roll(4)) { target += ["/a", "/b", "/c", "/"][random.roll(4)] }
        if random.roll(3) == 0 { target += "?q" }
        let methods = ["GET", "POST", "HEAD", "OPTIONS", "PUT"]
        let hosts = ["a.b.c", "x.b.c", "x.c", "c", "d"]
        var request = RoutingScript.Request(
            line: "",
            method: methods[random.roll(5)],
            host: hosts[random.roll(5)],
            target: target
        )
        request.listener = random.roll(2)
        request.fields = [[], [("x", "1")], [("x", "2")]][random.roll(3)]
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
