import Glibc
import TestSupport

/// A listener whose queue is full, so that a connect gets no answer.
final class FullListener {
    let port: UInt16
    private let listener: Int32
    private var waiting: [Int32] = []

    init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = listener
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(socket, pointer, length) == 0 && listen(socket, 0) == 0
                    && getsockname(socket, pointer, &length) == 0
            }
        }
        guard result else { throw SupportError.system("listen") }
        port = UInt16(bigEndian: address.sin_port)
        for _ in 0..<4 {
            let client = Glibc.socket(
                AF_INET,
                Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue),
                0
            )
            _ = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, length) }
            }
            waiting.append(client)
        }
    }

    deinit { for descriptor in waiting + [listener] { close(descriptor) } }
}
