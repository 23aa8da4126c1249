import PenstockNetworking

/// Which Host fields the admin listener takes for its own.
enum AdminHost {
    /// Whether the host, with or without a port, is an address or `localhost`.
    ///
    /// A name could be any site's that has pointed its DNS record here (DNS rebinding); an address cannot.
    static func isOwn(_ authority: UnsafeRawBufferPointer) -> Bool {
        let text = Array(authority)
        if text.isEmpty { return true }
        let host: [UInt8]
        if text[0] == 0x5B {
            host = Array(text.prefix { $0 != 0x5D }) + [0x5D]
        } else {
            host = Array(text.prefix { $0 != 0x3A })
        }
        return host.elementsEqual("localhost".utf8) || SocketAddress(literal: host) != nil
    }
}
