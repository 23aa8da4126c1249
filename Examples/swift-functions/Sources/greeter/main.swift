import Penstock

/// What a client orders.
struct Order: Decodable {
    var item: String
    var count: Int
}

/// What it is told.
struct Receipt: Encodable {
    var text: String
    var requestID: String
}

try Gateway.run(
    configuration: "routes.yaml",
    functions: [
        // On a pool of threads: it may block.
        "greet": .init { event in .init(statusCode: 200, body: "Hello, \(event.body ?? "")") },

        // At once, on the loop that has the connection: for a few microseconds of work.
        "fast": .init(blocking: false) { event in .init(body: event.pathParameters["id"] ?? "") },

        // JSON in, JSON out; a client's mistake is answered, anything else that is thrown is 502 and a line in the log.
        "order": .init { event, context in
            guard let order = try? event.decode(Order.self) else {
                return try .json(["message": "an order has an item and a count"], statusCode: 400)
            }
            context.log("ordered \(order.count) x \(order.item)")
            return try .json(
                Receipt(text: "\(order.count) x \(order.item)", requestID: context.awsRequestID),
                statusCode: 201
            )
        },

        // As a task.
        "later": .init { event, context in
            try await Task.sleep(for: .milliseconds(50))
            return .init(body: "\(event.rawPath) at last, with \(context.remainingTime) to go\n")
        },
    ]
)
