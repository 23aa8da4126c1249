// swift-tools-version: 6.2
import PackageDescription

// A package of its own over links to three layers, so that a build of the gateway does not build it.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "codec",
    targets: [
        .target(name: "PenstockBytes", path: "Sources/Bytes", swiftSettings: settings),
        .target(
            name: "PenstockPatterns",
            dependencies: ["PenstockBytes"],
            path: "Sources/Patterns",
            swiftSettings: settings
        ),
        .target(
            name: "PenstockHTTP",
            dependencies: ["PenstockBytes", "PenstockPatterns"],
            path: "Sources/HTTP",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "codec",
            dependencies: ["PenstockHTTP", "PenstockBytes"],
            path: "Sources/codec",
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
