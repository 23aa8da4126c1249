public import PenstockPatterns

/// What routes.yaml says, validated: values only, nothing that runs.
///
/// Every value that a later check may complain about is ``Located``. Paths are absolute, or relative to the working
/// directory as the file's own path is. Defaults are the initial values of these structs; the schema shows them.
public struct Configuration: Equatable, Sendable {
    /// The path of the file, as it was given.
    public var file = "routes.yaml"

    /// The paths of the files that it includes, in the order in which they were read.
    public var includedFiles: [String] = []

    /// The loops to run, 1...1024; `nil`: one for each core this process may use.
    public var loops: Int?

    /// With what the loops send.
    public var io = InputOutput.auto

    /// How it ends after SIGTERM.
    public var shutdown = Shutdown()

    /// The value of the Server field; `nil` leaves it out.
    public var server: String? = "penstock"

    /// Where clients connect, in the file's order; never empty.
    public var listeners: [Listener] = [.standard]

    /// Where health, readiness and metrics are served; `nil`: nowhere.
    public var admin: AdminListener?

    /// The gateway's own folder: 0700, one gateway a folder.
    public var state: Located<String> = .unwritten(".penstock")

    /// Where a line for each request goes; `nil`: nowhere.
    public var accessLog: AccessLog? = AccessLog()

    /// The gateway's own log, on standard error.
    public var log = Log()

    /// What is written for the whole process; see ``limits(of:_:)``.
    public var limits = LimitOverrides()

    /// What is written for the whole process; see ``timeouts(of:_:)``.
    public var timeouts = TimeoutOverrides()

    /// How request paths are read.
    public var paths = Paths()

    /// Pages for what the gateway answers itself; a route's own come before them.
    public var errorPages: [ErrorPage] = []

    /// Who is asked for the addresses of upstreams.
    public var resolver = Resolver()

    /// In the file's order; names are unique.
    public var functions: [Function] = []

    /// In the file's order; names are unique.
    public var upstreams: [Upstream] = []

    /// In the file's order, which decides between routes that are equally specific.
    public var routes: [Route] = []
}

extension Configuration {
    /// The file that a place is in.
    public func file(of position: Position) -> String {
        position.file == 0 ? file : includedFiles[position.file - 1]
    }

    /// How the gateway ends.
    public struct Shutdown: Equatable, Sendable {
        /// How long it serves on as before, but says that it is not ready, so that load balancers look elsewhere.
        public var delay: Located<Duration> = .unwritten(.zero)

        /// How long requests in flight may take to finish after that.
        public var timeout: Located<Duration> = .unwritten(.seconds(30))
    }

    /// The access log's destination and form.
    public struct AccessLog: Equatable, Sendable {
        /// Where its lines go.
        public var to: Located<LogDestination> = .unwritten(.standardOutput)

        /// How a line is written.
        public var format: LogFormat = .text
    }

    /// Where log lines go.
    public enum LogDestination: Equatable, Sendable {
        case standardOutput
        case standardError
        /// Appended to; opened again on SIGHUP.
        case file(String)
    }

    /// How a log line is written.
    public enum LogFormat: String, CaseIterable, Sendable {
        case text
        case json
    }

    /// The gateway's own log.
    public struct Log: Equatable, Sendable {
        /// The least level that is written.
        public var level: LogLevel = .info
    }

    /// The levels of swift-log, by its names.
    public enum LogLevel: String, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }

    /// Who is asked for the addresses of names.
    public struct Resolver: Hashable, Sendable {
        /// Name servers; empty: those of the system.
        public var servers: [NameServer] = []

        /// How long one of them may be silent.
        public var timeout: Duration = .seconds(2)

        /// How often each is asked.
        public var tries = 3
    }

    /// `ADDRESS` or `ADDRESS:PORT`.
    public struct NameServer: Hashable, Sendable, CustomStringConvertible {
        public var address: IPAddress
        public var port: UInt16 = 53

        public var description: String { "\(Host.ip(address).bracketed):\(port)" }
    }

    /// How request paths are normalised, beyond what always holds.
    public struct Paths: Equatable, Sendable {
        /// Whether `//` is read as `/`.
        public var mergeSlashes = false

        /// What becomes of `%2F`.
        public var encodedSlashes: EncodedSlashes = .keep
    }

    /// With what the loops send.
    public enum InputOutput: String, CaseIterable, Sendable {
        /// As ``ioUring`` where the kernel lets them, otherwise as ``epoll``.
        case auto
        /// A system call for each connection.
        case epoll
        /// One for all of a round's.
        case ioUring = "io_uring"
    }

    /// What becomes of `%2F` in a path.
    public enum EncodedSlashes: String, CaseIterable, Sendable {
        /// It stays as it is, inside its segment.
        case keep
        /// The request is answered with 400.
        case reject
    }
}
