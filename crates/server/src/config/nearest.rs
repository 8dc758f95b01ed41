//! The known name that a mistyped one most likely means.

/// Longer names are not compared: no setting has one, and the effort grows with the square.
const NAME_CHARS: usize = 80;

/// The candidate most like `name`, where one is like it at all. The same last part in another section counts as most like.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    if name.chars().count() > NAME_CHARS {
        return None;
    }
    let last = |dotted: &'a str| dotted.rsplit(['.']).next().unwrap_or(dotted);
    let own_last = name.rsplit('.').next().unwrap_or(name);
    let moved = candidates
        .clone()
        .find(|candidate| last(candidate) == own_last);
    moved.or_else(|| {
        let allowed = (name.chars().count() / 3).max(2);
        candidates
            .map(|candidate| (distance(name, candidate), candidate))
            .filter(|(distance, _)| *distance <= allowed)
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, candidate)| candidate)
    })
}

/// Levenshtein's distance, one row at a time.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (cell, r) in row.iter_mut().skip(1).zip(&right) {
            let changed = diagonal + usize::from(l != *r);
            diagonal = *cell;
            *cell = changed.min(diagonal + 1).min(before + 1);
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_changed_added_and_dropped_characters() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("listen", "listne", 2),
            ("größe", "grosse", 3),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn a_name_is_matched_by_likeness_or_by_its_last_part() {
        let known = ["listen", "network.allow", "delivery.window_count"];
        for (name, expected) in [
            ("listne", Some("listen")),
            ("allow", Some("network.allow")),
            ("netwrok.alow", Some("network.allow")),
            ("delivery.windows_count", Some("delivery.window_count")),
            ("colour", None),
        ] {
            assert_eq!(nearest(name, known.into_iter()), expected, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(10_000), known.into_iter()), None);
    }
}
