import PenstockConfiguration

extension RouteReport {
    /// A timer that may end the request, or a part of it.
    struct Timer {
        /// The time that it measures.
        let span: String

        /// Its key, as among the values.
        let key: String

        /// As it would be written.
        let value: String

        /// What happens when it fires, or why it never does.
        let outcome: String
    }

    /// The timers that the request meets, in the order in which they may fire.
    var timers: [Timer] {
        guard let route else { return [] }
        let own = configuration.timeouts(of: listener, route)
        var timers = [Timer("the head comes", "timeouts.head", own.head, "408")]
        if let timeout = route.timeout?.value {
            let outcome = "504, or the answer is cut" + (streams ? "; not once a stream has begun" : "")
            timers.append(Timer("the whole request", "timeout", timeout, outcome))
        }
        timers.append(bounded("silence inside the request's body", "timeouts.body", own.body, "408"))
        if own.bodyRate > 0 {
            // It is looked at after ten seconds.
            let rate = bounded(
                "the request's body comes",
                "timeouts.body_rate",
                .seconds(10),
                "408, at fewer bytes a second"
            )
            timers.append(Timer(span: rate.span, key: rate.key, value: "\(own.bodyRate)", outcome: rate.outcome))
        }
        if route.concurrency.value != nil {
            timers.append(bounded("waiting for a place", "queue.wait", route.queue.wait.value, "503"))
        }
        var seen: Set<String> = []
        for target in answering where seen.insert(target.summary).inserted { timers += self.timers(of: target, route) }
        timers.append(streaming("the client takes nothing", "timeouts.write", own.write, "the connection is closed"))
        timers.append(Timer("until the next request", "timeouts.idle", own.idle, "the connection is closed"))
        return timers
    }

    /// Who may give the client its answer.
    private var answering: [Configuration.Target] {
        route.map { $0.target.choices + ($0.fallback?.targets ?? []) } ?? []
    }

    /// Whether the answer may be an event stream or a tunnel, for which the route's `timeout` does not hold.
    private var streams: Bool {
        answering.contains { target in
            if case .upstream = target { true } else { false }
        }
    }

    private func timers(of target: Configuration.Target, _ route: Configuration.Route) -> [Timer] {
        switch target {
        case .function(let name):
            guard let function = configuration.functions.first(where: { $0.name.value == name.value }) else {
                return []
            }
            return timers(of: function, below: "functions.\(name).")
        case .upstream(let name):
            guard let upstream = configuration.upstreams.first(where: { $0.name.value == name.value }) else {
                return []
            }
            return timers(of: upstream, route, below: "upstreams.\(name).")
        case .redirect, .respond, .files, .split: return []
        }
    }

    private func timers(of function: Configuration.Function, below section: String) -> [Timer] {
        let queue = bounded("waiting for an instance", section + "queue.wait", function.queue.wait.value, "503")
        // An instance has its time whether or not somebody still waits for its answer.
        if case .swift = function.code {
            return [queue, Timer("the function runs", section + "timeout", function.timeout.value, "504")]
        }
        return [
            queue,
            Timer("an instance starts", section + "init_timeout", function.initTimeout.value, "502"),
            Timer("the function runs", section + "timeout", function.timeout.value, "504, and its processes end"),
        ]
    }

    private func timers(
        of upstream: Configuration.Upstream,
        _ route: Configuration.Route,
        below section: String
    ) -> [Timer] {
        var timers: [Timer] = []
        if upstream.concurrency.value != nil {
            let wait = upstream.queue.wait.value
            timers.append(bounded("waiting for a place", section + "queue.wait", wait, "503"))
        }
        let times = upstream.timeouts
        let retries = upstream.retries(of: route)
        func failure(_ condition: Configuration.RetryCondition) -> String {
            retries.attempts > 0 && retries.on.contains(condition) ? "another try, or 504" : "504"
        }
        let perTry = times.perTry.value.map { (key: section + "timeouts.per_try", limit: $0) }
        if let perTry {
            timers.append(bounded("a try, up to the answer's head", perTry.key, perTry.limit, failure(.timeout)))
        }
        timers += [
            bounded("connecting", section + "timeouts.connect", times.connect.value, failure(.connect), within: perTry),
            bounded(
                "the request's end to the first byte",
                section + "timeouts.first_byte",
                times.firstByte.value,
                failure(.timeout),
                within: perTry
            ),
            streaming(
                "silence inside the answer",
                section + "timeouts.idle",
                times.idle.value,
                "504 in its head, then it is cut"
            ),
        ]
        return timers
    }

    /// A timer that never fires where one that begins before it is not longer.
    private func bounded(
        _ span: String,
        _ key: String,
        _ limit: Duration,
        _ outcome: String,
        within outer: (key: String, limit: Duration)? = nil
    ) -> Timer {
        let whole = route?.timeout.map { (key: "timeout", limit: $0.value) }
        let first = [outer, whole].compactMap { $0 }.first { $0.limit <= limit }
        return Timer(span, key, limit, first.map { "never: \($0.key) ends first" } ?? outcome)
    }

    /// One that holds for streams too, for which the route's `timeout` does not.
    private func streaming(_ span: String, _ key: String, _ limit: Duration, _ outcome: String) -> Timer {
        guard streams, let timeout = route?.timeout?.value, timeout <= limit else {
            return bounded(span, key, limit, outcome)
        }
        return Timer(span, key, limit, "\(outcome); in streams alone, timeout ends others first")
    }
}

extension RouteReport.Timer {
    fileprivate init(_ span: String, _ key: String, _ limit: Duration, _ outcome: String) {
        self.init(span: span, key: key, value: limit.written, outcome: outcome)
    }
}
