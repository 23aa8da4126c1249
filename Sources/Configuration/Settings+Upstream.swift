internal import PenstockBytes

extension Configuration.Upstream {
    /// How requests of a route reach the upstream, with the place that decides each value.
    public func settings(of route: Configuration.Route?) -> [Setting] {
        let places = endpoints.map { Setting("endpoints", "\($0)", upstream: $0.position) }
        return places + registrationSettings + stickySettings
            + Schema.upstreamPlaceFields.dropFirst().compactMap { $0.setting(self, "") }
            + Schema.upstreamTimeoutFields.compactMap { $0.setting(timeouts, "timeouts.") }
            + Schema.keepaliveFields.compactMap { $0.setting(keepalive, "keepalive.") }
            + Schema.retryFields.map { $0.setting(retries, route?.retries, "retries.") }
            + Schema.bufferFields.map { $0.setting(buffer, route?.buffer, "buffer.") }
            + capacitySettings + healthSettings + forwardingSettings
    }

    private var registrationSettings: [Setting] {
        guard let registration else { return [] }
        let networks = registration.networks.map {
            Setting("registration.networks", "\($0)", upstream: $0.position)
        }
        return networks
            + Schema.registrationFields.dropFirst().compactMap { $0.setting(registration, "registration.") }
    }

    private var forwardingSettings: [Setting] {
        [Schema.hostField].compactMap { $0.setting(self, "") }
            + Schema.forwardingFields.compactMap { $0.setting(forwarding, "forwarding.") }
    }

    private var stickySettings: [Setting] {
        guard let sticky else { return [] }
        return [Setting("sticky.cookie", sticky.cookie.value, upstream: sticky.cookie.position)]
    }

    private var capacitySettings: [Setting] {
        let places = Schema.concurrency.setting(self, "")
        let wait = concurrency.value == nil ? [] : Schema.queueFields.compactMap { $0.setting(queue, "queue.") }
        let rate = breaker.map { breaker in Schema.breakerFields.compactMap { $0.setting(breaker, "breaker.") } }
        return (places.map { [$0] } ?? []) + wait + (rate ?? [])
    }

    private var healthSettings: [Setting] {
        let passive = health.passive.map { passive in
            Schema.passiveHealthFields.compactMap { $0.setting(passive, "health.passive.") }
        }
        let active = health.active.map { active in
            Schema.activeHealthFields.compactMap { $0.setting(active, "health.active.") }
        }
        let panic = Setting("health.panic", "\(health.panic)%", upstream: health.panic.position)
        return (passive ?? []) + (active ?? []) + [panic]
    }
}

extension Field {
    fileprivate func setting(_ draft: Draft, _ prefix: String) -> Setting? {
        value(draft).map { Setting(prefix + key, $0.text, upstream: $0.position) }
    }

    /// The value that holds of what an upstream and a route say.
    fileprivate func setting(_ upstream: Draft, _ route: Draft?, _ prefix: String) -> Setting {
        if let route, let written = value(route) {
            return Setting(key: prefix + key, value: written.text, origin: .route(written.position))
        }
        if let written = value(upstream) { return Setting(prefix + key, written.text, upstream: written.position) }
        let fallback = row(upstream).fallback
        return Setting(key: prefix + key, value: fallback.map { $0.string ?? $0.jsonText } ?? "", origin: .standard)
    }
}

extension Setting {
    /// A value of an upstream.
    fileprivate init(_ key: String, _ value: String, upstream position: Position) {
        self.init(key: key, value: value, origin: position == .unwritten ? .standard : .upstream(position))
    }
}
