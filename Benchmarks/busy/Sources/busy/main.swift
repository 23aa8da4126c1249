// A gateway with functions that run where the connection is, for busy_loop.py: busy ROUTES
import Glibc
import Penstock

/// How long a loop is held up.
let busyMilliseconds = 50

func milliseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}

try Gateway.run(
    configuration: CommandLine.arguments[1],
    functions: [
        // Which loop has the connection: its thread.
        "loop": .init(blocking: false) { _ in .init(body: "\(pthread_self())") },
        // A loop that cannot serve, while its core is free for others.
        "sleep": .init(blocking: false) { _ in
            usleep(UInt32(busyMilliseconds * 1000))
            return .init(body: "\(pthread_self())")
        },
        // A loop that cannot serve, and has a core to itself.
        "spin": .init(blocking: false) { _ in
            let end = milliseconds() + busyMilliseconds
            while milliseconds() < end {}
            return .init(body: "\(pthread_self())")
        },
    ]
)
