import PenstockNetworking
import PenstockSystem

/// Reads the header of the PROXY protocol from a connection, and makes room for the codec that serves the client.
///
/// A proxy that sends something else, or nothing in time, gets no answer: it would take one for its client's.
final class ProxyHeaderReader: ServerCodec {
    private let connection: ServerConnection
    private var isDraining = false

    /// What it has made room for, and answers for until the callback that brought the header has returned.
    private var successor: (any ServerCodec)?

    init(connection: ServerConnection) { self.connection = connection }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        do throws(MalformedProxyHeader) {
            guard let header = try ProxyHeader.parse(bytes.bytes) else { return 0 }
            guard let codec = connection.introduce(header.source) else { return bytes.count }
            successor = codec
            if isDraining { codec.drain() }
            return header.length + codec.receive(UnsafeRawBufferPointer(rebasing: bytes[header.length...]))
        } catch {
            connection.info.metrics?.refuseHeader()
            connection.finish(lingering: false)
            return bytes.count
        }
    }

    func wantsInput(hasRoom: Bool) -> Bool { successor?.wantsInput(hasRoom: hasRoom) ?? true }

    var isIdle: Bool { successor?.isIdle ?? true }

    var writeTimeout: Int64 { successor?.writeTimeout ?? connection.info.settings.timeouts.write }

    var hasServed: Bool { successor?.hasServed ?? false }

    func receivedEnd() { connection.finish(lingering: false) }

    func drained() { successor?.drained() }

    func readExpired() {
        if !isDraining { connection.info.metrics?.refuseHeader() }
        connection.finish(lingering: false)
    }

    func failed(_ error: ExchangeError) {}

    func drain() {
        isDraining = true
        connection.setReadDeadline(connection.now + HTTP1Server.lastChance)
    }
}
