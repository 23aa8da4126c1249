internal import CCares

/// How a lookup ended that brought nothing.
enum NameServerStatus: Error {
    case noData, noName, notAName, silence, noServer, refused, malformed, closed, failed

    init(_ status: penstock_ares_status) {
        self =
            switch status {
            case PENSTOCK_ARES_NO_DATA: .noData
            case PENSTOCK_ARES_NO_NAME: .noName
            case PENSTOCK_ARES_BAD_NAME: .notAName
            case PENSTOCK_ARES_SILENCE: .silence
            case PENSTOCK_ARES_NO_SERVER: .noServer
            case PENSTOCK_ARES_REFUSED: .refused
            case PENSTOCK_ARES_MALFORMED: .malformed
            case PENSTOCK_ARES_CLOSED: .closed
            default: .failed
            }
    }

    /// The same for whoever asked for `name`.
    func error(of name: String) -> ResolutionError {
        let (kind, reason): (ResolutionError.Kind, String) =
            switch self {
            case .noData: (.notFound, "the name has no such record")
            case .noName: (.notFound, "no such name")
            case .notAName: (.notFound, "not a name")
            case .silence: (.timedOut, "no name server answered in time")
            case .noServer: (.noServer, "no name server could be reached, or all of them failed")
            case .refused: (.noServer, "the name server did not take the question")
            case .malformed: (.malformed, "the name server's answer is malformed")
            case .closed: (.cancelled, "nobody waits for the answer any more")
            case .failed: (.noServer, "no question could be sent: memory, or a file of the resolver's")
            }
        return ResolutionError(name: name, kind: kind, reason: reason)
    }
}
