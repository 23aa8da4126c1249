// swift-tools-version: 6.2
import PackageDescription

// A package of its own over links to layers, so that a build of the gateway does not build it.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func layer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: "Penstock\(name)", dependencies: dependencies, path: "Sources/\(name)", swiftSettings: settings)
}

let package = Package(
    name: "codec",
    dependencies: [.package(url: "https://github.com/apple/swift-log", from: "1.16.2")],
    targets: [
        .target(name: "CCares", path: "Sources/CCares", linkerSettings: [.linkedLibrary(":libcares.a")]),
        .target(name: "CLinux", path: "Sources/CLinux"),
        .systemLibrary(name: "CPCRE2", path: "Sources/CPCRE2"),
        layer("Bytes", []),
        layer("System", ["CLinux"]),
        layer("Patterns", ["PenstockBytes", "CPCRE2"]),
        layer("HTTP", ["PenstockBytes", "PenstockPatterns"]),
        layer("Networking", ["PenstockBytes", "PenstockSystem", "CCares", "CLinux"]),
        layer("Observability", ["PenstockBytes", "PenstockSystem", .product(name: "Logging", package: "swift-log")]),
        layer(
            "Transport",
            ["PenstockBytes", "PenstockSystem", "PenstockHTTP", "PenstockNetworking", "PenstockObservability"]
        ),
        .target(name: "Measure", path: "Sources/measure", swiftSettings: settings),
        .executableTarget(
            name: "codec",
            dependencies: ["PenstockHTTP", "PenstockBytes", "Measure"],
            path: "Sources/codec",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "exchange",
            dependencies: [
                "PenstockBytes", "PenstockSystem", "PenstockHTTP", "PenstockNetworking", "PenstockObservability",
                "PenstockTransport", "Measure",
            ],
            path: "Sources/exchange",
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
