//! docs/configuration.md, from the comments of config.default.toml.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};

use crate::tidy::Tree;

const SOURCE: &str = "config.default.toml";

pub(super) fn page(tree: &Tree) -> Result<String> {
    render(
        tree.text(SOURCE)
            .context("config.default.toml is missing")?,
    )
}

/// A comment that ends with an empty line belongs to the file; any other to the line below it.
fn render(source: &str) -> Result<String> {
    let mut page = String::from(
        "# Configuration\n\n<!-- Made by `cargo xtask gen` from config.default.toml. -->\n",
    );
    let (mut section, mut comment) = (String::new(), Vec::new());
    for (number, line) in source.lines().enumerate() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
        } else if line.is_empty() {
            if !comment.is_empty() {
                paragraph(&mut page, &comment);
            }
            comment.clear();
        } else if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            section = format!("{name}.");
            page.push_str(&format!("\n## {name}\n"));
            paragraph(&mut page, &comment);
            comment.clear();
        } else if let Some((key, default)) = line.split_once(" = ") {
            setting(&mut page, &section, key, default, &comment);
            comment.clear();
        } else {
            bail!("{SOURCE}:{}: neither a comment nor a setting", number + 1);
        }
    }
    Ok(page)
}

fn setting(page: &mut String, section: &str, key: &str, default: &str, comment: &[&str]) {
    let variable = format!("LONGSHORE_{}", format!("{section}{key}").replace('.', "__"));
    let variable = variable.to_uppercase();
    let is_secret = comment
        .first()
        .is_some_and(|line| line.starts_with("Secret. "));
    let file_form = match is_secret {
        true => format!(" or `{variable}_FILE`"),
        false => String::new(),
    };
    let default = match default {
        "\"\"" | "[]" => "not set".to_owned(),
        value => format!("`{}`", value.trim_matches('"')),
    };
    // Writing to a `String` cannot fail.
    let _ = write!(
        page,
        "\n### {section}{key}\n\n`{variable}`{file_form}; default: {default}\n"
    );
    paragraph(page, comment);
}

fn paragraph(page: &mut String, lines: &[&str]) {
    if !lines.is_empty() {
        page.push_str(&format!("\n{}\n", lines.join("\n")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_settings_and_secrets_become_headings_with_their_reasons() {
        let source = "# About.\n\n# Where it listens.\nlisten = \"a:1\"\n\n# The first pair.\n[bootstrap]\n\n\
                      # Secret. Long,\n# and random.\nclient_secret = \"\"\n";
        let page = render(source).unwrap();
        let expected = "\nAbout.\n\n### listen\n\n`LONGSHORE_LISTEN`; default: `a:1`\n\nWhere it listens.\n\
                        \n## bootstrap\n\nThe first pair.\n\
                        \n### bootstrap.client_secret\n\n\
                        `LONGSHORE_BOOTSTRAP__CLIENT_SECRET` or `LONGSHORE_BOOTSTRAP__CLIENT_SECRET_FILE`; default: not set\n\
                        \nSecret. Long,\nand random.\n";
        assert!(page.ends_with(expected), "{page}");
        assert!(render("nonsense\n").is_err());
    }
}
