import PenstockBytes
import PenstockHTTP
import Testing

@Suite("Field blocks and heads")
struct FieldBlockTests {
    @Test func `fields come back in order, and go out as lines`() {
        let fields = Self.example()
        #expect(FieldTests.fields(fields) == ["Host=a", "x-count=-42", "x-text=né", "X-Text=again", "accept="])
        #expect(Self.lines(fields) == "Host: a\r\nx-count: -42\r\nx-text: né\r\nX-Text: again\r\naccept: \r\n")
        #expect(
            Self.lines(fields, excluding: FieldNameSet(.host, .accept))
                == "x-count: -42\r\nx-text: né\r\nX-Text: again\r\n"
        )
        #expect(Self.lines(fields, excluding: FieldNameSet(.other)) == "Host: a\r\naccept: \r\n")
    }

    @Test func `a field is found by its number or its name`() {
        let fields = Self.example()
        #expect(Self.text(fields.first(.host)) == "a")
        #expect(fields.first(.cookie) == nil)
        #expect(Self.text(Self.first("x-text", fields)) == "né")
        #expect(Self.first("x-none", fields) == nil)
        #expect(fields.present.has(.accept))
        #expect(!fields.present.has(.cookie))
    }

    @Test func `what is taken out is found no more`() {
        let fields = Self.example()
        fields.remove(FieldNameSet(.host, .cookie))
        Array("x-text".utf8).withUnsafeBytes { fields.remove(named: $0) }
        #expect(fields.first(.host) == nil)
        #expect(Self.first("x-text", fields) == nil)
        #expect(Self.lines(fields) == "x-count: -42\r\naccept: \r\n")
        fields.remove(FieldNameSet(.cookie))
        fields.mark(1, as: .nominated)
        #expect(Self.lines(fields, excluding: .hopByHop) == "accept: \r\n")
        fields.shrink()
        #expect(fields.count == 0)
        #expect(Self.lines(fields).isEmpty)
    }

    @Test func `a block that has held much serves again`() {
        let fields = FieldBlock()
        for round in 0..<3 {
            for index in 0..<500 { fields.append(.other, "x-index", decimal: index) }
            #expect(fields.count == 500, "round \(round)")
            #expect(FieldTests.field(fields, 499) == "x-index=499")
            fields.shrink()
        }
    }

    @Test func `a head keeps the path that was routed when another takes its place`() {
        let reader = RequestReader(capacity: 256)
        _ = reader.read(Array("GET /shop/x?a=1 HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        let head = reader.head
        for path in ["/x", "/y/longer/than/before"] {
            Array(path.utf8).withUnsafeBytes { head.replacePath($0) }
            #expect(Self.text(head.path) == path)
            #expect(Self.text(head.routedPath) == "/shop/x")
        }
        Array("b=2".utf8).withUnsafeBytes { head.replaceQuery($0) }
        #expect(Self.text(head.query) == "b=2")
        head.replaceQuery(nil)
        #expect(head.query == nil)
        #expect(Self.text(head.methodName) == "GET")
        #expect(FieldTests.fields(head.fields) == ["Host=a"])
        head.reset()
        #expect(head.path.isEmpty && head.routedPath.isEmpty && head.authority.isEmpty && head.fields.count == 0)
    }

    @Test(arguments: Method.allCases)
    func `a method has its name`(_ method: PenstockHTTP.Method) {
        let name = method.name
        let bytes = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        #expect(Method(bytes) == method)
        #expect(method.isIdempotent == ![.post, .patch, .connect, .other].contains(method))
    }

    @Test(arguments: [(" a ", "a"), ("\t", ""), ("", ""), ("a b", "a b")])
    func `a value has no white space around it`(_ value: String, _ expected: String) {
        #expect(Array(value.utf8).withUnsafeBytes { Self.text(FieldRules.trimmed($0)) } == expected)
    }

    private static func example() -> FieldBlock {
        let fields = FieldBlock()
        fields.append(.host, "Host", "a")
        fields.append(.other, "x-count", decimal: -42)
        fields.append(.other, "x-text", "n\u{E9}" as String)
        Array("again".utf8).withUnsafeBytes { fields.append(.other, "X-Text", $0) }
        fields.append(.accept, "accept", "" as StaticString)
        return fields
    }

    private static func first(_ name: String, _ fields: FieldBlock) -> UnsafeRawBufferPointer? {
        Array(name.utf8).withUnsafeBytes { fields.first(named: $0) }
    }

    private static func lines(_ fields: FieldBlock, excluding excluded: FieldNameSet = []) -> String {
        var output = ByteBuffer()
        fields.write(to: &output, excluding: excluded)
        return String(decoding: output.readable, as: UTF8.self)
    }

    private static func text(_ bytes: UnsafeRawBufferPointer?) -> String? {
        bytes.map { String(decoding: $0, as: UTF8.self) }
    }
}
