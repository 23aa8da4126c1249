// swift-tools-version: 6.2
import PackageDescription

// A package of its own: every part of it and of the gateway is built with the fuzzer's counters (Fuzz/run).
let package = Package(
    name: "Fuzz",
    products: [
        // SwiftPM cannot link a fuzzer: clang does, from this library.
        .library(name: "Fuzz", type: .dynamic, targets: ["Fuzz"])
    ],
    dependencies: [.package(name: "penstock", path: "..")],
    targets: [
        .target(
            name: "Fuzz",
            dependencies: [.product(name: "Penstock", package: "penstock")],
            swiftSettings: [.enableUpcomingFeature("ExistentialAny"), .treatAllWarnings(as: .error)]
        )
    ],
    swiftLanguageModes: [.v6]
)
