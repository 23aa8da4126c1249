import PenstockBytes
import PenstockConfiguration
import Testing

@testable import PenstockGateway

/// `Cases/explain`: a request against its routes.yaml; the report for people; the report for programs.
@Suite("Explain")
struct RouteReportTests {
    private static let secret = "hunter2"

    private static let configuration: Configuration? = {
        let text = CaseFile.contents("\(CaseFile.root)/explain/routes.yaml")
        return Configuration.parse(text: text, Surroundings(environment: { $0 == "TOKEN" ? secret : nil }))
            .configuration
    }()

    @Test(arguments: CaseFile.all(in: "explain"))
    func `the reports are those of the case`(_ file: CaseFile) throws {
        let lines = file.parts[0].split(separator: "\n").map(String.init)
        let request = lines[0].split(separator: " ", maxSplits: 1).map(String.init)
        let marks = ["listener=", "client="]
        let marked = marks.map { mark in lines.first { $0.hasPrefix(mark) }.map { String($0.dropFirst(mark.count)) } }
        do {
            let report = try RouteReport(
                configuration: #require(Self.configuration),
                method: request[0],
                url: request[1],
                fields: lines.dropFirst().filter { line in !marks.contains(where: line.hasPrefix) },
                listener: marked[0],
                client: marked[1]
            )
            #expect(!report.text.contains(Self.secret))
            try file.expect([report.text, report.json])
        } catch let error as RouteReport.Failure {
            try file.expect(["\(error)"])
        }
    }

    @Test
    func `the report for programs is JSON`() throws {
        for file in CaseFile.all(in: "explain") where file.parts.count == 3 {
            #expect(try JSONValue(parsing: file.parts[2])["values"]?.array?.isEmpty == false)
        }
        #expect(CaseFile.all(in: "explain").count >= 12)
    }
}
