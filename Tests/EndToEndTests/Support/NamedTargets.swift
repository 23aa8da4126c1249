import TestSupport

extension ScriptedUpstream {
    /// Answers every request with the same text.
    static func fixed(_ text: String, _ status: String = "200 OK") throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            while try connection.request() != nil { try connection.respond(status, text) }
        }
    }

    /// The same, once the gate is open.
    static func gated(_ gate: Gate, _ text: String) throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            while try connection.request() != nil {
                gate.pass()
                try connection.respond("200 OK", text)
            }
        }
    }
}

/// Upstreams by name, whose failures have no consequences, and an access log.
func namedUpstreams(_ named: [(name: String, url: String)]) -> String {
    "access_log: { to: stdout, format: text }\nupstreams:\n"
        + named.map { "  \($0.name): { endpoints: \"\($0.url)\", health: { passive: false } }\n" }.joined()
}

/// A Python function `f`, which answers with its body, and below some paths fails.
enum NamedFunction {
    static let yaml = "functions: { f: { handler: \"app.py:handler\", interpreter: /usr/bin/python3 } }\n"

    /// A folder with its file.
    static func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write(
            "app.py",
            """
            def handler(event, context):
                if event["rawPath"].endswith("/crash"): raise ValueError("no")
                if event["rawPath"].endswith("/teapot"): return {"statusCode": 503, "body": "teapot"}
                return {"statusCode": 200, "body": "function " + (event.get("body") or "")}
            """
        )
        return folder
    }
}
