import PenstockBytes
import Testing

@testable import PenstockConfiguration

/// What an editor says by the JSON Schema is what `check` says: each place of the file with values of every kind.
@Suite("JSON Schema and check agree")
struct SchemaAgreementTests {
    /// `@` is where the value goes.
    static let places = [
        #"@"#, #"{"version":@}"#, #"{"loops":@}"#, #"{"drain":@}"#,
        #"{"shutdown":@}"#, #"{"shutdown":{"delay":@}}"#, #"{"server":@}"#, #"{"listeners":@}"#,
        #"{"listeners":[{"address":@}]}"#, #"{"listeners":[{"address":":1","name":@}]}"#,
        #"{"listeners":[{"address":":1","trusted_proxies":@}]}"#,
        #"{"listeners":[{"address":":1","trusted_proxies":"::1","proxy_protocol":@}]}"#, #"{"admin":{"address":@}}"#,
        #"{"state":@}"#,
        #"{"access_log":@}"#, #"{"access_log":{"to":@}}"#, #"{"access_log":{"format":@}}"#, #"{"log":{"level":@}}"#,
        #"{"limits":{"fields":@}}"#, #"{"limits":{"body":@}}"#, #"{"limits":{"head":@}}"#,
        #"{"limits":{"connections":@}}"#, #"{"timeouts":{"idle":@}}"#, #"{"timeouts":{"body_rate":@}}"#,
        #"{"paths":{"merge_slashes":@}}"#, #"{"paths":{"encoded_slashes":@}}"#, #"{"functions":@}"#,
        #"{"functions":{"f":{"handler":@}}}"#, #"{"functions":{"f":{"command":@}}}"#,
        #"{"functions":{"f":{"swift":@}}}"#, #"{"functions":{"f":{"command":"x","protocol":@}}}"#,
        #"{"functions":{"f":{"handler":"x.py:f","interpreter":@}}}"#,
        #"{"functions":{"f":{"command":"x","directory":@}}}"#, #"{"functions":{"f":{"command":"x","event":@}}}"#,
        #"{"functions":{"f":{"command":"x","timeout":@}}}"#, #"{"functions":{"f":{"command":"x","memory":@}}}"#,
        #"{"functions":{"f":{"command":"x","response_limit":@}}}"#,
        #"{"functions":{"f":{"command":"x","instances":{"max":@}}}}"#,
        #"{"functions":{"f":{"command":"x","queue":{"wait":@}}}}"#,
        #"{"functions":{"f":{"command":"x","environment":@}}}"#,
        #"{"functions":{"f":{"command":"x","environment":{"A":@}}}}"#,
        #"{"functions":{"f":{"command":"x","pass_environment":@}}}"#, #"{"upstreams":@}"#,
        #"{"include":@}"#, #"{"defaults":@}"#, #"{"defaults":{"function":@}}"#, #"{"defaults":{"upstream":@}}"#,
        #"{"defaults":{"route":@}}"#, #"{"defaults":{"function":{"instances":{"max":@}}}}"#,
        #"{"defaults":{"upstream":{"timeouts":{"connect":@}}}}"#, #"{"defaults":{"route":{"timeout":@}}}"#,
        #"{"defaults":{"route":{"headers":@}}}"#, #"{"upstreams":{"u":{"endpoints":@}}}"#,
        #"{"upstreams":{"u":{"registration":@}}}"#, #"{"upstreams":{"u":{"registration":{"networks":@}}}}"#,
        #"{"upstreams":{"u":{"registration":{"networks":"::1","ttl":@}}}}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a","timeouts":{"connect":@}}}}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a","keepalive":{"connections":@}}}}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a","host":@}}}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a","forwarding":{"via":@}}}}"#, #"{"routes":@}"#,
        #"{"routes":[{"routes":@}]}"#, #"{"routes":[{"prefix":@,"routes":[]}]}"#,
        #"{"routes":[{"hosts":@,"routes":[]}]}"#, #"{"routes":[{"routes":[{"routes":[{"path":@,"respond":{}}]}]}]}"#,
        #"{"routes":[{"headers":{"request":@},"routes":[]}]}"#, #"{"routes":[{"limits":{"body":@},"routes":[]}]}"#,
        #"{"routes":[{"path":@,"respond":{}}]}"#, #"{"routes":[{"path":"/","name":@,"respond":{}}]}"#,
        #"{"routes":[{"path":"/","hosts":@,"respond":{}}]}"#,
        #"{"routes":[{"path":"/","methods":@,"respond":{}}]}"#,
        #"{"routes":[{"path":"/","match":{"headers":@},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","match":{"headers":{"a":@}},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","match":{"query":{"a":@}},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","match":{"cookies":@},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","match":{"cookies":{"a":@}},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","match":{"client_address":@},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","match":{"headers":{"a":{"exact":@}}},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","match":{"headers":{"a":{"prefix":@}}},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","match":{"headers":{"a":{"present":@}}},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","match":{"headers":{"a":{"regex":@}}},"respond":{}}]}"#,
        #"{"routes":[{"path":"/a","trailing_slash":@,"respond":{}}]}"#,
        #"{"routes":[{"path":"/","split":@}]}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a","balance":@}}}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a","balance":{"hash":{"header":@}}}}}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a","sticky":{"cookie":@}}}}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a","health":{"panic":@}}}}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a","health":{"active":{"path":"/","status":@}}}}}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a","retries":{"on":@}}}}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a","buffer":{"request":@}}}}"#,
        #"{"upstreams":{"u":{"endpoints":{"srv":@}}}}"#,
        #"{"routes":[{"path":"/","split":[{"respond":{}},{"weight":@,"respond":{}}]}]}"#,
        #"{"routes":[{"path":"/","split":{"targets":{"respond":{}},"sticky":@}}]}"#,
        #"{"routes":[{"path":"/","split":{"targets":{"respond":{}},"sticky":{"header":@}}}]}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a"}},"routes":[{"path":"/","upstream":"u","fallback":@}]}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a"}},"routes":[{"path":"/","upstream":"u","fallback":{"on":@,"targets":{"respond":{}}}}]}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a"}},"routes":[{"path":"/","upstream":"u","mirror":@}]}"#,
        #"{"upstreams":{"u":{"endpoints":"http://a"}},"routes":[{"path":"/","upstream":"u","mirror":{"upstream":"u","percent":@}}]}"#,
        #"{"routes":[{"path":"/","concurrency":@,"respond":{}}]}"#, #"{"error_pages":@}"#,
        #"{"error_pages":{"status":@,"body":"x"}}"#, #"{"error_pages":{"status":404,"file":@}}"#,
        #"{"routes":[{"path":"/","priority":@,"respond":{}}]}"#,
        #"{"routes":[{"path":"/","headers":{"request":{"set":@}},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","headers":{"request":{"set":{"a":@}}},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","headers":{"response":{"remove":@}},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","rewrite":{"path":@},"files":{"root":"x"}}]}"#,
        #"{"routes":[{"path":"/","redirect":{"to":@}}]}"#,
        #"{"routes":[{"path":"/","redirect":{"to":"/x","status":@}}]}"#, #"{"routes":[{"path":"/","respond":@}]}"#,
        #"{"routes":[{"path":"/","respond":{"status":@}}]}"#, #"{"routes":[{"path":"/","respond":{"body":@}}]}"#,
        #"{"routes":[{"path":"/","files":{"root":@}}]}"#,
        #"{"routes":[{"path":"/","files":{"root":"x","precompressed":@}}]}"#,
        #"{"routes":[{"path":"/","files":{"root":"x","index":@}}]}"#,
        #"{"routes":[{"path":"/","timeout":@,"respond":{}}]}"#,
        #"{"routes":[{"path":"/","limits":{"body":@},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","example":@,"respond":{}}]}"#,
        #"{"routes":[{"path":"/","example":{"query":{"a":@}},"respond":{}}]}"#,
        #"{"routes":[{"path":"/","fuction":@}]}"#,
    ]

    static let values = [
        "null", "true", "false", "0", "1", "3", "-5", "1.5", "-1001", "301", "999", "20000000000", #""""#, #""0""#,
        #""1""#,
        #""3""#, #""-3""#, #""-0""#, #""03""#, #""301""#, #""true""#, #""false""#, #""none""#, #""auto""#, #""x""#,
        #""x y""#, #""0s""#,
        #""3s""#, #""3d""#, #""0B""#, #""64KiB""#, #""64MB""#, #""/x""#, #"".""#, #""x.py""#, #""x.py:f""#,
        #""x.py:1""#, #"":80""#, #""x:80""#, #""[::1]:80""#, #""unix:x""#, #""http://x""#, #""https://x""#,
        #""{path}""#, #""10.0.0.0/8""#, #""::1""#, #""*.example.com""#, #""GET""#, #""get""#, #""TRACE""#,
        #""M5""#, #""json""#, #""debug""#, #""exec""#, #""keep""#, #""ignore""#, "[]", "[1]", "[true]", "[null]",
        #"[""]"#, #"["x"]"#,
        #"["GET","M5"]"#, #"["http://x"]"#, "{}", #"{"a":"b"}"#, #"{"a":[]}"#, #"{"a_b":"c"}"#, #"{"a b":"c"}"#,
        #"{"":"c"}"#, #"{"env":"TOKEN"}"#, #"{"env":""}"#,
        #"{"${NOWHERE:-a}":"b"}"#, #"{"${NOWHERE:-a}":{"command":"x"}}"#, #"{"a":{"command":"x"}}"#,
        #"{"${NOWHERE:-a}":{"endpoints":"http://a"}}"#, #"{"a":{"endpoints":"http://a"}}"#,
    ]

    /// What a schema does not say: in which range a number is that stands in a text, what is a regular expression.
    static let outOfRange: Set = [
        #"{"routes":[{"path":"/","match":{"headers":{"a":{"regex":"*.example.com"}}},"respond":{}}]}"#,
        #"{"functions":{"f":{"command":"x","memory":"64KiB"}}}"#,
        #"{"routes":[{"path":"/","respond":{"status":"1"}}]}"#, #"{"routes":[{"path":"/","respond":{"status":"3"}}]}"#,
    ]

    @Test(arguments: places)
    func `one accepts what the other does`(_ place: String) throws {
        for value in Self.values {
            let document = Self.document(place, value)
            let check = Machine.parse(bytes: Array(document.utf8), checkingFiles: false)
            let isAccepted =
                check.configuration != nil || Self.outOfRange.contains(document)
                || check.diagnostics.allSatisfy { $0.message == "no file can be included here" }
            #expect(try Self.isAcceptedByEditors(document) == isAccepted, "\(document)\n\(check.rendered())")
        }
    }

    @Test(arguments: places)
    func `a variable may stand for every text`(_ place: String) throws {
        for text in Self.values where text.hasPrefix("\"") && !text.contains("}") {
            let document = Self.document(place, "\"${NOWHERE:-\(text.dropFirst().dropLast())}\"")
            guard Machine.parse(bytes: Array(document.utf8), checkingFiles: false).configuration != nil else {
                continue
            }
            #expect(try Self.isAcceptedByEditors(document), "\(document)")
        }
    }

    private static func document(_ place: String, _ value: String) -> String {
        let pieces = place.split(separator: "@", omittingEmptySubsequences: false)
        return pieces.joined(separator: value)
    }

    private static func isAcceptedByEditors(_ document: String) throws -> Bool {
        try #require(validator).accepts(try JSONValue(parsing: document))
    }

    private static let validator = (try? JSONValue(parsing: Configuration.jsonSchema())).map(SchemaValidator.init)
}
