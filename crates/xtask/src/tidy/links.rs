//! Relative links in Markdown lead to files that are there, and to headings that they have.

use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts(".md") {
        for (line, target) in targets(text) {
            if let Err(message) = follow(tree, path, text, target) {
                findings.push(Finding::new(path, line, message));
            }
        }
    }
    findings
}

/// The targets of `[text](target)` and `[name]: target`, outside of code.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut targets = Vec::new();
    for (number, line) in outside_fences(text) {
        let mut code = false;
        for (at, c) in line.char_indices() {
            code ^= c == '`';
            let opened = line[at..].strip_prefix("](").filter(|_| !code);
            if let Some((target, _)) = opened.and_then(|rest| rest.split_once(')')) {
                let target = target.split_whitespace().next().unwrap_or_default();
                targets.push((number, target.trim_matches(['<', '>'])));
            }
        }
        if let Some((_, target)) = line
            .strip_prefix('[')
            .filter(|rest| !rest.starts_with('^'))
            .and_then(|rest| rest.split_once("]: "))
        {
            targets.push((number, target.trim()));
        }
    }
    targets
}

fn outside_fences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        (!is_fence && !fenced).then_some((at + 1, line))
    })
}

fn follow(tree: &Tree, path: &str, text: &str, target: &str) -> Result<(), String> {
    let has_scheme = target.contains("://") || target.starts_with("mailto:");
    if has_scheme || target.starts_with('/') {
        return Ok(());
    }
    let (file, heading) = match target.split_once('#') {
        Some((file, heading)) => (file, Some(heading)),
        None => (target, None),
    };
    let (found, text) = match file {
        "" => (path.to_owned(), Some(text)),
        file => {
            let found = resolve(path, file)
                .ok_or_else(|| format!("`{target}` leads out of the repository"))?;
            if !found.is_empty() && !tree.has(&found) {
                return Err(format!("`{target}` is not there"));
            }
            let text = tree.text(&found);
            (found, text)
        }
    };
    match (heading, text) {
        (Some(heading), Some(text)) if found.ends_with(".md") => {
            let known =
                outside_fences(text).any(|(_, line)| slug(line).as_deref() == Some(heading));
            known
                .then_some(())
                .ok_or_else(|| format!("`{found}` has no heading `#{heading}`"))
        }
        _ => Ok(()),
    }
}

/// `target` as seen from the folder of `path`; `None` above the root.
fn resolve(path: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The anchor that GitHub gives a heading.
fn slug(line: &str) -> Option<String> {
    let title = line
        .strip_prefix('#')?
        .trim_start_matches('#')
        .strip_prefix(' ')?;
    let kept = title.trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.map(|c| if c == ' ' { '-' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn links_lead_somewhere() {
        let text = "\
# Here, it *is*

[file](docs/a.md) [folder](docs/) [web](https://example.com/x) [self](#here-it-is) [part](docs/a.md#two-words)
[gone](docs/gone.md) [out](../x.md) [no part](docs/a.md#three) `[code](gone.md)` [root](.)
[reference]: gone.md
```
[fenced](gone.md)
```
";
        let files = [
            ("README.md", text),
            (
                "docs/a.md",
                "## Two words\n\n[up](../README.md) ![picture](gone.png)\n",
            ),
        ];
        assert_eq!(
            found(check, &files),
            [
                "README.md:4: `docs/gone.md` is not there",
                "README.md:4: `../x.md` leads out of the repository",
                "README.md:4: `docs/a.md` has no heading `#three`",
                "README.md:5: `gone.md` is not there",
                "docs/a.md:3: `gone.png` is not there",
            ]
        );
    }
}
