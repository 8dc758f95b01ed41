//! The setting that a mistyped name most likely means.

/// The candidate most like `name`, where one is like it at all. The same last part in another section counts as most like.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let last = |dotted: &'a str| dotted.rsplit(['.']).next().unwrap_or(dotted);
    let own_last = name.rsplit('.').next().unwrap_or(name);
    let moved = candidates
        .clone()
        .find(|candidate| last(candidate) == own_last);
    moved.or_else(|| longshore_domain::nearest::nearest(name, candidates))
}

#[cfg(test)]
mod tests {
    use super::*;

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
