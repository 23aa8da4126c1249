import TestSupport
import Testing

@testable import PenstockGateway

@Suite("Processor count")
struct ProcessorCountTests {
    /// The cgroup, what `cpu.max` says in each folder, and the cores.
    struct Row: Sendable {
        let groups: String
        let limits: [String: String]
        let cores: Int?
    }

    @Test(arguments: [
        Row(groups: "0::/\n", limits: [:], cores: nil),
        Row(groups: "0::/\n", limits: ["": "max 100000\n"], cores: nil),
        Row(groups: "0::/\n", limits: ["": "100000 100000\n"], cores: 1),
        Row(groups: "0::/\n", limits: ["": "150000 100000\n"], cores: 2),
        Row(groups: "0::/\n", limits: ["": "5000 100000\n"], cores: 1),
        Row(groups: "0::/a/b\n", limits: ["a/": "400000 100000\n", "a/b/": "max 100000\n"], cores: 4),
        Row(groups: "0::/a/b\n", limits: ["a/": "400000 100000\n", "a/b/": "200000 100000\n"], cores: 2),
        Row(groups: "1:cpu:/\n0::/a\n", limits: ["a/": "300000 100000\n", "b/": "100000 100000\n"], cores: 3),
        Row(groups: "1:cpu:/\n", limits: ["": "100000 100000\n"], cores: nil),
        Row(groups: "0::/\n", limits: ["": "nonsense\n"], cores: nil),
    ])
    func `a cgroup's limit of processor time limits the cores`(_ row: Row) throws {
        let root = try TemporaryFolder()
        for (folder, text) in row.limits { try root.write(folder + "cpu.max", text) }
        #expect(ProcessorCount.quota(groups: row.groups, root: root.path) == row.cores)
    }

    @Test func `there is one core at least`() { #expect(ProcessorCount.usable >= 1) }
}
