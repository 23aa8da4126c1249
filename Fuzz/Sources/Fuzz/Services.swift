@testable import PenstockNetworking

/// The services of a message are names and numbers that can be written down and read again.
func tryServices(_ bytes: UnsafeRawBufferPointer) {
    guard let message = ServiceMessage(Array(bytes)) else { return }
    promise(message.records.count <= NameResolver.mostAddresses, "\(message.records.count) records")
    for record in message.records {
        promise((1...253).contains(record.target.utf8.count), "a name of \(record.target.utf8.count) bytes")
        promise(record.target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a name of \(record.target.debugDescription)")
    }
    promise(ServiceMessage(written(message))?.records == message.records, "written and read again, other records")
}

private func written(_ message: ServiceMessage) -> [UInt8] {
    var bytes: [UInt8] = [0, 0, 0x80, 0, 0, 0] + wire(UInt16(message.records.count)) + [0, 0, 0, 0]
    for record in message.records {
        var data = wire(record.priority) + wire(record.weight) + wire(record.port)
        for label in record.target.split(separator: ".") {
            data.append(UInt8(label.utf8.count))
            data += label.utf8
        }
        data.append(0)
        bytes += [0, 0, 33, 0, 1, 0, 0, 0, 60] + wire(UInt16(data.count)) + data
    }
    return bytes
}

private func wire(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
