import PenstockBytes
import PenstockFunctions
import Testing

@Suite("Events in payload format 2.0 (contracts.md, section 1)")
struct EventEncoderTests {
    @Test(arguments: EventCase.all)
    func `a request becomes exactly this event`(_ row: EventCase) throws {
        let event = try row.event()
        #expect(event == row.expected)
        #expect(throws: Never.self) { try JSONValue(parsing: event) }
    }

    @Test
    func `there are at least twenty of them`() { #expect(EventCase.all.count >= 20) }
}
