public import PenstockBytes
import Synchronization

/// The counters of one gateway, by name and labels.
///
/// Loops ask for handles when their tables are built, or when a series first occurs, and keep them; asking takes a
/// lock, bumping does not. The same name and labels give the same cells again, so counts outlive a reload. Every loop
/// writes a share of its own (a *shard*), in memory that no other loop writes.
public final class MetricsRegistry: Sendable {
    private let state = Mutex(State())

    /// Makes a registry that knows `families`, which are shown even while they have no series.
    public init(families: [MetricFamily] = MetricFamily.all) {
        state.withLock { state in
            for family in families { state.declare(family) }
        }
    }

    /// The handle of one series for one writer.
    ///
    /// - Parameters:
    ///   - family: a counter.
    ///   - values: the values of its labels, in their order.
    ///   - shard: which writer asks, counted from 0; never two at a time with the same.
    /// - Returns: a handle that may be kept for ever.
    public func counter(_ family: MetricFamily, _ values: [String] = [], shard: Int = 0) -> Counter {
        precondition(family.kind == .counter, "\(family.name) is no counter")
        return Counter(cell: cells(family, values, shard).pointer)
    }

    /// The handle of one series for one writer, as ``counter(_:_:shard:)``.
    public func gauge(_ family: MetricFamily, _ values: [String] = [], shard: Int = 0) -> Gauge {
        precondition(family.kind == .gauge, "\(family.name) is no gauge")
        return Gauge(cell: cells(family, values, shard).pointer)
    }

    /// The handle of one series for one writer, as ``counter(_:_:shard:)``.
    public func histogram(_ family: MetricFamily, _ values: [String] = [], shard: Int = 0) -> Histogram {
        precondition(family.kind == .histogram, "\(family.name) is no histogram")
        let (cells, bounds) = state.withLock { state in
            (state.cells(family, values, shard), state.bounds(family))
        }
        return Histogram(cells: cells.pointer, bounds: bounds.pointer, boundCount: family.bounds.count)
    }

    /// Makes these the only series of a gauge: for what is looked at as a whole, and whose labels come and go.
    ///
    /// - Parameters:
    ///   - family: a gauge that nobody asks handles of.
    ///   - series: the values of its labels, and its value.
    public func replace(_ family: MetricFamily, _ series: [(values: [String], value: Int)]) {
        precondition(family.kind == .gauge, "\(family.name) is no gauge")
        state.withLock { state in
            state.keep(Set(series.map(\.values)), of: family)
            for one in series { Gauge(cell: state.cells(family, one.values, 0).pointer).set(one.value) }
        }
    }

    /// The sum of a counter's or gauge's shares; the number of observations of a histogram.
    public func value(_ family: MetricFamily, _ values: [String] = []) -> Int {
        let sums = state.withLock { $0.sums(family, values) }
        return family.kind == .histogram ? sums.dropLast().reduce(0, +) : sums.first ?? 0
    }

    /// Appends everything in Prometheus' text format 0.0.4, series in the order of their labels.
    public func write(to buffer: inout ByteBuffer) {
        ProcessMetrics.update(self)
        let snapshot = state.withLock { $0.snapshot() }
        var text = PrometheusText()
        for family in snapshot { text.write(family, to: &buffer) }
    }

    private func cells(_ family: MetricFamily, _ values: [String], _ shard: Int) -> Cells {
        state.withLock { $0.cells(family, values, shard) }
    }
}

/// The memory that handles point into, which outlives every registry: a handle is good for as long as the program runs.
private let immortal = Mutex<[UInt]>([])

/// What was counted of a family when it was read.
struct FamilySnapshot: Sendable {
    let family: MetricFamily

    /// Label values, and the sum of every cell over the shards.
    let series: [(values: [String], sums: [Int])]
}

/// The start of a run of cells.
private struct Cells: @unchecked Sendable {  // atomic cells that live for ever
    let pointer: UnsafeMutablePointer<Atomic<Int>>
}

private struct Bounds: @unchecked Sendable {  // written once, and lives for ever
    let pointer: UnsafePointer<Int>
}

private struct State {
    private struct Family {
        let declaration: MetricFamily
        let bounds: Bounds
        var series: [[String]: [Cells?]] = [:]

        /// Cells of the first shard that no series has any more.
        var spare: [Cells] = []
    }

    private var families: [String: Family] = [:]
    private var order: [String] = []
    private var arenas: [CellArena] = []

    @discardableResult mutating func declare(_ family: MetricFamily) -> String {
        guard families[family.name] == nil else { return family.name }
        let bounds = UnsafeMutablePointer<Int>.allocate(capacity: max(1, family.bounds.count))
        immortal.withLock { $0.append(UInt(bitPattern: bounds)) }
        for (index, bound) in family.bounds.enumerated() { (bounds + index).initialize(to: bound) }
        families[family.name] = Family(declaration: family, bounds: Bounds(pointer: bounds))
        order.append(family.name)
        return family.name
    }

    mutating func cells(_ family: MetricFamily, _ values: [String], _ shard: Int) -> Cells {
        precondition(values.count == family.labels.count, "\(family.name) has the labels \(family.labels)")
        let name = declare(family)
        var shards = families[name]?.series[values] ?? []
        if shard < shards.count, let cells = shards[shard] { return cells }
        while shards.count <= shard { shards.append(nil) }
        while arenas.count <= shard { arenas.append(CellArena()) }
        let spare = shard == 0 ? families[name]?.spare.popLast() : nil
        let cells = spare ?? Cells(pointer: arenas[shard].take(family.cellCount))
        shards[shard] = cells
        families[name]?.series[values] = shards
        return cells
    }

    /// Forgets every other series; their cells wait for those that come back.
    mutating func keep(_ values: Set<[String]>, of family: MetricFamily) {
        let name = declare(family)
        for (gone, cells) in families[name]?.series ?? [:] where !values.contains(gone) {
            families[name]?.series[gone] = nil
            if let cells = cells.first ?? nil { families[name]?.spare.append(cells) }
        }
    }

    mutating func bounds(_ family: MetricFamily) -> Bounds {
        let name = declare(family)
        guard let bounds = families[name]?.bounds else { preconditionFailure("declared above") }
        return bounds
    }

    func sums(_ family: MetricFamily, _ values: [String]) -> [Int] {
        sums(families[family.name]?.series[values] ?? [], count: family.cellCount)
    }

    func snapshot() -> [FamilySnapshot] {
        order.compactMap { name in
            guard let family = families[name] else { return nil }
            let series = family.series.map {
                (values: $0.key, sums: sums($0.value, count: family.declaration.cellCount))
            }
            return FamilySnapshot(
                family: family.declaration,
                series: series.sorted { $0.values.lexicographicallyPrecedes($1.values) }
            )
        }
    }

    private func sums(_ shards: [Cells?], count: Int) -> [Int] {
        var sums = [Int](repeating: 0, count: count)
        for case let cells? in shards {
            for index in 0..<count { sums[index] &+= cells.pointer[index].load(ordering: .relaxed) }
        }
        return sums
    }
}

extension MetricFamily {
    /// How many cells a series has in each shard.
    fileprivate var cellCount: Int { kind == .histogram ? bounds.count + 2 : 1 }
}

/// The cells of one writer, packed together and apart from every other writer's: two loops never write the same line
/// of the processor's cache.
private struct CellArena {
    private static let blockCells = 512
    private var block: UnsafeMutablePointer<Atomic<Int>>?
    private var used = 0
    private var size = 0

    /// Takes `count` cells in a row, all zero; they are never given back.
    mutating func take(_ count: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        if let block, used + count <= size {
            defer { used += count }
            return block + used
        }
        size = max(Self.blockCells, count)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size * 8, alignment: 128)
        let fresh = memory.bindMemory(to: Atomic<Int>.self, capacity: size)
        for index in 0..<size { (fresh + index).initialize(to: Atomic(0)) }
        immortal.withLock { $0.append(UInt(bitPattern: memory)) }
        block = fresh
        used = count
        return fresh
    }
}
