import Glibc

/// The environment of a function's processes: built, never inherited.
public enum FunctionEnvironment {
    /// Builds a function's environment.
    ///
    /// The gateway's PATH, HOME, LANG and TZ (or their defaults) and Lambda's names come first; what is passed on and
    /// what the function sets itself win over them; the names that Lambda reserves win over all. A bootstrap adds
    /// `AWS_EXECUTION_ENV`, whose version it alone knows, and the spawner its mark (``OrphanSweep``).
    ///
    /// - Parameters:
    ///   - settings: the function.
    ///   - own: what `environment:` says, in order.
    ///   - passed: the names in `pass_environment:`.
    ///   - gateway: the gateway's environment.
    /// - Returns: `NAME=value` entries, sorted by name.
    public static func build(
        for settings: FunctionSettings,
        own: [(name: String, value: String)],
        passed: [String] = [],
        gateway: [String: String]
    ) -> [String] {
        var values: [String: String] = [
            "PATH": gateway["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": gateway["HOME"] ?? "/",
            "LANG": gateway["LANG"] ?? "C.UTF-8",
            "TZ": gateway["TZ"] ?? ":UTC",
            "AWS_REGION": region,
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        ]
        for name in passed { values[name] = gateway[name] ?? values[name] }
        for variable in own { values[variable.name] = variable.value }
        let region = values["AWS_REGION"] ?? Self.region
        values["AWS_DEFAULT_REGION"] = values["AWS_DEFAULT_REGION"] ?? region
        for (name, value) in reserved(settings, region: region) { values[name] = value }
        return values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    private static let region = "us-east-1"

    private static func reserved(_ settings: FunctionSettings, region: String) -> [String: String] {
        [
            "_HANDLER": settings.handlerName,
            "LAMBDA_TASK_ROOT": settings.directory,
            "AWS_LAMBDA_FUNCTION_NAME": settings.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": String((settings.memory ?? 128 << 20) >> 20),
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/\(settings.name)",
            "AWS_LAMBDA_INITIALIZATION_TYPE": settings.minimum > 0 ? "provisioned-concurrency" : "on-demand",
            "PENSTOCK_FUNCTION_ARN": "arn:aws:lambda:\(region):123456789012:function:\(settings.name)",
        ]
    }

    /// The name of an instance's log stream: `2026/11/20/[$LATEST]` and 32 hexadecimal digits.
    static func logStreamName() -> String {
        var seconds = time(nil)
        var date = tm()
        gmtime_r(&seconds, &date)
        func digits(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        var random = SystemRandomNumberGenerator()
        let halves = [random.next(), random.next()].map { half -> String in
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return "\(date.tm_year + 1900)/\(digits(date.tm_mon + 1))/\(digits(date.tm_mday))/[$LATEST]" + halves.joined()
    }
}
