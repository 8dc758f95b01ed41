//! The `resources.webhooks` of a pipeline: which connections start it, under which conditions
//! (<https://learn.microsoft.com/azure/devops/pipelines/yaml-schema/resources-webhooks-webhook>).

use std::collections::HashSet;

use super::document::{Content, Node, Place};
use super::{DefinitionFault, Warning};
use crate::azure_devops::path::Path;
use crate::azure_devops::{Filter, WebhookResource};

/// How many webhooks, and filters of one, a pipeline may have.
const ENTRIES: usize = 100;

type Found<T> = Result<T, (Place, DefinitionFault)>;

/// The webhook resources, and what is odd about them.
pub(super) fn webhooks(root: &Node) -> Found<(Vec<WebhookResource>, Vec<Warning>)> {
    if !matches!(root.content, Content::Mapping(_)) {
        return Err((root.place, not("the pipeline", "a mapping", root)));
    }
    let none = |place| (place, DefinitionFault::NoWebhook);
    let Some(resources) = root.value("resources") else {
        return Err(none(root.place));
    };
    if !matches!(resources.content, Content::Mapping(_)) {
        return Err((resources.place, not("`resources`", "a mapping", resources)));
    }
    let Some(webhooks) = resources.value("webhooks") else {
        return Err(none(resources.place));
    };
    let entries = sequence("`resources.webhooks`", webhooks)?;
    if entries.is_empty() {
        return Err(none(webhooks.place));
    }
    let mut found = Vec::new();
    let mut warnings = Vec::new();
    let mut aliases = HashSet::new();
    for entry in entries {
        let webhook = webhook(entry, &mut warnings)?;
        if !aliases.insert(webhook.alias.to_ascii_lowercase()) {
            return Err((entry.place, DefinitionFault::RepeatedAlias(webhook.alias)));
        }
        found.push(webhook);
    }
    Ok((found, warnings))
}

fn webhook(entry: &Node, warnings: &mut Vec<Warning>) -> Found<WebhookResource> {
    const KEYS: &[&str] = &["webhook", "connection", "type", "filters"];
    mapping("an entry of `resources.webhooks`", entry, KEYS)?;
    let alias = required("a webhook", entry, "webhook", "its alias")?;
    if alias.is_empty()
        || !alias
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "-_".contains(character))
    {
        let place = entry.value("webhook").unwrap_or(entry).place;
        return Err((place, DefinitionFault::Alias(alias)));
    }
    let connection = required(
        "a webhook",
        entry,
        "connection",
        "the name of an Incoming WebHook service connection",
    )?;
    if let Content::Mapping(keys) = &entry.content
        && keys
            .first()
            .is_some_and(|(key, _)| key.text() != Some("webhook"))
    {
        warnings.push(Warning {
            line: entry.place.line,
            message: "`webhook` is required to be the first key of a webhook".to_owned(),
        });
    }
    if let Some(kind) = entry.value("type") {
        warnings.push(Warning {
            line: kind.place.line,
            message: "`type` is for extensions; an Incoming WebHook has none".to_owned(),
        });
    }
    let mut filters = Vec::new();
    if let Some(listed) = entry.value("filters").filter(|node| !is_absent(node)) {
        for filter in sequence("`filters`", listed)? {
            filters.push(self::filter(filter, warnings)?);
        }
    }
    Ok(WebhookResource {
        alias,
        connection,
        filters,
        line: entry.place.line,
    })
}

fn filter(entry: &Node, warnings: &mut Vec<Warning>) -> Found<Filter> {
    mapping("a filter", entry, &["path", "value"])?;
    let path = required("a filter", entry, "path", "where the payload is looked at")?;
    let value = required("a filter", entry, "value", "the text that must stand there")?;
    let line = entry.place.line;
    if Path::parse(&path).is_none() {
        warnings.push(Warning {
            line,
            message: format!(
                "the path {path:?} names no single value (members, `[0]` and `['name']` are \
                 followed here), so that the filter never matches"
            ),
        });
    }
    for (key, text) in [("path", &path), ("value", &value)] {
        if text.contains("${{") {
            let message = format!(
                "an expression in a filter's `{key}` is not evaluated: resources are read before"
            );
            warnings.push(Warning { line, message });
        }
    }
    Ok(Filter { path, value })
}

fn required(
    owner: &'static str,
    entry: &Node,
    key: &'static str,
    what: &'static str,
) -> Found<String> {
    let missing = DefinitionFault::Missing { owner, key, what };
    let Some(node) = entry.value(key) else {
        return Err((entry.place, missing));
    };
    if is_absent(node) {
        return Err((node.place, missing));
    }
    match node.text() {
        Some(text) => Ok(text.to_owned()),
        None => Err((
            node.place,
            DefinitionFault::Kind {
                what: format!("`{key}` of {owner}"),
                expected: "a text",
                found: node.kind(),
            },
        )),
    }
}

fn mapping(what: &str, node: &Node, keys: &[&str]) -> Found<()> {
    let Content::Mapping(entries) = &node.content else {
        return Err((node.place, not(what, "a mapping", node)));
    };
    for (key, _) in entries {
        let name = key.text().unwrap_or_default();
        if !keys.contains(&name) {
            let fault = DefinitionFault::UnknownKey {
                what: what.to_owned(),
                key: name.to_owned(),
                expected: keys.join(", "),
            };
            return Err((key.place, fault));
        }
    }
    Ok(())
}

fn sequence<'a>(what: &'static str, node: &'a Node) -> Found<&'a [Node]> {
    match &node.content {
        Content::Sequence(entries) if entries.len() > ENTRIES => Err((
            node.place,
            DefinitionFault::Many {
                what,
                most: ENTRIES,
            },
        )),
        Content::Sequence(entries) => Ok(entries),
        _ if is_absent(node) => Ok(&[]),
        _ => Err((node.place, not(what, "a sequence", node))),
    }
}

fn not(what: &str, expected: &'static str, found: &Node) -> DefinitionFault {
    DefinitionFault::Kind {
        what: what.to_owned(),
        expected,
        found: found.kind(),
    }
}

fn is_absent(node: &Node) -> bool {
    matches!(node.content, Content::Scalar { absent: true, .. })
}
