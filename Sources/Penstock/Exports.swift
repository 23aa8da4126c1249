@_exported public import struct PenstockBytes.JSONError
@_exported public import struct PenstockBytes.JSONObject
// What a program needs beside `Gateway`, so that `import Penstock` is enough.
@_exported public import enum PenstockBytes.JSONValue
@_exported public import struct PenstockFunctions.Context
@_exported public import struct PenstockFunctions.Event
@_exported public import struct PenstockFunctions.FunctionError
@_exported public import struct PenstockFunctions.Response
@_exported public import struct PenstockFunctions.SwiftFunction
