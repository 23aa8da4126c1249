import Dispatch
import Glibc
import PenstockBytes
public import PenstockConfiguration
import PenstockFunctions
import PenstockNetworking
import PenstockObservability
import PenstockSystem
import PenstockTransport

/// What `penstock invoke` does: one event through one function, in an instance of its own, without a server.
public struct DirectInvocation: Sendable {
    /// The JSON that the handler returned; `nil` where it failed.
    public let result: [UInt8]?

    /// The error as Lambda writes it, `{"errorMessage", "errorType", ...}`; `nil` where there is a result.
    public let error: [UInt8]?

    /// Nanoseconds that the instance took to start, and the handler to answer; -1: it never came to that.
    public let initNanoseconds: Int64
    public let runNanoseconds: Int64

    /// The request id that the function saw.
    public let requestID: String

    /// Runs `function` once; blocks.
    ///
    /// What it prints goes to standard error.
    ///
    /// - Parameters:
    ///   - function: its name.
    ///   - event: JSON.
    ///   - configuration: checked, without errors.
    /// - Returns: what came of it.
    /// - Throws: ``GatewayError`` where it cannot be tried: no such function, an event that is not JSON.
    public static func run(
        _ function: String,
        event: [UInt8],
        in configuration: Configuration
    ) throws(GatewayError) -> DirectInvocation {
        guard let configured = configuration.functions.first(where: { $0.name.value == function }) else {
            let names = configuration.functions.map(\.name.value)
            let near = suggestion(for: function, among: names).map { "did you mean '\($0)'?" }
            let all = names.isEmpty ? "there is none" : "there is \(names.joined(separator: ", "))"
            throw GatewayError("there is no function '\(function)'; \(near ?? all)")
        }
        do {
            _ = try event.withUnsafeBytes { try JSONValue(parsing: $0) }
        } catch {
            throw GatewayError("the event is not JSON: \(error)")
        }
        var settings = try FunctionSettings(configured, gateway: ProcessEnvironment.all)
        settings.minimum = 0
        settings.maximum = 1
        settings.queueWait = settings.initTimeout
        do throws(SystemError) {
            return try run(settings, event)
        } catch {
            throw GatewayError("cannot run '\(function)': \(error)")
        }
    }

    private static func run(_ settings: FunctionSettings, _ event: [UInt8]) throws(SystemError) -> DirectInvocation {
        let group = try EventLoopGroup(count: 2)
        let writer = try LogWriter(.standardError)
        let (loop, supervisor) = (group.loops[0], group.loops[1])
        let spawner = try Spawner(supervisor: supervisor)
        let share = InstanceLoop(loop: loop, output: FunctionOutput(loop: loop, writer: writer))
        let pool = InstancePool(settings, on: [share], spawner: spawner, supervisor: supervisor)
        try group.start()
        let caller = DirectCaller(pool.invoker(on: 0), event)
        let handed = Handover(caller)
        loop.submit { handed.value.start() }
        let outcome = caller.wait()
        pool.retire()
        let deadline = MonotonicClock.now() + 5_000_000_000
        while pool.statistics.alive > 0, MonotonicClock.now() < deadline { usleep(2_000) }
        spawner.close()
        group.stop()
        writer.flush(seconds: 1)
        return outcome
    }
}

/// Hands one event over and waits for its outcome.
private final class DirectCaller: InvocationObserver {
    private let invoker: any FunctionInvoker
    private let event: [UInt8]
    private let done = DispatchSemaphore(value: 0)
    private var outcome: DirectInvocation?
    private let requestID = IdentifierSource().text()

    init(_ invoker: any FunctionInvoker, _ event: [UInt8]) {
        self.invoker = invoker
        self.event = event
    }

    func start() {
        let invocation = Invocation()
        Array(requestID.utf8).withUnsafeBytes { invocation.name(requestID: $0) }
        invocation.isRaw = true
        invocation.begin(observer: self)
        invocation.beginFrame()
        event.withUnsafeBytes { invocation.frame.append($0) }
        invoker.invoke(invocation)
    }

    func wait() -> DirectInvocation {
        done.wait()
        return outcome
            ?? DirectInvocation(result: nil, error: nil, initNanoseconds: -1, runNanoseconds: -1, requestID: requestID)
    }

    private func end(_ invocation: Invocation, result: [UInt8]?, error: [UInt8]?) {
        outcome = DirectInvocation(
            result: result,
            error: error,
            initNanoseconds: invocation.initNanoseconds,
            runNanoseconds: invocation.runNanoseconds,
            requestID: requestID
        )
        done.signal()
    }

    func replied(
        _ invocation: Invocation,
        status: Int,
        fields: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        end(invocation, result: Array(body), error: nil)
    }

    func returned(_ invocation: Invocation, json: UnsafeRawBufferPointer) {
        do throws(JSONError) {
            _ = try JSONValue(parsing: json)
        } catch {
            return failed(invocation, .noJSON(error))
        }
        let isPrinted = json.last == 0x0A  // by a program of its own, as the end of its line
        end(invocation, result: Array(isPrinted ? json.dropLast() : json[...]), error: nil)
    }

    func failed(_ invocation: Invocation, _ error: InvocationError) {
        end(invocation, result: nil, error: Array(error.json))
    }
}
