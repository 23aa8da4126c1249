import Testing

@testable import PenstockFunctions

@Suite("Events in the pipe of an instance that ends")
struct UnreadEventTests {
    /// A function that answers with the event's `number` and notes each run as a byte of the file `runs`.
    enum Leaver: CaseIterable, Sendable {
        case python, node, lines

        /// It answers, takes no more from its pipe, and ends a while later.
        func afterAnswer(_ bench: FunctionBench) -> FunctionSettings {
            switch self {
            case .python:
                bench.python(
                    """
                    import os, threading, time
                    answered = threading.Event()
                    class Body(str):
                        def __del__(self):  # the bootstrap lets go of it when it has sent the answer
                            answered.set()
                            threading.Event().wait()
                    def leave():
                        answered.wait()
                        time.sleep(0.02)
                        os._exit(0)
                    def handler(event, context):
                        with open("runs", "a") as runs: runs.write("x")
                        threading.Thread(target=leave).start()
                        return {"statusCode": 200, "body": Body(event["number"])}
                    """
                )
            case .node:
                bench.node(
                    """
                    const pause = new Int32Array(new SharedArrayBuffer(4))
                    process.on('exit', () => Atomics.wait(pause, 0, 0, 20))
                    exports.handler = (event) => {
                      require('fs').appendFileSync('runs', 'x')
                      Promise.reject(new Error('late'))
                      return { statusCode: 200, body: String(event.number) }
                    }
                    """
                )
            case .lines:
                bench.command(
                    .jsonLines(
                        program: "/bin/sh",
                        arguments: [
                            "-c",
                            #"""
                            read -r line
                            printf x >> runs
                            line=${line#*:}
                            echo "{\"statusCode\":200,\"body\":\"${line%%,*}\"}"
                            sleep 0.02
                            """#,
                        ]
                    )
                )
            }
        }

        /// It notes the run, and ends.
        func whileItRuns(_ bench: FunctionBench) -> FunctionSettings {
            switch self {
            case .python:
                bench.python(
                    """
                    import os
                    def handler(event, context):
                        with open("runs", "a") as runs: runs.write("x")
                        os._exit(5)
                    """
                )
            case .node:
                bench.node("exports.handler = () => { require('fs').appendFileSync('runs', 'x'); process.exit(5) }")
            case .lines:
                bench.command(
                    .jsonLines(program: "/bin/sh", arguments: ["-c", "read -r line; printf x >> runs; exit 5"])
                )
            }
        }
    }

    /// With a filler of this size an event fits its pipe, nearly fills it, or is larger.
    private static let sizes = [0, 64_000, 300_000]

    @Test(arguments: Leaver.allCases, sizes)
    func `what it has not begun to read goes to another one, and runs once`(_ leaver: Leaver, _ size: Int) async throws
    {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = leaver.afterAnswer(bench)
        settings.maximum = 1
        let pool = bench.pool(settings)
        let filler = String(repeating: "y", count: size)
        for number in 0..<12 {
            let outcome = await bench.call(pool, "{\"number\":\(number),\"filler\":\"\(filler)\"}", on: number / 2 % 2)
            switch outcome {
            case .reply(let status, _, let body):
                #expect(status == 200 && String(decoding: body, as: UTF8.self) == "\(number)")
            case .result(let json): #expect(json == "{\"statusCode\":200,\"body\":\"\(number)\"}")
            case .failure(let error): Issue.record("event \(number): \(error.message)")
            }
        }
        #expect(bench.read("\(bench.folder)/runs").count == 12)
        #expect(pool.statistics.started >= 12)
    }

    @Test(arguments: Leaver.allCases)
    func `what it has read is run by no other one`(_ leaver: Leaver) async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        let pool = bench.pool(leaver.whileItRuns(bench))
        for _ in 0..<5 { #expect(await bench.call(pool).error?.message.hasSuffix("exit status 5") == true) }
        #expect(bench.read("\(bench.folder)/runs") == "xxxxx")
    }

    @Test
    func `one that nobody waits for any more goes to no other one`() async throws {
        let bench = try FunctionBench()
        defer { bench.end() }
        var settings = Leaver.python.afterAnswer(bench)
        settings.maximum = 1
        let pool = bench.pool(settings)
        #expect(await bench.call(pool, #"{"number":1}"#).body == "1")
        #expect(await bench.call(pool, #"{"number":2}"#, cancelled: true).error?.kind == .abandoned)
        #expect(await bench.call(pool, #"{"number":3}"#).body == "3")
        #expect(bench.read("\(bench.folder)/runs") == "xx")
    }
}
