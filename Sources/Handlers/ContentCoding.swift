internal import PenstockHTTP

/// A coding that a file may be there in beside itself, as `style.css.br` and `style.css.gz` are.
enum ContentCoding {
    case brotli, gzip

    /// As `Content-Encoding` has it.
    var name: StaticString {
        switch self {
        case .brotli: "br"
        case .gzip: "gzip"
        }
    }

    /// What the file's name ends in.
    var suffix: StaticString {
        switch self {
        case .brotli: ".br"
        case .gzip: ".gz"
        }
    }

    /// What a client takes, the one that it would rather have first.
    struct Preferences {
        let first: ContentCoding?
        let second: ContentCoding?

        /// Judges a request (RFC 9110 §12.5.3): of two that are wanted alike brotli is first, which is smaller.
        init(_ fields: FieldBlock) {
            guard fields.present.has(.acceptEncoding) else {
                first = nil
                second = nil
                return
            }
            // Where a client names `identity`, a coding has to be wanted as much.
            let least = max(1, AcceptEncoding.quality(of: "identity", in: fields, wildcard: false) ?? 0)
            let brotli = AcceptEncoding.quality(of: "br", in: fields) ?? 0
            // `x-gzip` is its older name (RFC 9110 §8.4.1.3).
            let gzip =
                AcceptEncoding.quality(of: "gzip", in: fields)
                ?? AcceptEncoding.quality(of: "x-gzip", in: fields, wildcard: false) ?? 0
            let takesBoth = brotli >= least && gzip >= least
            if gzip > brotli {
                first = gzip >= least ? .gzip : nil
                second = takesBoth ? .brotli : nil
            } else {
                first = brotli >= least ? .brotli : nil
                second = takesBoth ? .gzip : nil
            }
        }
    }
}
