import PenstockConfiguration

extension RouteReport {
    /// The pages for errors, those of the route first.
    var errorPages: [Configuration.ErrorPage] { (route?.errorPages ?? []) + configuration.errorPages }

    /// The page that a client reads beside a status of the gateway's own.
    func page(for status: Int) -> Configuration.ErrorPage? {
        errorPages.first { page in page.statuses.contains { $0.value.range.contains(status) } }
    }
}

extension Configuration.ErrorPage {
    /// `404, 500-599: public/sorry.html`.
    var summary: String {
        let statuses = statuses.map { "\($0)" }.joined(separator: ", ")
        return "\(statuses): \(source.summary)" + (intercepts ? ", answers of targets too" : "")
    }
}

extension Configuration.ErrorPage.Source {
    /// A path, or that it is written in the configuration.
    var summary: String {
        switch self {
        case .file(let path, _): path.value
        case .text: "a text"
        }
    }
}
