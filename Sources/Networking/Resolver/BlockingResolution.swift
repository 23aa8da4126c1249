import Glibc

extension SocketAddress {
    /// Asks the system's resolver for the addresses of `name`, which may be a literal; blocks: never on a loop.
    ///
    /// - Parameters:
    ///   - name: a host name or an address; `nil` stands for every address of this machine.
    ///   - port: the port of every address in the answer.
    ///   - passive: whether the addresses are to be listened on.
    /// - Returns: at least one address, in the resolver's order, each once.
    /// - Throws: ``ResolutionError``.
    public static func resolve(
        _ name: String?,
        port: UInt16,
        passive: Bool = false
    ) throws(ResolutionError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = passive ? AI_PASSIVE : 0
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, String(port), &hints, &list)
        guard code == 0 else {
            let kind: ResolutionError.Kind = code == EAI_NONAME ? .notFound : .noServer
            throw ResolutionError(name: name ?? "*", kind: kind, reason: String(cString: gai_strerror(code)))
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            var storage = sockaddr_storage()
            memcpy(&storage, entry.ai_addr, Int(entry.ai_addrlen))
            if let address = SocketAddress(storage, length: entry.ai_addrlen), !addresses.contains(address) {
                addresses.append(address)
            }
            next = entry.ai_next
        }
        guard !addresses.isEmpty else {
            throw ResolutionError(name: name ?? "*", kind: .notFound, reason: "no address")
        }
        return addresses
    }

    /// The same for a caller who may have to give up while a name server is silent.
    ///
    /// - Parameters:
    ///   - name: a host name or an address.
    ///   - port: the port of every address in the answer.
    ///   - isInterrupted: whether to wait no longer.
    /// - Returns: at least one address.
    /// - Throws: ``ResolutionError``, also when it was interrupted.
    public static func resolve(
        _ name: String,
        port: UInt16,
        unless isInterrupted: () -> Bool
    ) throws(ResolutionError) -> [SocketAddress] {
        if let address = SocketAddress(literal: Array(name.utf8), port: port) { return [address] }
        let found = BlockingCall.run(unless: isInterrupted) { () -> Result<[SocketAddress], ResolutionError> in
            do throws(ResolutionError) {
                return .success(try resolve(name, port: port))
            } catch {
                return .failure(error)
            }
        }
        guard let found else {
            let reason = "a signal came while its address was asked for"
            throw ResolutionError(name: name, kind: .cancelled, reason: reason)
        }
        return try found.get()
    }
}
