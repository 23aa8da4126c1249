/// The version of this gateway.
public enum GatewayVersion {
    /// Major, minor, patch (semver.org).
    public static let current = "0.1.0"
}
