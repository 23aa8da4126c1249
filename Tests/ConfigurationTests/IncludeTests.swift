import TestSupport
import Testing

@testable import PenstockConfiguration

/// Files that a file includes.
@Suite("Included files")
struct IncludeTests {
    /// Writes files, loads `routes.yaml`, and answers what `check` prints, without the folder's path, or the facts.
    private func outcome(_ files: [(path: String, text: String)]) throws -> String {
        let folder = try TemporaryFolder()
        for file in files { try folder.write(file.path, file.text + "\n") }
        let loaded = Configuration.load("\(folder.path)/routes.yaml")
        let text = loaded.rendered() + (loaded.configuration?.facts ?? "")
        return text.split(separator: "\(folder.path)/", omittingEmptySubsequences: false).joined()
    }

    @Test func `functions, upstreams and routes come after the file's own, by name`() throws {
        let text = try outcome([
            (
                "routes.yaml",
                """
                include: [conf.d/*.yaml, extra.yaml, "conf.d/a*.yaml"]
                defaults: { route: { timeout: 3s }, function: { directory: work, environment: { K: { file: key } } } }
                routes: [{ path: /own, function: here }]
                functions: { here: { command: cat } }
                """
            ),
            ("key", "secret"), ("work/x", ""), ("conf.d/work/x", ""), ("conf.d/key", "another"), ("conf.d/run.sh", ""),
            ("conf.d/b.yaml", "routes: [{ path: /b, upstream: u }]"),
            (
                "conf.d/a.yaml",
                """
                version: 1
                upstreams: { u: { endpoints: "http://127.0.0.1:1" } }
                functions: { f: { command: [cat, ./x] } }
                routes:
                  - prefix: /a
                    routes:
                      - { path: "/{x*}", files: { root: work } }
                      - { path: /f, function: f, timeout: 1s }
                """
            ),
            ("conf.d/ignored.txt", "nonsense"), ("extra.yaml", "routes: [{ path: /extra, function: here }]"),
        ])
        #expect(
            text == """
                ok
                listener public 127.0.0.1:8080
                function here json_lines ["cat"] in work
                  timeout 3s, init 10s, memory none, response 6291456, instances 0...8 idle 60s, queue 32 wait 1s
                  environment ["K=[redacted]"] passes []
                function f json_lines ["cat", "./x"] in work
                  timeout 3s, init 10s, memory none, response 6291456, instances 0...8 idle 60s, queue 32 wait 1s
                  environment ["K=[redacted]"] passes []
                upstream u http://127.0.0.1:1, connect 2s, first byte 30s, idle 60s, keeps 128 for 60s
                route 'ANY /own' ["own"]
                  function here within 3s
                route 'ANY /a/{x*}' ["a", "<x*>"]
                  files conf.d/work index index.html within 3s
                route 'ANY /a/f' ["a", "f"]
                  function f within 1s
                route 'ANY /b' ["b"]
                  upstream u within 3s
                route 'ANY /extra' ["extra"]
                  function here within 3s

                """
        )
    }

    @Test func `a mistake is shown in its own file`() throws {
        let text = try outcome([
            ("routes.yaml", "include: conf.d/*.yaml\nroutes: [{ path: /, function: nobody }]"),
            ("conf.d/a.yaml", "routes:\n  - { path: /a, respnd: {} }"),
            (
                "conf.d/b.yaml",
                "routes: [{ path: /b, function: nowhere }, { path: /c, timeout: \"${NO}\", respond: {} }]"
            ),
            ("conf.d/c.yaml", "routes: ["),
        ])
        #expect(
            text == """
                conf.d/a.yaml:2:17: error: unknown key 'respnd' in a route; did you mean 'respond'?
                  - { path: /a, respnd: {} }
                                ^
                conf.d/b.yaml:1:64: error: the environment variable 'NO' is not set; set it, or write ${NO:-default}
                routes: [{ path: /b, function: nowhere }, { path: /c, timeout: "${NO}", respond: {} }]
                                                                               ^
                conf.d/c.yaml:2:1: error: did not find expected node content while parsing a flow node

                ^

                """
        )
    }

    @Test func `what is there twice names both places`() throws {
        let text = try outcome([
            (
                "routes.yaml",
                """
                include: [a.yaml, b.yaml]
                functions: { f: { command: cat } }
                routes:
                  - { path: /, respond: {} }
                  - { path: /one, name: one, respond: {} }
                """
            ),
            ("a.yaml", "functions: { f: { command: cat } }\nupstreams: { u: { endpoints: \"http://127.0.0.1:1\" } }"),
            (
                "b.yaml",
                """
                upstreams: { u: { endpoints: "http://127.0.0.1:1" } }
                routes:
                  - { path: /, respond: {} }
                  - { path: /two, name: one, respond: {} }
                  - { path: /three, name: three, respond: {} }
                  - { path: /three, respond: {} }
                """
            ),
        ])
        #expect(
            text == """
                a.yaml:1:14: error: two functions are called 'f'; the first in line 2 of routes.yaml
                functions: { f: { command: cat } }
                             ^
                b.yaml:1:14: error: two upstreams are called 'u'; the first in line 2 of a.yaml
                upstreams: { u: { endpoints: "http://127.0.0.1:1" } }
                             ^
                b.yaml:3:5: error: this route can never match: 'ANY /' in line 4 of routes.yaml takes all of its requests
                  - { path: /, respond: {} }
                    ^
                b.yaml:4:25: error: two routes are called 'one'; the first in line 5 of routes.yaml
                  - { path: /two, name: one, respond: {} }
                                        ^
                b.yaml:6:5: error: this route can never match: 'three' in line 5 takes all of its requests
                  - { path: /three, respond: {} }
                    ^

                """
        )
    }

    /// What `include` says, and what is said of it.
    @Test(arguments: [
        ("none*.yaml", "routes.yaml:1:10: warning: no file matches 'none*.yaml'"),
        ("missing.yaml", "routes.yaml:1:10: error: the file 'missing.yaml' does not exist"),
        ("folder", "routes.yaml:1:10: error: the file 'folder' is a folder; write 'folder/*.yaml'"),
        ("routes.yaml", "routes.yaml:1:10: error: the file includes itself"),
        ("[inner.yaml, inner.yaml]", "routes.yaml:1:23: error: 'inner.yaml' is listed twice"),
        (
            "nested.yaml",
            "nested.yaml:1:1: error: 'include' cannot be set in an included file: included files include no others"
        ),
        (
            "process.yaml",
            "process.yaml:1:1: error: 'loops' cannot be set in an included file: it is set where the file is included"
        ),
        (
            "defaults.yaml",
            "defaults.yaml:1:1: error: 'defaults' cannot be set in an included file: it is set where the file is included"
        ),
        ("list.yaml", "list.yaml:1:1: error: expected an included file (a mapping), found a list"),
        ("empty.yaml", "empty.yaml:1:1: error: the file is empty"),
        ("version.yaml", "version.yaml:1:10: error: '2' is not a version that this program reads: 1 only"),
    ])
    func `what cannot be included is said`(_ row: (include: String, summary: String)) throws {
        let text = try outcome([
            ("routes.yaml", "include: \(row.include)\nroutes: [{ path: /, function: f }, { path: /, function: f }]"),
            ("inner.yaml", "functions: { f: { command: cat } }"), ("folder/x", ""),
            ("nested.yaml", "include: inner.yaml"), ("process.yaml", "loops: 1"), ("defaults.yaml", "defaults: {}"),
            ("list.yaml", "- 1"), ("empty.yaml", ""), ("version.yaml", "version: 2"),
        ])
        #expect(text.split(separator: "\n").contains { $0 == row.summary }, "\(text)")
    }

    @Test func `a pattern takes every other file than the one it stands in`() throws {
        let text = try outcome([
            ("routes.yaml", "include: \"*.yaml\""), ("[b].yaml", "routes: [{ path: /b, respond: {} }]"),
            ("a.yaml", "routes: [{ path: /a, respond: {} }]"), ("x.yaml/y", ""),
        ])
        let routes = text.split(separator: "\n").filter { $0.hasPrefix("route ") }
        #expect(routes.map { $0.split(separator: "'")[1] } == ["ANY /b", "ANY /a"], "\(text)")
    }

    @Test func `the folder's own name is no pattern`() throws {
        let folder = try TemporaryFolder()
        try folder.write("[a]*/routes.yaml", "include: \"*.yml\"\n")
        try folder.write("[a]*/more.yml", "routes: [{ path: /a, respond: {} }]\n")
        let loaded = Configuration.load("\(folder.path)/[a]*/routes.yaml")
        #expect(loaded.configuration?.routes.count == 1, "\(loaded.rendered())")
    }
}
