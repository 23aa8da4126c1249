import PenstockBytes

/// What is read is written and read again alike, and what is written once is written so for ever.
func tryJSON(_ bytes: UnsafeRawBufferPointer) {
    let value: JSONValue
    do throws(JSONError) {
        value = try JSONValue(parsing: bytes, depth: 20)
    } catch {
        promise((0...bytes.count).contains(error.offset), "an error at byte \(error.offset) of \(bytes.count)")
        return
    }
    let text = value.jsonText
    do throws(JSONError) {
        let again = try JSONValue(parsing: text, depth: 20)
        promise(again == value, "\(text) is another value")
        promise(again.jsonText == text, "\(text) is written otherwise the second time")
    } catch {
        promise(false, "\(text) was written and cannot be read: \(error)")
    }
}
