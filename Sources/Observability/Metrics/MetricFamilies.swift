/// Every metric of the gateway; a new one is declared here, and the golden file of the tests shows it.
///
/// No label ever holds a path, a host or a client: what a stranger can choose must not make series.
extension MetricFamily {
    private static let request = ["listener", "route", "target", "method", "status"]

    public static let requests = MetricFamily(
        "penstock_http_requests_total",
        .counter,
        "Requests answered, by the status that was sent.",
        labels: request
    )
    public static let requestDuration = MetricFamily(
        "penstock_http_request_duration_seconds",
        .histogram,
        "Time from the last byte of a request's head to the end of its response, by the clock of its loop's rounds.",
        unit: .nanoseconds,
        labels: request,
        bounds: durationBounds
    )
    public static let requestsInFlight = MetricFamily(
        "penstock_http_requests_in_flight",
        .gauge,
        "Requests that are being answered now.",
        labels: ["listener"]
    )
    public static let receivedBytes = MetricFamily(
        "penstock_http_received_bytes_total",
        .counter,
        "Body bytes of requests, without their framing.",
        labels: ["listener"]
    )
    public static let sentBytes = MetricFamily(
        "penstock_http_sent_bytes_total",
        .counter,
        "Body bytes of responses, without their framing.",
        labels: ["listener"]
    )
    public static let connections = MetricFamily(
        "penstock_connections",
        .gauge,
        "Connections of clients that are open now.",
        labels: ["listener"]
    )
    public static let acceptedConnections = MetricFamily(
        "penstock_connections_accepted_total",
        .counter,
        "Connections accepted.",
        labels: ["listener"]
    )
    public static let refusedConnections = MetricFamily(
        "penstock_connections_refused_total",
        .counter,
        "Connections over a limit (503, or closed where there are too many), or without a trusted PROXY header (closed).",
        labels: ["listener", "reason"]
    )

    public static let functionInvocations = MetricFamily(
        "penstock_function_invocations_total",
        .counter,
        "Events handed to an instance of the function.",
        labels: ["function"]
    )
    public static let functionErrors = MetricFamily(
        "penstock_function_errors_total",
        .counter,
        "Invocations that failed, by what failed.",
        labels: ["function", "reason"]
    )
    public static let functionThrottles = MetricFamily(
        "penstock_function_throttles_total",
        .counter,
        "Events refused for want of an instance, by the limit that refused them.",
        labels: ["function", "reason"]
    )
    public static let functionColdStarts = MetricFamily(
        "penstock_function_cold_starts_total",
        .counter,
        "Instances that were started.",
        labels: ["function"]
    )
    public static let functionQueueDuration = MetricFamily(
        "penstock_function_queue_seconds",
        .histogram,
        "Time that an event waited for an instance.",
        unit: .nanoseconds,
        labels: ["function"],
        bounds: durationBounds
    )
    public static let functionRunDuration = MetricFamily(
        "penstock_function_run_seconds",
        .histogram,
        "Time that an instance took for an event.",
        unit: .nanoseconds,
        labels: ["function"],
        bounds: durationBounds
    )
    public static let functionInitDuration = MetricFamily(
        "penstock_function_init_seconds",
        .histogram,
        "Time from starting an instance until it was ready.",
        unit: .nanoseconds,
        labels: ["function"],
        bounds: durationBounds
    )
    public static let functionInstances = MetricFamily(
        "penstock_function_instances",
        .gauge,
        "Instances of the function, by state.",
        labels: ["function", "state"]
    )
    public static let functionWaiting = MetricFamily(
        "penstock_function_waiting",
        .gauge,
        "Events that wait for an instance now.",
        labels: ["function"]
    )

    public static let upstreamRequests = MetricFamily(
        "penstock_upstream_requests_total",
        .counter,
        "Requests sent to the upstream, by the status that it answered; `none` if it did not.",
        labels: ["upstream", "status"]
    )
    public static let upstreamFirstByte = MetricFamily(
        "penstock_upstream_first_byte_seconds",
        .histogram,
        "Time from sending a request's head until the response's head had come.",
        unit: .nanoseconds,
        labels: ["upstream"],
        bounds: durationBounds
    )
    public static let upstreamConnects = MetricFamily(
        "penstock_upstream_connects_total",
        .counter,
        "Connections opened to the upstream.",
        labels: ["upstream"]
    )
    public static let upstreamConnectErrors = MetricFamily(
        "penstock_upstream_connect_errors_total",
        .counter,
        "Connections to the upstream that could not be opened, by why.",
        labels: ["upstream", "reason"]
    )
    public static let upstreamErrors = MetricFamily(
        "penstock_upstream_errors_total",
        .counter,
        "Exchanges with the upstream that failed after the connection stood, by why.",
        labels: ["upstream", "reason"]
    )
    public static let upstreamRetries = MetricFamily(
        "penstock_upstream_retries_total",
        .counter,
        "Requests sent again because the first try failed before it could have had an effect.",
        labels: ["upstream"]
    )
    public static let mirroredRequests = MetricFamily(
        "penstock_mirrored_requests_total",
        .counter,
        "Copies of a route's requests: sent and answered, dropped by the gateway (too many, or too slow), or failed.",
        labels: ["route", "result"]
    )
    public static let upstreamConnections = MetricFamily(
        "penstock_upstream_connections",
        .gauge,
        "Connections to the upstream that are open now.",
        labels: ["upstream", "state"]
    )
    public static let upstreamEndpointState = MetricFamily(
        "penstock_upstream_endpoint_state",
        .gauge,
        "1 for the state that an endpoint is in: in, ejected for what became of its requests, or unhealthy by its checks.",
        labels: ["upstream", "endpoint", "state"]
    )
    public static let upstreamQueue = MetricFamily(
        "penstock_upstream_queue",
        .gauge,
        "Requests that wait because the upstream has as many as its `concurrency` allows.",
        labels: ["upstream"]
    )
    public static let upstreamBreaker = MetricFamily(
        "penstock_upstream_breaker_open",
        .gauge,
        "Whether the upstream's circuit breaker is open.",
        labels: ["upstream"]
    )

    public static let configurationGeneration = MetricFamily(
        "penstock_config_generation",
        .gauge,
        "How many configurations have been taken into use, the first one included."
    )
    public static let configurationReloads = MetricFamily(
        "penstock_config_reloads_total",
        .counter,
        "Attempts to reload the configuration, by result.",
        labels: ["result"]
    )
    public static let configurationLastReload = MetricFamily(
        "penstock_config_last_reload_timestamp_seconds",
        .gauge,
        "When the configuration in use was taken into use, in seconds since 1970.",
        unit: .nanoseconds
    )
    public static let configurationLastReloadSuccessful = MetricFamily(
        "penstock_config_last_reload_successful",
        .gauge,
        "Whether the last attempt to load the configuration succeeded."
    )
    public static let droppedLogLines = MetricFamily(
        "penstock_log_lines_dropped_total",
        .counter,
        "Lines not written because the log could not keep up, or could not be written.",
        labels: ["log"]
    )
    public static let buildInfo = MetricFamily(
        "penstock_build_info",
        .gauge,
        "Always 1; the version is in the label.",
        labels: ["version"]
    )

    public static let processStartTime = MetricFamily(
        "process_start_time_seconds",
        .gauge,
        "When the process started, in seconds since 1970.",
        unit: .nanoseconds
    )
    public static let processCPU = MetricFamily(
        "process_cpu_seconds_total",
        .counter,
        "Processor time that the gateway itself has used, user and system.",
        unit: .nanoseconds
    )
    public static let processMemory = MetricFamily(
        "process_resident_memory_bytes",
        .gauge,
        "Memory of the gateway itself that is resident."
    )
    public static let processDescriptors = MetricFamily(
        "process_open_fds",
        .gauge,
        "File descriptors that the gateway itself has open."
    )
    public static let processDescriptorLimit = MetricFamily(
        "process_max_fds",
        .gauge,
        "File descriptors that the gateway may have open."
    )

    /// All of them, in the order in which they are shown.
    public static let all: [MetricFamily] = [
        requests, requestDuration, requestsInFlight, receivedBytes, sentBytes,
        connections, acceptedConnections, refusedConnections,
        functionInvocations, functionErrors, functionThrottles, functionColdStarts,
        functionQueueDuration, functionRunDuration, functionInitDuration, functionInstances, functionWaiting,
        upstreamRequests, upstreamFirstByte, upstreamConnects, upstreamConnectErrors, upstreamErrors, upstreamRetries,
        mirroredRequests,
        upstreamConnections, upstreamEndpointState, upstreamQueue, upstreamBreaker,
        configurationGeneration, configurationReloads, configurationLastReload, configurationLastReloadSuccessful,
        droppedLogLines, buildInfo,
        processStartTime, processCPU, processMemory, processDescriptors, processDescriptorLimit,
    ]
}
