//! The nearest name, for "did you mean …?": used for keys, words and steps in `fuseboard.toml`, and by the
//! program for circuit names.

/// Words longer than this have no nearest name: nobody mistypes so much, and the comparison stays cheap.
const LONGEST: usize = 130; // PROJECT/NAME, with one character too many

/// The name among `names` that `word` was probably meant to be, if one is near enough: at most one slip for
/// every three letters, upper and lower case being the same. Of equally near names the first wins.
///
/// ```
/// use fuseboard_pipeline::nearest::nearest;
///
/// assert_eq!(nearest("trip_afer", ["cool_down", "trip_after"]), Some("trip_after"));
/// assert_eq!(nearest("banana", ["cool_down", "trip_after"]), None);
/// ```
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = letters(word)?;
    let allowed = (word.len() / 3).max(1);
    names
        .into_iter()
        .filter_map(|name| {
            let letters = letters(name)?;
            // The difference in length is a lower bound that costs nothing.
            (letters.len().abs_diff(word.len()) <= allowed).then(|| (slips(&word, &letters), name))
        })
        .filter(|(slips, _)| *slips <= allowed)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, name)| name)
}

/// The characters of a word in lower case, or `None` for one that is too long to compare.
fn letters(word: &str) -> Option<Vec<char>> {
    let letters: Vec<char> = word.chars().flat_map(char::to_lowercase).take(LONGEST + 1).collect();
    (letters.len() <= LONGEST).then_some(letters)
}

/// How many letters were left out, put in, mistaken or swapped with their neighbour: the optimal string
/// alignment distance (Damerau 1964), by rows, of which only the last two matter.
fn slips(from: &[char], to: &[char]) -> usize {
    let mut before_last = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1; to.len() + 1];
        for (j, b) in to.iter().enumerate() {
            let mistaken = last[j] + usize::from(a != b);
            row[j + 1] = mistaken.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                row[j + 1] = row[j + 1].min(before_last[j - 1] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(from: &str, to: &str) -> usize {
        slips(&letters(from).unwrap(), &letters(to).unwrap())
    }

    #[test]
    fn each_kind_of_slip_counts_once() {
        assert_eq!(distance("probes", "probes"), 0);
        assert_eq!(distance("probe", "probes"), 1, "left out");
        assert_eq!(distance("prrobes", "probes"), 1, "put in");
        assert_eq!(distance("prabes", "probes"), 1, "mistaken");
        assert_eq!(distance("porbes", "probes"), 1, "swapped");
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn the_nearest_of_several_names_wins() {
        assert_eq!(nearest("cool_down_mx", ["cool_down", "cool_down_max"]), Some("cool_down_max"));
        assert_eq!(nearest("Cool_Down", ["cool_down_max", "cool_down"]), Some("cool_down"));
    }

    #[test]
    fn a_name_that_is_not_near_is_not_offered() {
        assert_eq!(nearest("xyz", ["url", "fleet"]), None);
        assert_eq!(nearest("", ["url"]), None);
        assert_eq!(nearest(&"x".repeat(10_000), ["url"]), None);
    }
}
