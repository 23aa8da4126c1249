/// What a metric is: its name, its meaning, its labels, and how its cells are read.
///
/// Cells count integers, so that a bump is one load and one store; ``unit`` says what one of them stands for.
public struct MetricFamily: Hashable, Sendable {
    /// The type, in Prometheus' words.
    public enum Kind: String, Sendable { case counter, gauge, histogram }

    /// What the integer in a cell stands for.
    public enum Unit: String, Sendable {
        /// Plain counts and bytes.
        case one

        /// Nanoseconds, shown as seconds.
        case nanoseconds
    }

    /// Lower-case words and underscores, with the base unit at the end, `_total` for counters.
    public let name: String

    /// One sentence for people.
    public let help: String
    public let kind: Kind
    public let unit: Unit

    /// The names of the labels, in the order in which their values are given.
    public let labels: [String]

    /// The upper bounds of a histogram's buckets, rising, in the cells' unit; without the infinite one.
    public let bounds: [Int]

    /// Declares a metric.
    public init(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        unit: Unit = .one,
        labels: [String] = [],
        bounds: [Int] = []
    ) {
        self.name = name
        self.kind = kind
        self.help = help
        self.unit = unit
        self.labels = labels
        self.bounds = bounds
    }

    /// Bounds for durations of requests, in nanoseconds: 100 us to 10 s.
    public static let durationBounds: [Int] = [
        100_000, 250_000, 500_000,
        1_000_000, 2_500_000, 5_000_000,
        10_000_000, 25_000_000, 50_000_000,
        100_000_000, 250_000_000, 500_000_000,
        1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
    ]
}
