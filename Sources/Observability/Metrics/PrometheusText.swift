import PenstockBytes

/// Prometheus' text exposition format, version 0.0.4.
struct PrometheusText {
    /// The media type that a response with this text carries.
    static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"

    /// Appends a family: its HELP and TYPE lines, then its series.
    mutating func write(_ snapshot: FamilySnapshot, to buffer: inout ByteBuffer) {
        let family = snapshot.family
        buffer.append("# HELP \(family.name) \(escape(family.help, quotes: false))\n" as String)
        buffer.append("# TYPE \(family.name) \(family.kind.rawValue)\n" as String)
        for series in snapshot.series {
            let labels = zip(family.labels, series.values).map { "\($0)=\"\(escape($1, quotes: true))\"" }
            if family.kind == .histogram {
                writeHistogram(family, labels, series.sums, to: &buffer)
            } else {
                writeSample(family.name, labels, number(series.sums[0], family), to: &buffer)
            }
        }
    }

    /// Buckets count what is at most their bound, so each holds all before it too.
    private func writeHistogram(_ family: MetricFamily, _ labels: [String], _ sums: [Int], to buffer: inout ByteBuffer)
    {
        var count = 0
        for (index, bound) in family.bounds.enumerated() {
            count += sums[index]
            let bucket = labels + ["le=\"\(number(bound, family))\""]
            writeSample("\(family.name)_bucket", bucket, String(count), to: &buffer)
        }
        count += sums[family.bounds.count]
        writeSample("\(family.name)_bucket", labels + ["le=\"+Inf\""], String(count), to: &buffer)
        writeSample("\(family.name)_sum", labels, number(sums[family.bounds.count + 1], family), to: &buffer)
        writeSample("\(family.name)_count", labels, String(count), to: &buffer)
    }

    private func writeSample(_ name: String, _ labels: [String], _ value: String, to buffer: inout ByteBuffer) {
        buffer.append(name)
        if !labels.isEmpty { buffer.append("{\(labels.joined(separator: ","))}" as String) }
        buffer.append(" \(value)\n" as String)
    }

    private func number(_ cell: Int, _ family: MetricFamily) -> String {
        switch family.unit {
        case .one: String(cell)
        case .nanoseconds where cell % 1_000_000_000 == 0: String(cell / 1_000_000_000)
        case .nanoseconds: "\(Double(cell) / 1_000_000_000)"
        }
    }

    private func escape(_ text: String, quotes: Bool) -> String {
        guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x0A || $0 == 0x22 }) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

extension MetricsRegistry {
    /// The media type of what ``write(to:)`` writes.
    public static var contentType: StaticString { PrometheusText.contentType }
}
