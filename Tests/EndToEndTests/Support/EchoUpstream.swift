import TestSupport

extension ScriptedUpstream {
    /// Answers every request with its own body, framed as it came, and with its trailers; without one with `echo`.
    static func echo(ipv6: Bool = false) throws -> ScriptedUpstream {
        try ScriptedUpstream(ipv6: ipv6) { connection in
            while let request = try connection.request() {
                if request["transfer-encoding"] == "chunked" {
                    try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    if !request.body.isEmpty {
                        try connection.send("\(String(request.body.count, radix: 16))\r\n\(request.text)\r\n")
                    }
                    let trailers = request.trailers.map { "\($0.name): \($0.value)\r\n" }.joined()
                    try connection.send("0\r\n\(trailers)\r\n")
                } else {
                    try connection.respond("200 OK", request.body.isEmpty ? "echo" : request.text)
                }
            }
        }
    }
}

/// A configuration that hands everything below `/` to one upstream.
func proxying(_ urls: String..., settings: String = "", route: String = "", more: String = "") -> String {
    """
    upstreams:
      service: { endpoints: [\(urls.map { "\"\($0)\"" }.joined(separator: ", "))]\(settings.isEmpty ? "" : ", ")\(settings) }
    routes:
      - { name: all, path: "/{rest*}", upstream: service\(route.isEmpty ? "" : ", ")\(route) }
    \(more)
    """
}
