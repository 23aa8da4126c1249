internal import Glibc

/// A moment that a test waits until, at most.
public struct Deadline: Sendable {
    private let end: Double

    /// Seconds that a test waits for what has to happen; far more than it takes, because the machine may be busy.
    public static let patience = 20.0

    /// `seconds` from now.
    public init(seconds: Double = Deadline.patience) { end = Self.now + seconds }

    /// Seconds of the monotonic clock.
    public static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Whether it has passed.
    public var hasPassed: Bool { Self.now >= end }

    /// What is left, for `poll(2)`: rounded up, never negative.
    public var milliseconds: Int32 { Int32(max(0, (end - Self.now) * 1000 + 0.999)) }

    /// Waits until `condition` holds.
    ///
    /// - Parameters:
    ///   - what: what is waited for, for the message.
    ///   - seconds: how long, at most.
    ///   - condition: looked at every few milliseconds.
    /// - Throws: ``SupportError`` when it did not come to hold in time.
    public static func wait(
        for what: @autoclosure () -> String,
        seconds: Double = Deadline.patience,
        _ condition: () throws -> Bool
    ) throws {
        let deadline = Deadline(seconds: seconds)
        while try !condition() {
            guard !deadline.hasPassed else { throw SupportError("waited \(seconds) s in vain for \(what())") }
            usleep(3000)
        }
    }
}

/// Why a test could not go on, in words.
public struct SupportError: Error, CustomStringConvertible {
    public let description: String

    /// An error with this text.
    public init(_ description: String) { self.description = description }

    /// An error of a system call, with what `errno` says.
    public static func system(_ call: String) -> SupportError {
        SupportError("\(call): \(String(cString: strerror(errno)))")
    }
}
