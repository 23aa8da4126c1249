import TestSupport
import Testing

/// Static files, asked for with curl and with raw bytes.
@Suite("20 Files", .wholeProcess)
struct FileTests {
    private static let yaml = """
        routes:
          - { path: "/assets/{rest*}", files: { root: public, index: index.html } }
          - { path: "/bare/{rest*}", files: { root: public } }
        """

    private static func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write("public/index.html", "<p>home</p>\n")
        try folder.write("public/style.css", "p { }\n")
        try folder.write("public/data.json", "{}\n")
        try folder.write("public/sub/index.html", "sub\n")
        try folder.write("public/sub/page.txt", "page\n")
        try folder.write("public/only/it.txt", "it\n")
        try folder.write("public/a b.txt", "space\n")
        try folder.write("public/.hidden", "hidden\n")
        try folder.write("public/big.bin", String(repeating: "0123456789abcdef", count: 200_000))
        try folder.write("secret.txt", "secret\n")
        _ = try ChildProcess.run(["ln", "-s", "../secret.txt", "public/link.txt"], in: folder.path)
        _ = try ChildProcess.run(["ln", "-s", "/etc", "public/etc"], in: folder.path)
        return folder
    }

    @Test func `curl gets files, and 304 for what it has`() throws {
        try withGateway(Self.yaml, folder: Self.folder()) { gateway throws in
            let url = "http://\(Loopback.host):\(try gateway.port())/assets"
            let page = try ChildProcess.run(["curl", "-si", "--max-time", "20", "\(url)/style.css"])
            #expect(page.output.contains("HTTP/1.1 200"))
            #expect(page.output.lowercased().contains("content-type: text/css"))
            #expect(page.output.hasSuffix("p { }\n"))
            let tag = page.output.split(separator: "\r\n").first { $0.lowercased().hasPrefix("etag: ") }.map {
                $0.dropFirst(6)
            }
            let known = try #require(tag)
            let again = try ChildProcess.run(
                ["curl", "-si", "--max-time", "20", "-H", "If-None-Match: \(known)", "\(url)/style.css"]
            )
            #expect(again.output.contains("HTTP/1.1 304"))
            #expect(!again.output.contains("p { }"))
            let head = try ChildProcess.run(["curl", "-sI", "--max-time", "20", "\(url)/style.css"])
            #expect(head.output.lowercased().contains("content-length: 6"))
        }
    }

    @Test(arguments: [
        ("/docs/de/page.html", "de page"), ("/docs/de/raw/a.txt", "raw"), ("/docs/fr/page.html", nil),
    ])
    func `what a parameter in the middle took names no file`(_ path: String, _ text: String?) throws {
        let folder = try TemporaryFolder()
        try folder.write("public/docs/de/page.html", "de page")
        try folder.write("public/a.txt", "raw")
        try folder.write("public/de/index.html", "wrong")
        let yaml = """
            routes:
              - { path: "/docs/{lang}/page.html", files: { root: public } }
              - { path: "/docs/{lang}/raw/{name+}", files: { root: public } }
            """
        try withGateway(yaml, folder: folder) { gateway throws in
            let response = try gateway.answer("GET \(path)")
            #expect(response.status == (text == nil ? 404 : 200))
            if let text { #expect(response.text == text) }
        }
    }

    @Test func `a large file comes whole`() throws {
        try withGateway(Self.yaml, folder: Self.folder()) { gateway throws in
            let client = try gateway.connect()
            for _ in 0..<2 {
                let response = try client.answer("GET /assets/big.bin")
                #expect(response.body.count == 3_200_000)
                #expect(response.body.suffix(4) == Array("cdef".utf8)[...])
            }
        }
    }

    @Test func `curl goes on with a download, and gets parts of a file`() throws {
        let folder = try Self.folder()
        try withGateway(Self.yaml, folder: folder) { gateway throws in
            let url = "http://\(Loopback.host):\(try gateway.port())/assets/big.bin"
            let whole = folder.read("public/big.bin")
            try folder.write("part.bin", String(whole.prefix(1_000_003)))
            let curl = ["curl", "-sS", "--fail", "--max-time", "20"]
            let resumed = try ChildProcess.run(curl + ["-C", "-", "-o", "part.bin", url], in: folder.path)
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(folder.read("part.bin") == whole, "differs")
            let part = try ChildProcess.run(curl + ["-r", "16-19", url])
            #expect(part.output == "0123")
            let several = try ChildProcess.run(curl + ["-i", "-r", "0-1,3199998-", url]).output
            #expect(several.contains("HTTP/1.1 206"))
            #expect(several.contains("Content-Range: bytes 0-1/3200000\r\n\r\n01\r\n--"))
            #expect(several.contains("Content-Range: bytes 3199998-3199999/3200000\r\n\r\nef\r\n--"))
        }
    }

    @Test func `what a build has compressed is sent so`() throws {
        let folder = try Self.folder()
        let style = String(repeating: "p { color: red }\n", count: 1000)
        try folder.write("public/style.css", style)
        let made = try ChildProcess.run(["gzip", "-k", "public/style.css"], in: folder.path)
        #expect(made.status == 0, "\(made.errors)")
        let yaml = "routes: [{ path: \"/{rest*}\", files: { root: public, precompressed: true } }]"
        try withGateway(yaml, folder: folder) { gateway throws in
            let url = "http://\(Loopback.host):\(try gateway.port())/style.css"
            let curl = ["curl", "-sS", "--fail", "--compressed", "--max-time", "20", "-w", "%{size_download}", url]
            let text = try ChildProcess.run(curl).output
            #expect(text.hasPrefix(style), "differs")
            #expect(Int(text.dropFirst(style.count)).map { $0 < 500 } == true)
            #expect(try gateway.answer("GET /style.css").text == style, "differs")
        }
    }

    @Test func `indexes, names and what there is not`() throws {
        let rows: [(String, Int, String)] = [
            ("GET /assets/", 200, "<p>home</p>\n"), ("GET /assets/sub/", 200, "sub\n"),
            ("GET /assets/sub/page.txt", 200, "page\n"),
            ("GET /assets/a%20b.txt", 200, "space\n"), ("GET /assets/data.json", 200, "{}\n"),
            ("GET /assets/none", 404, ""),
            ("GET /bare/", 200, "<p>home</p>\n"), ("GET /assets/only/", 404, ""),
            ("GET /assets/only/it.txt", 200, "it\n"),
        ]
        try withGateway(Self.yaml, folder: Self.folder()) { gateway throws in
            for (request, status, body) in rows {
                let response = try gateway.answer(request)
                #expect(response.status == status, "\(request)")
                if !body.isEmpty { #expect(response.text == body, "\(request)") }
            }
            #expect(try gateway.answer("GET /assets/data.json")["content-type"] == "application/json")
            #expect(try gateway.answer("POST /assets/style.css").status == 405)
        }
    }

    @Test(arguments: [
        "/assets/../secret.txt", "/assets/..%2fsecret.txt", "/assets/%2e%2e/secret.txt", "/assets/sub/../../secret.txt",
        "/assets/..%5csecret.txt", "/assets/..;/secret.txt", "/assets//secret.txt/../../secret.txt", "/assets/link.txt",
        "/assets/etc/passwd", "/assets/%00/../secret.txt", "/assets/.%2e/secret.txt", "/assets/....//secret.txt",
        "/assets/%252e%252e%252fsecret.txt", "/assets/%2fetc%2fpasswd", "/assets//etc/passwd",
    ])
    func `there is no way out of the root`(_ path: String) throws {
        try withGateway(Self.yaml, folder: Self.folder()) { gateway throws in
            let response = try gateway.answer("GET \(path)")
            #expect(response.status == 400 || response.status == 404, "\(response.status)")
            #expect(!response.text.contains("secret"))
            #expect(!response.text.contains("root:"))
        }
    }
}
