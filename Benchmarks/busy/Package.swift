// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "busy",
    dependencies: [.package(name: "penstock", path: "../..")],
    targets: [.executableTarget(name: "busy", dependencies: [.product(name: "Penstock", package: "penstock")])]
)
