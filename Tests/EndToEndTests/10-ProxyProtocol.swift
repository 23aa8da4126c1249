import TestSupport
import Testing

/// Clients behind a proxy that names them in the header of the PROXY protocol.
@Suite("10 The PROXY protocol", .wholeProcess)
struct ProxyProtocolTests {
    private static func yaml(
        _ url: String,
        trusted: String = "\"\(Loopback.address)\", 10.0.0.0/8",
        more: String = ""
    )
        -> String
    {
        """
        access_log: { to: stdout, format: json }
        listeners:
          - name: public
            address: "\(Loopback.listener)"
            proxy_protocol: true
            trusted_proxies: [\(trusted)]
        admin: { address: "\(Loopback.listener)" }
        \(more)
        \(proxying(url))
        """
    }

    static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

    /// Headers, and what the upstream and the log are told of the client; `nil`: the proxy's own address.
    static let headers: [(name: String, bytes: [UInt8], client: String?)] = [
        ("v1 IPv4", Array("PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n".utf8), "192.0.2.7"),
        ("v1 IPv6", Array("PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n".utf8), "2001:db8::7"),
        ("v1 UNKNOWN", Array("PROXY UNKNOWN\r\n".utf8), nil),
        ("v2 IPv4", signature + [0x21, 0x11, 0, 12, 192, 0, 2, 7, 192, 0, 2, 1, 0x12, 0x67, 0, 80], "192.0.2.7"),
        (
            "v2 IPv6 with a TLV",
            signature + [0x21, 0x21, 0, 41, 0x20, 1, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [7]
                + Array(repeating: 0, count: 20) + [4, 0, 2, 1, 1], "2001:db8::7"
        ),
        ("v2 LOCAL", signature + [0x20, 0, 0, 0], nil),
    ]

    @Test(arguments: headers)
    func `the client of a header is the client of every request`(
        _ name: String,
        _ header: [UInt8],
        _ client: String?
    )
        throws
    {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(Self.yaml(upstream.url)) { gateway throws in
            let wire = header + Array(RawClient.wire("GET /\nX-Forwarded-Proto: https").utf8)
            let together = try gateway.connect()
            try together.send(wire)
            #expect(try together.response().status == 200)
            #expect(try together.answer("GET /again").status == 200)
            let apart = try gateway.connect()
            for byte in wire { try apart.send([byte]) }
            #expect(try apart.response().status == 200)
            let expected = client ?? Loopback.address
            #expect(upstream.requests.map { $0["x-forwarded-for"] } == [expected, expected, expected])
            // Only the proxy itself is trusted: neither a client of it, nor somebody whom it cannot name.
            let scheme = name == "v2 LOCAL" ? "https" : "http"
            #expect(upstream.requests.last?["x-forwarded-proto"] == scheme)
            for line in try gateway.waitForAccessLog(3) { #expect(line.contains("\"client\":\"\(expected)\"")) }
        }
    }

    @Test func `a client that is a trusted proxy itself may speak for its own clients`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(Self.yaml(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            try client.send("PROXY TCP4 10.1.2.3 192.0.2.1 4711 80\r\n")
            #expect(try client.answer("GET /\nX-Forwarded-For: 192.0.2.9").status == 200)
            #expect(upstream.requests.first?["x-forwarded-for"] == "192.0.2.9, 10.1.2.3")
            #expect(try gateway.waitForAccessLog(1)[0].contains("\"client\":\"192.0.2.9\""))
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", "PROXY TCP4 1 2 3 4\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ])
    func `what is no header closes the connection without an answer`(_ bytes: String) throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(Self.yaml(upstream.url)) { gateway throws in
            let client = try gateway.connect()
            try client.send(bytes)
            _ = try client.waitForEnd()
            #expect(client.bufferText == "")
            #expect(upstream.requests.isEmpty)
            let refused = "penstock_connections_refused_total{listener=\"public\",reason=\"proxy_header\"} 1"
            #expect(try gateway.answer("GET /metrics", listener: "admin").text.contains(refused))
        }
    }

    @Test func `a header that does not come in time closes the connection`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(Self.yaml(upstream.url, more: "timeouts: { head: 200ms }")) { gateway throws in
            for start in ["", "PROXY TCP4 192.0"] {
                let client = try gateway.connect()
                try client.send(start)
                #expect(try client.waitForEnd() == .closed)
                #expect(client.bufferText == "")
            }
            // The time begins anew for what the client itself sends.
            let client = try gateway.connect()
            try client.send("PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\nGET /")
            #expect(try client.response().status == 408)
        }
    }

    @Test func `nobody else is let in`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(Self.yaml(upstream.url, trusted: "192.0.2.1")) { gateway throws in
            let client = try gateway.connect()
            _ = try client.waitForEnd()
            #expect(client.bufferText == "")
            let refused = "penstock_connections_refused_total{listener=\"public\",reason=\"untrusted_proxy\"} 1"
            #expect(try gateway.answer("GET /metrics", listener: "admin").text.contains(refused))
        }
    }

    @Test func `the limit of an address is that of the client, not of its proxy`() throws {
        let upstream = try ScriptedUpstream.echo()
        try withGateway(Self.yaml(upstream.url, more: "limits: { connections_per_address: 1 }")) { gateway throws in
            let first = try gateway.connect()
            let other = try gateway.connect()
            let second = try gateway.connect()
            try first.send("PROXY TCP4 192.0.2.7 192.0.2.1 1 80\r\n")
            #expect(try first.answer("GET /").status == 200)
            try other.send("PROXY TCP4 192.0.2.8 192.0.2.1 2 80\r\n")
            #expect(try other.answer("GET /").status == 200)
            try second.send("PROXY TCP4 192.0.2.7 192.0.2.1 3 80\r\n")
            #expect(try second.answer("GET /").status == 503)
            first.close()
            try Deadline.wait(for: "the place of the first connection") {
                let third = try gateway.connect()
                try third.send("PROXY TCP4 192.0.2.7 192.0.2.1 4 80\r\n")
                return try third.answer("GET /").status == 200
            }
        }
    }

    @Test func `programs of the same user may name clients through a unix socket`() throws {
        let upstream = try ScriptedUpstream.echo()
        let yaml = """
            listeners: [{ name: local, address: "unix:local.sock", proxy_protocol: true }]
            \(proxying(upstream.url))
            """
        try withGateway(yaml) { gateway throws in
            let client = try gateway.connect("local")
            try client.send("PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n")
            #expect(try client.answer("GET /").status == 200)
            #expect(upstream.requests.first?["x-forwarded-for"] == "2001:db8::7")
        }
    }
}
