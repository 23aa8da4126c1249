// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// A layer of the house: `Sources/<name>`, imported as `Penstock<name>` (bare names collide in a user's build).
func layer(
    _ name: String,
    _ dependencies: [Target.Dependency],
    resources: [Resource] = []
) -> Target {
    .target(
        name: "Penstock\(name)",
        dependencies: dependencies,
        path: "Sources/\(name)",
        resources: resources,
        swiftSettings: settings
    )
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: dependencies + ["TestSupport"],
        path: "Tests/\(name)Tests",
        exclude: exclude,
        swiftSettings: settings
    )
}

let package = Package(
    name: "penstock",
    products: [
        .executable(name: "penstock", targets: ["PenstockCommand"]),
        .library(name: "Penstock", targets: ["Penstock"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // L0: no knowledge of HTTP, sockets or configuration.
        .target(name: "CCares", path: "Sources/CCares", linkerSettings: [.linkedLibrary(":libcares.a")]),
        .target(name: "CLinux", path: "Sources/CLinux"),
        .target(name: "CSpawner", path: "Sources/CSpawner"),
        .systemLibrary(name: "CYAML", path: "Sources/CYAML", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CPCRE2", path: "Sources/CPCRE2", providers: [.apt(["libpcre2-dev"])]),
        layer("Bytes", []),
        layer("System", ["CLinux"]),

        // What a configuration writes and requests are matched with: the grammar of both (docs/decisions/008.md).
        layer("Patterns", ["PenstockBytes", "CPCRE2"]),

        // L1: these do not know each other.
        layer("HTTP", ["PenstockBytes", "PenstockPatterns"]),
        layer("Networking", ["PenstockBytes", "PenstockSystem", "CCares", "CLinux"]),
        layer("Configuration", ["PenstockBytes", "PenstockPatterns", "CYAML"]),
        layer(
            "Observability",
            ["PenstockBytes", "PenstockSystem", .product(name: "Logging", package: "swift-log")]
        ),

        // L2: sockets and codecs become connections and exchanges.
        layer(
            "Transport",
            ["PenstockBytes", "PenstockSystem", "PenstockHTTP", "PenstockNetworking", "PenstockObservability"]
        ),

        // L3: what answers an exchange.
        layer("Routing", ["PenstockBytes", "PenstockPatterns", "PenstockHTTP", "PenstockTransport"]),
        layer(
            "Handlers",
            ["PenstockBytes", "PenstockSystem", "PenstockHTTP", "PenstockNetworking", "PenstockTransport", "CLinux"]
        ),
        layer(
            "Filters",
            ["PenstockBytes", "PenstockSystem", "PenstockHTTP", "PenstockObservability", "PenstockTransport"]
        ),
        layer(
            "ReverseProxy",
            [
                "PenstockBytes", "PenstockSystem", "PenstockHTTP", "PenstockNetworking", "PenstockObservability",
                "PenstockTransport",
            ]
        ),
        layer(
            "Functions",
            [
                "PenstockBytes", "PenstockSystem", "PenstockHTTP", "PenstockNetworking", "PenstockObservability",
                "PenstockTransport", "CLinux", "CSpawner",
            ],
            resources: [.embedInCode("Runtime/Bootstrap")]
        ),

        // L4
        layer(
            "Admin",
            ["PenstockBytes", "PenstockHTTP", "PenstockNetworking", "PenstockObservability", "PenstockTransport"]
        ),

        // L5: assembly.
        layer(
            "Gateway",
            [
                "PenstockBytes", "PenstockSystem", "PenstockPatterns", "PenstockHTTP", "PenstockNetworking",
                "PenstockConfiguration", "PenstockObservability", "PenstockTransport", "PenstockRouting",
                "PenstockHandlers", "PenstockFilters", "PenstockReverseProxy", "PenstockFunctions", "PenstockAdmin",
                "CLinux",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "Penstock",
            dependencies: ["PenstockGateway", "PenstockFunctions", "PenstockConfiguration", "PenstockBytes"],
            path: "Sources/Penstock",
            swiftSettings: settings
        ),

        // L6
        .executableTarget(
            name: "PenstockCommand",
            dependencies: [
                "PenstockGateway", "PenstockConfiguration", "PenstockObservability", "PenstockRouting",
                "PenstockFunctions",
                "PenstockSystem", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Command",
            swiftSettings: settings
        ),

        .target(
            name: "TestSupport",
            dependencies: [
                "PenstockBytes", "PenstockSystem", "PenstockPatterns", "PenstockHTTP", "PenstockNetworking",
                "PenstockTransport", "CLinux",
            ],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
        tests("Bytes", ["PenstockBytes"]),
        tests("Patterns", ["PenstockPatterns"]),
        tests("Networking", ["PenstockNetworking", "PenstockSystem"]),
        tests("HTTP", ["PenstockHTTP", "PenstockBytes"], exclude: ["Cases"]),
        tests("Configuration", ["PenstockConfiguration", "PenstockPatterns"], exclude: ["Cases"]),
        tests(
            "Observability",
            [
                "PenstockObservability", "PenstockBytes", "PenstockSystem",
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Cases"]
        ),
        tests(
            "Transport",
            ["PenstockTransport", "PenstockHTTP", "PenstockNetworking", "PenstockBytes", "PenstockSystem"]
        ),
        tests(
            "Routing",
            ["PenstockRouting", "PenstockPatterns", "PenstockHTTP", "PenstockTransport", "PenstockBytes"],
            exclude: ["Cases"]
        ),
        tests(
            "Handlers",
            ["PenstockHandlers", "PenstockHTTP", "PenstockTransport", "PenstockBytes", "PenstockSystem"]
        ),
        tests("Filters", ["PenstockFilters", "PenstockHTTP", "PenstockTransport", "PenstockBytes"]),
        tests(
            "Functions",
            [
                "PenstockFunctions", "PenstockBytes", "PenstockSystem", "PenstockPatterns", "PenstockHTTP",
                "PenstockNetworking", "PenstockObservability", "PenstockTransport", "PenstockRouting", "CSpawner",
            ],
            exclude: ["Cases"]
        ),
        tests(
            "ReverseProxy",
            [
                "PenstockReverseProxy", "PenstockBytes", "PenstockHTTP", "PenstockNetworking",
                "PenstockObservability", "PenstockTransport",
            ]
        ),
        tests("Admin", ["PenstockAdmin", "PenstockBytes", "PenstockHTTP", "PenstockObservability"]),
        tests(
            "Gateway",
            [
                "PenstockGateway", "PenstockConfiguration", "PenstockObservability", "PenstockBytes", "PenstockHTTP",
                "PenstockPatterns", "PenstockFilters", "PenstockRouting",
            ],
            exclude: ["Cases"]
        ),
        tests("Penstock", ["Penstock"]),
        tests("EndToEnd", []),
    ],
    swiftLanguageModes: [.v6]
)
