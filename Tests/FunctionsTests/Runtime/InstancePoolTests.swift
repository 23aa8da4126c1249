import Glibc
import PenstockSystem
import TestSupport
import Testing

@testable import PenstockFunctions

@Suite("Leases, queue and life of a function's instances")
struct InstancePoolTests {
    private static let sleeper = """
        import os, time
        def handler(event, context):
            if "until" in event:
                open(f"begun.{os.getpid()}", "w").close()
                while not os.path.exists(event["until"]): time.sleep(0.005)
            time.sleep(event.get("seconds", 0))
            return str(os.getpid())
        """

    @Test
    func `calls that find no idle instance start one, up to the maximum`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(Self.sleeper)
        settings.maximum = 3
        let pool = bench.pool(settings)
        let outcomes = await bench.callAll(pool, count: 12, #"{"seconds": 0.05}"#)
        #expect(outcomes.allSatisfy { $0.status == 200 })
        #expect(Set(outcomes.map(\.body)).count <= 3)
        #expect(pool.statistics.alive <= 3 && pool.statistics.waiting == 0)
        await eventually("all are idle") { pool.statistics.alive == pool.statistics.idle }
    }

    @Test
    func `more than queue.length do not wait`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(Self.sleeper)
        settings.maximum = 1
        settings.queueLength = 2
        let pool = bench.pool(settings)
        _ = await bench.call(pool)
        async let first = bench.callAll(pool, count: 3, #"{"until": "go"}"#)
        await eventually("two wait") { pool.statistics.waiting == 2 }
        let refused = await bench.callAll(pool, count: 5, "{}")
        #expect(refused.allSatisfy { $0.error?.kind == .queueFull })
        _ = bench.write("go", "")
        #expect(await first.allSatisfy { $0.status == 200 })
    }

    @Test
    func `who waits longer than queue.wait is told so, a start excepted`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python("import time; time.sleep(0.4)\n" + Self.sleeper)
        settings.maximum = 1
        settings.queueWait = 100_000_000
        let pool = bench.pool(settings)
        #expect(await bench.call(pool).status == 200)
        async let running = bench.call(pool, #"{"until": "go"}"#)
        await eventually("it runs") { pool.statistics.idle == 0 }
        #expect(await bench.call(pool, on: 1).error?.kind == .queueTimeout)
        _ = bench.write("go", "")
        #expect(await running.status == 200)
    }

    @Test
    func `an idle instance serves every loop`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(bench.python(Self.sleeper))
        var pids: Set<String?> = []
        for number in 0..<40 { pids.insert(await bench.call(pool, on: number / 3 % 2).body) }
        #expect(pids.count == 1)
        #expect(pool.statistics.started == 1)
    }

    @Test
    func `two loops share one instance under load, and nobody is forgotten`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(Self.sleeper)
        settings.maximum = 1
        settings.queueLength = 1000
        let pool = bench.pool(settings)
        let outcomes = await bench.callAll(pool, count: 600, "{}")
        #expect(outcomes.allSatisfy { $0.status == 200 })
        #expect(Set(outcomes.map(\.body)).count == 1)
    }

    @Test
    func `the minimum is there before anybody asks, and stays`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(Self.sleeper)
        settings.minimum = 2
        settings.idle = 100_000_000
        let pool = bench.pool(settings)
        pool.begin()
        await eventually("two are ready") { pool.statistics.ready == 2 }
        _ = await bench.callAll(pool, count: 5, #"{"seconds": 0.1}"#)
        await eventually("the others have gone") { pool.statistics.alive == 2 && pool.statistics.idle == 2 }
        let pid = try #require(await bench.call(pool).body.flatMap { Int32($0) })
        kill(pid, SIGKILL)
        await eventually("the dead one is replaced") { pool.statistics.ready == 2 && !isRunning(pid) }
    }

    @Test
    func `idle instances end when their time is over`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(Self.sleeper)
        settings.idle = 50_000_000
        let pool = bench.pool(settings)
        _ = await bench.callAll(pool, count: 4, #"{"seconds": 0.05}"#)
        await eventually("none is left") { pool.statistics.alive == 0 }
        #expect(await bench.call(pool).status == 200)
    }

    @Test
    func `instances killed under load fail only what ran on them`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(Self.sleeper)
        settings.maximum = 2
        settings.queueLength = 1000
        let pool = bench.pool(settings)
        let pid = try #require(await bench.call(pool).body.flatMap { Int32($0) })
        async let outcomes = bench.callAll(pool, count: 300, #"{"until": "go"}"#)
        await eventually("it runs one, and most wait") {
            pool.statistics.waiting == 298 && bench.files().contains("begun.\(pid)")
        }
        kill(pid, SIGKILL)
        _ = bench.write("go", "")
        let failed = await outcomes.compactMap(\.error)
        #expect(failed.count == 1)
        #expect(failed.allSatisfy { $0.kind == .exited && $0.message.hasSuffix("signal: killed") })
    }

    @Test
    func `an instance that died while it was idle fails nobody`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(bench.python(Self.sleeper))
        for _ in 0..<10 {
            let pid = try #require(await bench.call(pool).body.flatMap { Int32($0) })
            kill(pid, SIGKILL)
            await eventually("it is dead") { !isRunning(pid) }
            #expect(await bench.call(pool, on: 1).status == 200)
        }
    }

    @Test
    func `when the spawner is killed its instances end, and another one goes on`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let start = "import subprocess\nc = subprocess.Popen(['/bin/sleep', '1000'], start_new_session=True)\n"
        let pool = bench.pool(bench.python(start + "open('child', 'w').write(str(c.pid))\n" + Self.sleeper))
        let pid = try #require(await bench.call(pool).body.flatMap { Int32($0) })
        async let interrupted = bench.call(pool, #"{"seconds": 30}"#)
        await eventually("it runs") { pool.statistics.idle == 0 }
        let spawner = try #require(parent(of: pid))
        #expect(TemporaryFolder.contents("/proc/\(spawner)/comm") == "penstock-spawn\n")
        kill(spawner, SIGKILL)
        #expect(await interrupted.error?.kind == .exited)
        let child = try #require(Int32(TemporaryFolder.contents("\(bench.folder)/child")))
        await eventually("the instance is dead") { !isRunning(pid) }
        await eventually("what it started is dead") { !isRunning(child) }
        await eventually("a new one answers") { await bench.call(pool).status == 200 }
    }

    @Test
    func `nothing is left when the spawner is closed`() async throws {
        let bench = try FunctionBench()
        let pool = bench.pool(bench.python(Self.sleeper))
        let pids = await bench.callAll(pool, count: 4, #"{"seconds": 0.1}"#).compactMap {
            $0.body.flatMap { Int32($0) }
        }
        bench.end()
        #expect(!pids.isEmpty && pids.allSatisfy { !isRunning($0) })
    }

    @Test
    func `a retired pool serves who waits, then ends its instances`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(Self.sleeper)
        settings.maximum = 1
        settings.minimum = 1
        let pool = bench.pool(settings)
        _ = await bench.call(pool)
        async let outcomes = bench.callAll(pool, count: 6, #"{"until": "go"}"#)
        await eventually("the others wait") { pool.statistics.waiting == 5 }
        pool.retire()
        _ = bench.write("go", "")
        #expect(await outcomes.allSatisfy { $0.status == 200 })
        await eventually("none is left") { pool.statistics.alive == 0 }
    }

    @Test
    func `what nobody waits for any more leaves the queue, and what runs goes on`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(Self.sleeper)
        settings.maximum = 1
        let pool = bench.pool(settings)
        let pid = await bench.call(pool).body
        let outcomes = await bench.callThenCancel(pool, [#"{"until": "go"}"#, "{}"])
        #expect(outcomes[0].body == pid)
        #expect(outcomes[1].error?.kind == .abandoned)
        #expect(await bench.call(pool).body == pid)
    }

    @Test
    func `the minimum stays while others take their time to end`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python("import atexit, time\natexit.register(time.sleep, 0.5)\n" + Self.sleeper)
        settings.minimum = 1
        settings.idle = 50_000_000
        let pool = bench.pool(settings)
        let pids = Set(await bench.callAll(pool, count: 3, #"{"seconds": 0.3}"#).map(\.body))
        let started = pool.statistics.started
        #expect(pids.count > 1)
        await eventually("one is left") { pool.statistics.alive == 1 }
        #expect(pool.statistics.started == started)
        #expect(pids.contains(await bench.call(pool).body))
    }

    @Test
    func `ids of events cannot be guessed`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        // The bootstrap's own variable.
        let text = "import sys\ndef handler(event, context): return str(sys._getframe(1).f_locals['id'])"
        var ids: Set<UInt64> = []
        for _ in 0..<2 {
            let outcome = await bench.call(bench.pool(bench.python(text)))
            ids.insert(try #require(outcome.body.flatMap { UInt64($0) }))
        }
        #expect(ids.count == 2 && ids.allSatisfy { $0 > 1 << 32 }, "\(ids)")
    }

    @Test(arguments: [
        ("import time\ntime.sleep(0.1)\ndef handler(event, context): return 'x'", nil),
        ("raise RuntimeError('broken')", "RuntimeError"),
    ])
    func `a pool can be tried out before anybody asks`(_ text: String, _ error: String?) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(bench.python(text))
        pool.tryOut()
        await eventually("it has come to an end") { if case .running = pool.trial { false } else { true } }
        switch pool.trial {
        case .running: Issue.record("still running")
        case .ready: #expect(error == nil && pool.statistics.idle == 1)
        case .failed(let failure): #expect(failure.type == error)
        }
    }

    @Test
    func `while descriptors are out nothing crashes, few attempts are made, and then it goes on`() async {
        // In a process of its own: its descriptors are used up.
        await #expect(processExitsWith: .success) { try await InstancePoolTests.starve() }
    }

    private static func starve() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(Self.sleeper)
        settings.queueWait = 50_000_000
        var limit = rlimit(rlim_cur: 256, rlim_max: 256)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        var taken: [Int32] = []
        var answers = 0
        for free in 0...10 {
            // One more is free each time: everything that needs one is the first to fail once.
            while case let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC), descriptor >= 0 {
                taken.append(descriptor)
            }
            for _ in 0..<free { if let descriptor = taken.popLast() { close(descriptor) } }
            let pool = bench.pool(settings)
            if await bench.call(pool).status == 200 { answers += 1 }
            pool.retire()
            await eventually("none is left") { pool.statistics.alive == 0 }
        }
        #expect((1...9).contains(answers))
        settings.queueWait = 1_500_000_000
        let pool = bench.pool(settings)
        while case let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC), descriptor >= 0 {
            taken.append(descriptor)
        }
        #expect(await bench.call(pool).error?.kind == .queueTimeout)
        #expect((2...9).contains(pool.statistics.started), "\(pool.statistics.started)")
        for descriptor in taken { close(descriptor) }
        await eventually("it goes on") { await bench.call(pool).status == 200 }
    }

    @Test
    func `no descriptor is left behind`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(bench.python(Self.sleeper))
        _ = await bench.call(pool)
        let instance = try #require(await bench.call(pool).body.flatMap { Int32($0) })
        #expect(descriptors(of: instance) == ["/dev/null", "pipe", "pipe", "pipe", "pipe"])
    }

    @Test
    func `whatever happens, every call has one outcome, and nothing is left`() async {
        // In a process of its own: its descriptors are counted.
        await #expect(processExitsWith: .success) { try await InstancePoolTests.shake() }
    }

    private static func shake() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = bench.python(
            """
            import os, sys, time
            def handler(event, context):
                kind = event["kind"]
                if kind == 1: os._exit(1)
                if kind == 2: time.sleep(0.003)
                if kind == 3: raise ValueError("3")
                if kind == 4: print("x" * 70000)
                if kind == 5: return "y" * 300000
                return str(os.getpid())
            """
        )
        settings.maximum = 3
        settings.idle = 30_000_000
        settings.queueLength = 1000
        let pool = bench.pool(settings)
        _ = await bench.call(pool, #"{"kind": 0}"#)
        let before = openDescriptors()
        for round in 0..<6 {
            let wrong = await withTaskGroup(of: Outcome?.self) { tasks in
                for number in 0..<120 {
                    let kind = Int.random(in: 0...(round % 2 == 0 ? 5 : 1))
                    let isCancelled = number % 17 == 0
                    tasks.addTask {
                        let event = #"{"kind": \#(kind)}"#
                        let outcome = await bench.call(pool, event, on: number % 2, cancelled: isCancelled)
                        if isCancelled, outcome.error?.kind == .abandoned { return nil }
                        return isExpected(outcome, of: kind) ? nil : outcome
                    }
                }
                return await tasks.reduce(into: [Outcome]()) { if let outcome = $1 { $0.append(outcome) } }
            }
            // The one that is killed below may be given an event before it is dead.
            #expect(wrong.count <= (round == 0 ? 0 : 1))
            #expect(wrong.allSatisfy { $0.error?.message.hasSuffix("signal: killed") == true })
            if let pid = await bench.call(pool, #"{"kind": 0}"#).body.flatMap({ Int32($0) }) { kill(pid, SIGKILL) }
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...60)))
        }
        await eventually("nobody waits") { pool.statistics.waiting == 0 && pool.statistics.starting == 0 }
        pool.retire()
        await eventually("none is left") { pool.statistics.alive == 0 }
        await eventually("no descriptor is left") { openDescriptors() <= before }
    }

    private static func isExpected(_ outcome: Outcome, of kind: Int) -> Bool {
        switch kind {
        case 1: outcome.error?.message.hasSuffix("exit status 1") == true
        case 3: outcome.error?.type == "ValueError"
        case 5: outcome.status == 200 && outcome.body?.utf8.count == 300_000
        default: outcome.status == 200 && outcome.body.flatMap { Int32($0) } != nil
        }
    }

    private static func openDescriptors() -> Int {
        (0..<4096).filter { fcntl($0, F_GETFD) >= 0 }.count
    }

    private func parent(of pid: Int32) -> Int32? {
        let status = TemporaryFolder.contents("/proc/\(pid)/status")
        let line = status.split(separator: "\n").first { $0.hasPrefix("PPid:") }
        return line.flatMap { Int32($0.dropFirst(5).drop { $0 == "\t" }) }
    }

    private func descriptors(of pid: Int32) -> [String] {
        var found: [String] = []
        for number in 0..<1024 {
            var bytes = [CChar](repeating: 0, count: 256)
            let count = readlink("/proc/\(pid)/fd/\(number)", &bytes, 255)
            guard count > 0 else { continue }
            let text = String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            found.append(String(text.prefix { $0 != ":" }))
        }
        return found.sorted()
    }
}
