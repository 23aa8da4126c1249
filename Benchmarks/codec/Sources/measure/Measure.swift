internal import Glibc

/// The nanoseconds of a call: the best of 300 runs of 2,000.
public func nanoseconds(_ call: () -> Void) -> Double {
    var best = Double.infinity
    for _ in 0..<300 {
        let start = now()
        for _ in 0..<2000 { call() }
        best = min(best, Double(now() - start) / 2000)
    }
    return best
}

/// Prints the nanoseconds of a call.
public func measure(_ name: String, _ call: () -> Void) { report(name, nanoseconds(call)) }

/// Prints a figure.
public func report(_ name: String, _ figure: Double) {
    print(String(repeating: " ", count: max(0, 40 - name.utf8.count)) + name, figure.rounded())
}

private func now() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}
