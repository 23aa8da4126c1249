extension Schema {
    static let shutdown = Kind.object(
        Shape<Configuration.Shutdown>(
            "'shutdown'",
            title: "shutdown",
            summary: "First `/readyz` says 503; then nothing new is accepted; then what is left is ended.",
            initial: Configuration.Shutdown(),
            fields: [
                Field(
                    "delay",
                    \.delay,
                    Kind.duration(.zero ... .hours(24)).located,
                    "How long it serves on as before, until load balancers have seen that it is not ready."
                ),
                Field(
                    "timeout",
                    \.timeout,
                    Kind.duration(.zero ... .hours(24)).located,
                    "How long requests in flight may take to finish after that."
                ),
            ]
        ),
        initial: Configuration.Shutdown()
    )
}

extension Configuration.Shutdown {
    /// Takes over what the file says under the older name.
    mutating func take(_ drain: Located<Duration>, _ reader: inout Reader) {
        guard timeout.isWritten else {
            timeout = drain
            return
        }
        reader.error(
            "'drain' beside 'shutdown.timeout', whose older name it is",
            at: drain.position,
            hint: "leave it out"
        )
    }
}
