/// The known word that was probably meant.
///
/// - Parameters:
///   - word: what was written.
///   - known: what could have been.
/// - Returns: the nearest of them, the first in the alphabet where several are; `nil` where none is near.
package func suggestion(for word: String, among known: some Sequence<String>) -> String? {
    guard !word.isEmpty, word.utf8.count <= 64 else { return nil }
    let limit = max(1, (word.count + 1) / 3)
    let plain = simplified(word)
    var best: (distance: Int, word: String)?
    for candidate in known where candidate != word && candidate.utf8.count <= 128 {
        let other = simplified(candidate)
        // An abbreviation, or a word that goes on, is as good as one wrong letter.
        let isBeginning = min(plain.count, other.count) >= 3 && (plain.starts(with: other) || other.starts(with: plain))
        let distance = plain == other ? 0 : isBeginning ? 1 : editDistance(plain, other)
        guard distance <= limit, distance < other.count else { continue }
        if let current = best, (current.distance, current.word) <= (distance, candidate) { continue }
        best = (distance, candidate)
    }
    return best?.word
}

/// Without case, underscores, hyphens and spaces: `bodyRate`, `body-rate` and `body_rate` are one word.
private func simplified(_ word: String) -> [Unicode.Scalar] {
    word.lowercased().unicodeScalars.filter { !["_", "-", " "].contains($0) }
}

/// How many letters must be changed, added, left out or swapped with the next (optimal string alignment).
func editDistance<Letter: Equatable>(_ left: [Letter], _ right: [Letter]) -> Int {
    var older: [Int] = []
    var previous = Array(0...right.count)
    for (row, letter) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            var best = min(previous[column + 1], current[column]) + 1
            best = min(best, previous[column] + (letter == other ? 0 : 1))
            if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                best = min(best, older[column - 1] + 1)
            }
            current.append(best)
        }
        older = previous
        previous = current
    }
    return previous[right.count]
}
