import PenstockBytes
import PenstockHTTP

/// The response, from bytes to what its observer hears.
extension ClientConnection {
    func feed(_ bytes: UnsafeRawBufferPointer) {
        guard !input.isEmpty else { return process(bytes) }
        input.append(bytes)
        var whole = ByteBuffer()
        swap(&whole, &input)
        process(whole.readable)
    }

    /// Takes all of `bytes`; only an incomplete head or chunk line is kept.
    private func process(_ bytes: UnsafeRawBufferPointer) {
        guard let observer else { return }
        var offset = 0
        while phase == .busy, offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            switch incoming {
            case .head:
                guard let taken = processHead(rest, observer) else { return }
                offset &+= taken
            case .length(let missing):
                let count = min(missing, rest.count)
                incoming = .length(missing - count)
                observer.received(UnsafeRawBufferPointer(rebasing: rest[..<count]).bytes)
                guard phase == .busy else { return }  // given up meanwhile
                offset &+= count
                if missing == count { return complete(trailers: nil, reusable: offset == bytes.count) }
            case .chunks:
                guard let taken = processChunks(rest, observer) else { return }
                offset &+= taken
            case .untilClose:
                observer.received(rest.bytes)
                offset = bytes.count
            }
        }
        if phase == .busy { touch() }
    }

    /// Reads a head; `nil`: more is needed, or it is over.
    private func processHead(_ bytes: UnsafeRawBufferPointer, _ observer: any ClientStreamObserver) -> Int? {
        do throws(ResponseError) {
            guard let length = try parser.parse(bytes.bytes, requestMethod: method, into: head) else {
                input.append(bytes)
                touch()
                return nil
            }
            return accept(length, bytes.count, observer)
        } catch {
            fail(.malformed, String(describing: error.reason))
            return nil
        }
    }

    private func accept(_ length: Int, _ available: Int, _ observer: any ClientStreamObserver) -> Int? {
        parser.reset()
        let head = head
        guard head.status >= 200 else {
            if head.status == 101 { return acceptUpgrade(length, observer) }
            observer.informed(head)
            head.reset()
            return phase == .busy ? length : nil
        }
        switch head.framing {
        case .none: incoming = .length(0)
        case .length(let length): incoming = .length(length)
        case .chunked:
            incoming = .chunks
            chunks = ChunkedDecoder(limits: HeadLimits())
        case .untilClose: incoming = .untilClose
        }
        let isWhole: Bool
        if case .length(0) = incoming { isWhole = true } else { isWhole = false }
        observer.received(head)
        guard phase == .busy else { return nil }
        guard !isWhole else {
            complete(trailers: nil, reusable: length == available)
            return nil
        }
        return length
    }

    private func acceptUpgrade(_ length: Int, _ observer: any ClientStreamObserver) -> Int? {
        guard mayUpgrade else {
            fail(.malformed, "101 to a request that asked for no upgrade")
            return nil
        }
        incoming = .untilClose
        becomeTunnel()
        observer.received(head)
        return phase == .busy ? length : nil
    }

    private func processChunks(_ bytes: UnsafeRawBufferPointer, _ observer: any ClientStreamObserver) -> Int? {
        var offset = 0
        do throws(RequestError) {
            while phase == .busy {
                switch try chunks.next(bytes.bytes, offset: &offset, trailers: trailers) {
                case .data(let range): observer.received(UnsafeRawBufferPointer(rebasing: bytes[range]).bytes)
                case .needMore:
                    if offset < bytes.count { input.append(UnsafeRawBufferPointer(rebasing: bytes[offset...])) }
                    touch()
                    return nil
                case .end:
                    complete(trailers: trailers, reusable: offset == bytes.count)
                    return nil
                }
            }
        } catch {
            fail(.malformed, String(describing: error.reason))
        }
        return nil
    }
}
