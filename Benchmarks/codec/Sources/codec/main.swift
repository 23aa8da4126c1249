// What the HTTP/1.1 codec costs on one core: swift run -c release --package-path Benchmarks/codec codec
// Nanoseconds a call, the best of 300 runs of 2,000 calls; a head includes the copy of its bytes and its reset.
import Measure
import PenstockBytes
import PenstockHTTP

/// A browser's request: ten fields, 519 bytes.
func browserRequest() -> String {
    var text = """
        GET /shop/items/1000?page=2&sort=price HTTP/1.1
        Host: shop.example.com
        User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36
        Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8
        Accept-Language: en-US,en;q=0.9,de;q=0.8
        Accept-Encoding: gzip, deflate, br
        Referer: https://shop.example.com/shop/
        Cookie: session=0123456789abcdef; theme=dark
        Cache-Control: no-cache
        DNT: 1
        X-Requested-With:\u{20}
        """
    while text.utf8.count + 10 + 4 < 519 { text += "1" }
    return text + "\n\n"
}

func measureRequest(_ name: String, _ text: String) {
    let wire = text.utf8.flatMap { $0 == 10 ? [13, 10] : [$0] }
    let head = RequestHead()
    var parser = RequestParser(limits: HeadLimits(), mergeSlashes: false, rejectEncodedSlashes: false)
    wire.withUnsafeBytes { bytes in
        guard (try? parser.parse(bytes.bytes, into: head)) == wire.count else { return print("\(name): refused") }
        head.reset()
        measure(name) {
            _ = try? parser.parse(bytes.bytes, into: head)
            head.reset()
        }
    }
}

func measureUpstreamHead() {
    let text = """
        HTTP/1.1 200 OK
        Content-Type: application/octet-stream
        Content-Length: 128
        X-Origin: 1
        Date: Sun, 06 Nov 1994 08:49:37 GMT
        Server: nginx


        """
    let wire = text.utf8.flatMap { $0 == 10 ? [13, 10] : [$0] }
    let head = ResponseHead()
    var parser = ResponseParser(limits: HeadLimits())
    wire.withUnsafeBytes { bytes in
        measure("an upstream's head, five fields") {
            _ = try? parser.parse(bytes.bytes, requestMethod: .get, into: head)
            head.reset()
        }
    }
}

func measureEncoder() {
    let head = ResponseHead()
    var output = ByteBuffer()
    let date = UnsafeMutableRawBufferPointer.allocate(byteCount: HTTPDate.length, alignment: 1)
    defer { date.deallocate() }
    HTTPDate.format(784_111_777, into: date)
    let server = Array("penstock".utf8)
    let identity = Array("0f8fad5b-d9cb-469f-a165-70867728950e".utf8)
    server.withUnsafeBytes { server in
        identity.withUnsafeBytes { identity in
            measure("a response's head") {
                head.fields.append(.contentType, "content-type", "application/json")
                ResponseEncoder.encode(
                    head,
                    framing: .length(128),
                    keepAlive: true,
                    requestMinorVersion: 1,
                    date: UnsafeRawBufferPointer(date),
                    server: server,
                    requestID: identity,
                    to: &output
                )
                head.reset()
                output.removeAll()
            }
        }
    }
}

func measureChunks() {
    let wire = Array(
        (String(repeating: "400\r\n\(String(repeating: "x", count: 1024))\r\n", count: 16) + "0\r\n\r\n").utf8
    )
    let trailers = FieldBlock()
    wire.withUnsafeBytes { bytes in
        measure("16 chunks of 1 KiB") {
            var decoder = ChunkedDecoder(limits: HeadLimits())
            var offset = 0
            while case .data? = try? decoder.next(bytes.bytes, offset: &offset, trailers: trailers) {}
            trailers.removeAll()
        }
    }
}

measureRequest("ten fields, 519 bytes", browserRequest())
measureRequest("Host alone", "GET / HTTP/1.1\nHost: a\n\n")
measureRequest("Connection: keep-alive", "GET / HTTP/1.1\nHost: a\nConnection: keep-alive\n\n")
measureRequest("a path with dots", "GET /shop/../%61items/1000 HTTP/1.1\nHost: a\n\n")
measureRequest("a path with escapes", "GET /shop/%20items/1000 HTTP/1.1\nHost: a\n\n")
measureUpstreamHead()
measureEncoder()
measureChunks()
