import Glibc
import PenstockHTTP
import PenstockPatterns
import PenstockRouting
import TestSupport
import Testing

@Suite("Route table (architecture.md, section 6)")
struct RouteTableTests {
    @Test(arguments: RoutingScript.all)
    func `every request gets the route that its script says`(_ script: RoutingScript) throws {
        let table = try RouteTable(script.routes)
        for request in script.requests {
            #expect(request.answer(of: table) == request.expected, "\(script.name): \(request.line)")
        }
    }

    @Test(arguments: RoutingScript.all)
    func `what is left of a route when its neighbours go is found as well`(_ script: RoutingScript) throws {
        for request in script.requests {
            let name = request.expected.split(separator: " ")[0]
            guard let route = script.routes.first(where: { $0.name == name }) else { continue }
            #expect(request.answer(of: try RouteTable([route])) == request.expected, "\(script.name): \(request.line)")
        }
    }

    @Test
    func `a table without routes answers 404`() throws {
        let table = try RouteTable([])
        let request = RoutingScript.Request(line: "", method: "GET", host: "a", target: "/")
        #expect(request.answer(of: table) == "404")
    }

    @Test
    func `one of 5,000 routes is found like one of one`() throws {
        let routes = (0..<5_000).map { RouteDescription(name: "r\($0)", path: "/api/v1/service-\($0)/{id}") }
        let table = try RouteTable(routes)
        for index in stride(from: 0, to: 5_000, by: 7) {
            let target = "/api/v1/service-\(index)/42"
            let request = RoutingScript.Request(line: "", method: "GET", host: "a", target: target)
            #expect(request.answer(of: table) == "r\(index) id=42")
        }
        let missing = RoutingScript.Request(line: "", method: "GET", host: "a", target: "/api/v1/service-5000/42")
        #expect(missing.answer(of: table) == "404")
    }

    @Test
    func `one of 5,000 hosts is found like one of one`() throws {
        let routes = (0..<5_000).map {
            RouteDescription(name: "r\($0)", path: "/", hosts: [$0 % 2 == 0 ? "h\($0).test" : "*.h\($0).test"])
        }
        let table = try RouteTable(routes)
        for index in stride(from: 0, to: 5_000, by: 7) {
            let host = index % 2 == 0 ? "h\(index).test" : "a.b.h\(index).test"
            #expect(
                RoutingScript.Request(line: "", method: "GET", host: host, target: "/").answer(of: table) == "r\(index)"
            )
        }
    }

    /// `/a` and `/{x}` at each of 12 levels: 4,096 routes, and a request whose last segment fits none of them.
    @Test
    func `a path that every branch nearly fits visits each node at most once`() throws {
        let routes = (0..<4_096).map { number in
            let segments = (0..<12).map { number & (1 << $0) == 0 ? "/a" : "/{x\($0)}" }
            return RouteDescription(name: "r\(number)", path: PathPattern(stringLiteral: segments.joined() + "/end"))
        }
        let table = try RouteTable(routes)
        let path = String(repeating: "/a", count: 12)
        let request = RoutingScript.Request(line: "", method: "GET", host: "h", target: path + "/no")
        let (answer, seconds) = timed { request.answer(of: table) }
        #expect(answer == "404")
        #expect(seconds < 1)
        #expect(
            RoutingScript.Request(line: "", method: "GET", host: "h", target: path + "/end").answer(of: table) == "r0"
        )
    }

    @Test
    func `a long path of slashes costs its length`() throws {
        let table = try RouteTable([
            RouteDescription(name: "one", path: "/{a}/{b}/{c}/end"), RouteDescription(name: "some", path: "/{a}/{b+}"),
        ])
        let target = "/a" + String(repeating: "/", count: 60_000)
        let request = RoutingScript.Request(line: "", method: "GET", host: "h", target: target)
        let (answer, seconds) = timed { request.answer(of: table) }
        #expect(answer == "404")
        #expect(seconds < 1)
    }

    @Test
    func `a method too many for the table is refused with its route`() {
        let methods = (0..<100).map { "M\($0)" }
        let bad = RouteDescription(name: "bad", path: "/", methods: methods)
        #expect {
            try RouteTable([RouteDescription(name: "ok", path: "/"), bad])
        } throws: { error in
            guard let error = error as? RouteError else { return false }
            return error.route == 1 && error.description.contains("too many different methods")
        }
    }

    /// With the seconds that this thread computed: other processes may take the cores meanwhile.
    private func timed<Result>(_ work: () -> Result) -> (Result, seconds: Double) {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let begin = now()
        return (work(), now() - begin)
    }
}
