import Glibc
import PenstockBytes

/// What the gateway says of an instance that said nothing itself.
///
/// Messages are Lambda's where Lambda has one (functions.md, section 5).
enum InstanceFailure {
    /// It ended before it had answered; `status` as `wait(2)` has it, `nil` when nobody could say.
    static func exited(_ status: Int32?, _ requestID: UnsafeRawBufferPointer) -> InvocationError {
        InvocationError(
            .exited,
            type: "Runtime.ExitError",
            message: "RequestId: \(InvocationError.text(requestID)) Error: Runtime exited \(words(for: status))"
        )
    }

    /// It ended before it was ready.
    ///
    /// Where nobody could say how, the spawner has died and taken it along: that says nothing of the function.
    static func exitedAtStart(_ status: Int32?) -> InvocationError {
        guard let status else {
            let message = "Error: killed with the process that starts instances"
            return InvocationError(.gateway, type: "Gateway.SpawnerEnded", message: message)
        }
        let message = "Error: Runtime exited \(words(for: status))"
        return InvocationError(.start, type: "Runtime.ExitError", message: message)
    }

    private static func words(for status: Int32?) -> String {
        guard let status else { return "with error: signal: killed" }
        let signal = status & 0x7F
        if signal != 0 {
            let name = strsignal(signal).map { String(cString: $0).lowercased() } ?? "\(signal)"
            return "with error: signal: \(name)"
        }
        let code = status >> 8 & 0xFF
        return code == 0 ? "without providing a reason" : "with error: exit status \(code)"
    }

    /// It was not ready within `init_timeout`.
    static func notReady(after nanoseconds: Int64) -> InvocationError {
        InvocationError(
            .start,
            type: "Sandbox.Timedout",
            message: "Error: not ready after \(InvocationError.seconds(nanoseconds)) seconds (init_timeout)"
        )
    }

    /// Its bytes are no frame, or no answer to what it was asked.
    static func violation(_ error: FrameError) -> InvocationError {
        InvocationError(
            .violation,
            type: "Runtime.ProtocolError",
            message: "Error: the instance broke the protocol: \(error)"
        )
    }

    /// Its channel ended, and it went on running.
    static let channelClosed = InvocationError(
        .violation,
        type: "Runtime.ProtocolError",
        message: "Error: the instance closed its connection and did not exit"
    )

    /// The payload of ERROR: the handler's failure, or the bootstrap's refusal of its result.
    static func reported(_ payload: UnsafeRawBufferPointer) -> InvocationError {
        let error = InvocationError(.function, payload: payload)
        return error.type == "Function.ResponseSizeTooLarge" ? InvocationError(.tooLarge, payload: payload) : error
    }
}
