internal import PenstockBytes

/// What a file is, by the end of its name.
public enum ContentType {
    /// The media type of the file at a path.
    public static func of(path: String) -> StaticString {
        var path = path
        return path.withUTF8 { of(UnsafeRawBufferPointer($0)) }
    }

    /// The media type of a file, as `Content-Type` has it.
    ///
    /// - Parameter name: a file's name or path.
    /// - Returns: `application/octet-stream` for a name that says nothing.
    static func of(_ name: UnsafeRawBufferPointer) -> StaticString {
        var start = name.count
        while start > 0, name[start &- 1] != ASCII.dot, name[start &- 1] != ASCII.slash { start &-= 1 }
        guard start > 0, name[start &- 1] == ASCII.dot else { return unknown }
        let end = UnsafeRawBufferPointer(rebasing: name[start...])
        for entry in table where matches(end, entry.end) { return entry.type }
        return unknown
    }

    private static func matches(_ end: UnsafeRawBufferPointer, _ lowercased: StaticString) -> Bool {
        guard end.count == lowercased.utf8CodeUnitCount else { return false }
        for index in 0..<end.count where ASCII.lowercased(end[index]) != lowercased.utf8Start[index] { return false }
        return true
    }

    private static let unknown: StaticString = "application/octet-stream"

    /// The frequent ones first; texts are UTF-8, as everything here.
    private static let table: [(end: StaticString, type: StaticString)] = [
        ("html", "text/html; charset=utf-8"),
        ("js", "text/javascript; charset=utf-8"),
        ("css", "text/css; charset=utf-8"),
        ("png", "image/png"),
        ("jpg", "image/jpeg"),
        ("svg", "image/svg+xml"),
        ("json", "application/json"),
        ("woff2", "font/woff2"),
        ("webp", "image/webp"),
        ("ico", "image/x-icon"),
        ("txt", "text/plain; charset=utf-8"),
        ("mjs", "text/javascript; charset=utf-8"),
        ("map", "application/json"),
        ("gif", "image/gif"),
        ("jpeg", "image/jpeg"),
        ("avif", "image/avif"),
        ("apng", "image/apng"),
        ("bmp", "image/bmp"),
        ("tif", "image/tiff"),
        ("tiff", "image/tiff"),
        ("jxl", "image/jxl"),
        ("htm", "text/html; charset=utf-8"),
        ("xhtml", "application/xhtml+xml"),
        ("xml", "application/xml"),
        ("rss", "application/rss+xml"),
        ("atom", "application/atom+xml"),
        ("md", "text/markdown; charset=utf-8"),
        ("csv", "text/csv; charset=utf-8"),
        ("tsv", "text/tab-separated-values; charset=utf-8"),
        ("log", "text/plain; charset=utf-8"),
        ("ics", "text/calendar; charset=utf-8"),
        ("vcf", "text/vcard; charset=utf-8"),
        ("vtt", "text/vtt; charset=utf-8"),
        ("yaml", "application/yaml"),
        ("yml", "application/yaml"),
        ("toml", "application/toml"),
        ("jsonld", "application/ld+json"),
        ("geojson", "application/geo+json"),
        ("ndjson", "application/x-ndjson"),
        ("webmanifest", "application/manifest+json"),
        ("wasm", "application/wasm"),
        ("pdf", "application/pdf"),
        ("woff", "font/woff"),
        ("ttf", "font/ttf"),
        ("otf", "font/otf"),
        ("mp4", "video/mp4"),
        ("m4v", "video/mp4"),
        ("webm", "video/webm"),
        ("ogv", "video/ogg"),
        ("mov", "video/quicktime"),
        ("mpeg", "video/mpeg"),
        ("m3u8", "application/vnd.apple.mpegurl"),
        ("ts", "video/mp2t"),
        ("mp3", "audio/mpeg"),
        ("m4a", "audio/mp4"),
        ("aac", "audio/aac"),
        ("ogg", "audio/ogg"),
        ("oga", "audio/ogg"),
        ("opus", "audio/ogg"),
        ("wav", "audio/wav"),
        ("flac", "audio/flac"),
        ("zip", "application/zip"),
        ("gz", "application/gzip"),
        ("tgz", "application/gzip"),
        ("bz2", "application/x-bzip2"),
        ("xz", "application/x-xz"),
        ("zst", "application/zstd"),
        ("7z", "application/x-7z-compressed"),
        ("tar", "application/x-tar"),
        ("epub", "application/epub+zip"),
        ("rtf", "application/rtf"),
        ("doc", "application/msword"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("xls", "application/vnd.ms-excel"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("odt", "application/vnd.oasis.opendocument.text"),
        ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ]
}
