import Dispatch
import PenstockNetworking
import Testing

@Suite("Blocking calls")
struct BlockingCallTests {
    @Test func `a result is waited for`() {
        #expect(BlockingCall.run(unless: { false }) { 7 } == 7)
    }

    @Test func `who is interrupted does not wait for the end`() {
        let end = DispatchSemaphore(value: 0)
        var asked = 0
        let result: Int? = BlockingCall.run(
            unless: {
                asked += 1
                return asked == 3
            }
        ) {
            end.wait()
            return 7
        }
        #expect(result == nil)
        #expect(asked == 3)
        end.signal()
    }
}
