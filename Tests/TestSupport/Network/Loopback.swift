internal import Glibc

/// The address of this machine that gateways under test listen on: 127.0.0.1, or ::1 where `PENSTOCK_TEST_IPV6` is set.
///
/// A test that is about one address writes it down itself.
public enum Loopback {
    private static let isIPv6 = getenv("PENSTOCK_TEST_IPV6") != nil

    /// As fields and logs have it.
    public static let address = isIPv6 ? "::1" : "127.0.0.1"

    /// As it stands in a URL.
    public static let host = isIPv6 ? "[::1]" : "127.0.0.1"

    /// One of its ports.
    public static func port(_ port: UInt16) -> TestAddress {
        isIPv6 ? .ipv6(address, port) : .ipv4(address, port)
    }

    /// As a listener is configured, on a port that the kernel chooses.
    public static let listener = "\(host):0"
}
