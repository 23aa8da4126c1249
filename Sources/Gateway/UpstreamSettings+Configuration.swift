import PenstockConfiguration
import PenstockNetworking
import PenstockPatterns
import PenstockReverseProxy
import PenstockTransport

extension UpstreamSettings {
    /// What the configuration says of an upstream.
    init(_ upstream: Configuration.Upstream) {
        self.init(name: upstream.name.value)
        keepAlive = upstream.keepalive.connections.value
        timeouts = ClientTimeouts(upstream)
        balance = Balance(upstream.balance.value)
        sticky = upstream.sticky.map { sticky in
            StickySettings(
                cookie: sticky.cookie.value,
                seconds: sticky.age.value.map { Int($0.components.seconds) }
            )
        }
        slowStart = upstream.slowStart.value?.nanoseconds ?? 0
        passive = upstream.health.passive.map(PassiveHealthSettings.init)
        active = upstream.health.active.map(ActiveHealthSettings.init)
        panic = upstream.health.panic.value
        breaker = upstream.breaker.map(BreakerSettings.init)
        concurrency = upstream.concurrency.value.map { places in
            ConcurrencyLimit.Settings(places: places, queue: upstream.queue)
        }
        retryBudget = upstream.retries(of: nil).budget
        forwarding = Forwarding(upstream)
    }
}

extension RelaySettings {
    /// What a route, or else its upstream, says of how requests are relayed.
    init(_ upstream: Configuration.Upstream, _ route: Configuration.Route) {
        self.init()
        let retries = upstream.retries(of: route)
        self.retries.attempts = retries.attempts
        self.retries.on = RetrySettings.Conditions(retries.on.map(RetrySettings.Conditions.init))
        self.retries.backoff = retries.backoff.nanoseconds
        self.retries.anyMethod = retries.anyMethod
        let buffer = upstream.buffer(of: route)
        requestBuffer = buffer.request
        responseBuffer = buffer.response
        perTry = upstream.timeouts.perTry.value?.nanoseconds
        allowsWebSocket = route.websocket.value
    }
}

extension ConcurrencyLimit.Settings {
    /// So many places, and the queue before them.
    init(places: Int, queue: Configuration.Queue) {
        self.init(places: places)
        self.queue = queue.length.value
        wait = queue.wait.value.nanoseconds
    }
}

extension ClientTimeouts {
    fileprivate init(_ upstream: Configuration.Upstream) {
        self.init()
        connect = upstream.timeouts.connect.value.nanoseconds
        firstByte = upstream.timeouts.firstByte.value.nanoseconds
        idle = upstream.timeouts.idle.value.nanoseconds
        keepAlive = upstream.keepalive.idle.value.nanoseconds
    }
}

extension Forwarding {
    fileprivate init(_ upstream: Configuration.Upstream) {
        self.init()
        xForwarded = upstream.forwarding.xForwarded.value
        forwarded = upstream.forwarding.forwarded.value
        via = upstream.forwarding.via.value != .none
        viaOfResponses = upstream.forwarding.via.value == .both
        host =
            switch upstream.host.value {
            case .keep: .keep
            case .endpoint: .endpoint
            case .text(let text): .text(Array(text.utf8))
            }
    }
}

extension Balance {
    fileprivate init(_ balance: Configuration.Balance) {
        switch balance {
        case .roundRobin: self = .roundRobin
        case .leastRequests: self = .leastRequests
        case .randomTwo: self = .randomTwo
        case .hash(.header(let name)): self = .hash(.header(name))
        case .hash(.cookie(let name)): self = .hash(.cookie(name))
        case .hash(.query(let name)): self = .hash(.query(name))
        case .hash(.clientAddress): self = .hash(.clientAddress)
        }
    }
}

extension PassiveHealthSettings {
    fileprivate init(_ passive: Configuration.PassiveHealth) {
        self.init()
        failures = passive.failures.value
        errorRate = passive.errorRate.value
        window = passive.window.value.nanoseconds
        requests = passive.requests.value
        eject = passive.eject.value.nanoseconds
        ejectMost = passive.ejectMost.value.nanoseconds
    }
}

extension ActiveHealthSettings {
    fileprivate init(_ active: Configuration.ActiveHealth) {
        self.init(
            active.path.map { path in
                .http(
                    path: path.value,
                    host: active.host?.value,
                    statuses: active.statuses.map(\.value.range),
                    body: active.body?.value
                )
            } ?? .tcp
        )
        interval = active.interval.value.nanoseconds
        timeout = active.timeout.value.nanoseconds
        healthy = active.healthy.value
        unhealthy = active.unhealthy.value
    }
}

extension BreakerSettings {
    fileprivate init(_ breaker: Configuration.Breaker) {
        self.init()
        errorRate = breaker.errorRate.value
        window = breaker.window.value.nanoseconds
        requests = breaker.requests.value
        open = breaker.open.value.nanoseconds
    }
}

extension RetrySettings.Conditions {
    fileprivate init(_ condition: Configuration.RetryCondition) {
        switch condition {
        case .connect: self = .connect
        case .reset: self = .reset
        case .timeout: self = .timeout
        case .badGateway: self = .badGateway
        case .unavailable: self = .unavailable
        case .gatewayTimeout: self = .gatewayTimeout
        }
    }
}

extension ResolverSettings {
    /// What the configuration says of name servers.
    init(_ resolver: Configuration.Resolver) {
        self.init()
        servers = resolver.servers.map { SocketAddress($0.address, port: $0.port) }
        timeout = resolver.timeout.nanoseconds
        tries = resolver.tries
    }
}

extension SocketAddress {
    /// An address of the configuration.
    init(_ address: IPAddress, port: UInt16) {
        if address.isIPv4 {
            self.init(ipv4: address.bytes, port: port)
        } else {
            self.init(ipv6: address.bytes, port: port)
        }
    }
}
