// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "greeter",
    dependencies: [
        .package(url: "https://github.com/penstock-gateway/penstock", from: "0.1.0")
    ],
    targets: [
        .executableTarget(name: "greeter", dependencies: [.product(name: "Penstock", package: "penstock")])
    ]
)
