import PenstockBytes
import PenstockFunctions
import PenstockTransport
import Testing

@Suite("Events of Swift functions")
struct EventTests {
    @Test(arguments: EventCase.all)
    func `a Swift function sees the event that a Python function sees`(_ row: EventCase) throws {
        let names = try row.parameterNames()
        let text = try row.event { exchange in Self.event(row, names, exchange).json.jsonText }
        #expect(try JSONValue(parsing: text) == JSONValue(parsing: row.expected))
    }

    @Test(arguments: EventCase.all)
    func `its members are those of its JSON`(_ row: EventCase) throws {
        let names = try row.parameterNames()
        _ = try row.event { exchange in
            let event = Self.event(row, names, exchange)
            Self.compare(event, Event(json: event.json))
            #expect(event.bodyBytes == row.body)
            return ""
        }
    }

    @Test
    func `a field is found by its name in any case, and repeated ones are joined`() throws {
        let row = EventCase("headers-repeated")
        _ = try row.event { exchange in
            let event = Self.event(row, [], exchange)
            for (name, value) in event.headers {
                #expect(event.headers[name.uppercased()] == value)
                #expect(event.headers.dictionary[name] == value)
            }
            #expect(event.headers["x-none"] == nil)
            return ""
        }
    }

    @Test
    func `an event outlives its request`() throws {
        let row = EventCase("body-json")
        var kept: Event?
        _ = try row.event { exchange in
            kept = Self.event(row, [], exchange)
            return ""
        }
        let event = try #require(kept)
        #expect(event.bodyBytes == row.body)
        #expect(event.requestContext.http.method == "POST")
    }

    private static func event(_ row: EventCase, _ names: [String], _ exchange: Exchange) -> Event {
        Event(
            exchange,
            path: row.path,
            methods: row.methods,
            parameterNames: names,
            body: row.body,
            wallNanoseconds: EventCase.wallNanoseconds
        )
    }

    private static func compare(_ one: Event, _ other: Event) {
        #expect(one.triggerEvent == "http_request")
        #expect(one.triggerEvent == other.triggerEvent)
        #expect(one.rawPath == other.rawPath)
        #expect(one.rawQueryString == other.rawQueryString)
        #expect(one.queryStringParameters == other.queryStringParameters)
        #expect(one.pathParameters == other.pathParameters)
        #expect(one.cookies == other.cookies)
        #expect(one.body == other.body)
        #expect(one.isBase64Encoded == other.isBase64Encoded)
        #expect(one.bodyBytes == other.bodyBytes)
        #expect(one.headers.dictionary == other.headers.dictionary)
        #expect("\(one.requestContext)" == "\(other.requestContext)")
    }
}
