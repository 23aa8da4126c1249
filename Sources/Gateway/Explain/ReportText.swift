import PenstockConfiguration
import PenstockRouting

/// The report as a person reads it: blocks, in columns.
struct ReportText {
    private let report: RouteReport
    private var lines: [String] = []

    init(_ report: RouteReport) {
        self.report = report
        lines.append("\(report.method) \(report.path)")
        addOutcome()
        addStages()
        addTimers()
        addValues()
        addLosers()
        for upstream in report.upstreams { add(upstream) }
    }

    var text: String { lines.joined(separator: "\n") }

    private mutating func addOutcome() {
        var rows = [("host", report.host), ("listener", "\(report.listener.name) (\(report.listener.address))")]
        if let route = report.route {
            rows.append(("route", "\(route.name) (\(report.place(route.position)))"))
            rows += report.explanation.parameters.map { ("{\($0.name)}", $0.value) }
            rows.append(("target", route.target.summary))
        }
        if let answer = report.ownAnswer {
            rows.append(("answer", answer.text))
            if let page = report.page(for: answer.status) { rows.append(("page", page.source.summary)) }
        }
        add(rows.map { [$0.0, $0.1] })
    }

    private mutating func addStages() {
        guard !report.stages.isEmpty else { return }
        lines.append("stages, in order")
        add(report.stages.map { [$0.name, $0.effect] })
    }

    private mutating func addValues() {
        lines.append("values, and where they come from")
        add(
            report.settings.map { setting in
                let place = setting.position.map { "\(setting.level), \(report.place($0))" }
                return [setting.key, setting.value.isEmpty ? "\"\"" : setting.value, place ?? setting.level]
            }
        )
    }

    private mutating func addTimers() {
        guard !report.timers.isEmpty else { return }
        lines.append("timers, in the order in which they may fire")
        add(report.timers.map { [$0.span, $0.key, $0.value, $0.outcome] })
    }

    private mutating func addLosers() {
        guard !report.explanation.losers.isEmpty else { return }
        lines.append("why the nearest others lost")
        add(
            report.explanation.losers.map { loser in
                let route = report.configuration.routes[loser.route]
                let reasons = loser.reasons.map(\.description).joined(separator: "; ")
                return ["\(route.name) (\(report.place(route.position)))", reasons]
            }
        )
    }

    private mutating func add(_ upstream: UpstreamReport) {
        lines.append("upstream \(upstream.name), now")
        add(upstream.rows)
    }

    /// Rows with their columns aligned; the last column is as wide as it is.
    private mutating func add(_ rows: [[String]]) {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0.dropFirst(column).first?.count ?? 0 }.max() ?? 0 }
        for row in rows {
            var line = " "
            for (column, cell) in row.enumerated() {
                line += " " + cell
                if column < row.count - 1 {
                    line += String(repeating: " ", count: max(0, min(widths[column], 40) - cell.count) + 1)
                }
            }
            lines.append(line)
        }
    }
}

extension UpstreamReport {
    /// A row for each endpoint, then what holds for all.
    fileprivate var rows: [[String]] {
        var rows = endpoints.map { endpoint in
            let state = endpoint.reason.map { "\(endpoint.state.rawValue): \($0)" } ?? endpoint.state.rawValue
            let origin = endpoint.expires.map { "\(endpoint.origin) until \($0)" } ?? endpoint.origin
            let requests = endpoint.requests.map { ", \($0) requests now" } ?? ""
            return [endpoint.name, state, "weight \(endpoint.weight), \(origin)\(requests)"]
        }
        if rows.isEmpty { rows.append(["no endpoint", "requests get 503"]) }
        if let isBreakerOpen { rows.append(["breaker", isBreakerOpen ? "open" : "closed"]) }
        if let waiting { rows.append(["waiting", "\(waiting)"]) }
        return rows
    }
}
