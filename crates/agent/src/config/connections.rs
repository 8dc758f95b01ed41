//! The known servers of the configuration: the entries of `[[connection]]`, with the keys that the
//! server's API gives them.

use std::path::Path;

use longshore_domain::connection::{Connection, Place};
use longshore_domain::secret::Secret;
use serde_json::Value;
use toml::Table;

use super::layers::{CONNECTION, read_text};
use super::mistake::Mistake;
use super::reader::{CLIENT_SECRET, is_client_secret, secret_file};

/// The most connections.
const CONNECTIONS_LIMIT: usize = 1_000;
/// Keys of the server's connections that mean nothing here: the server schedules.
const OF_THE_SERVER: [&str; 4] = [
    "retrySchedule",
    "reportTimeoutSeconds",
    "baseUrl",
    "ratePerSecond",
];

/// A known server and how it is called.
#[derive(Clone, Debug)]
pub struct KnownConnection {
    /// How it is called.
    pub settings: Connection,
    /// The signing secret of its own.
    pub signing_secret: Option<Secret<String>>,
    /// The private key (PEM) of its client certificate.
    pub client_key: Option<Secret<String>>,
    /// Which calls are meant.
    pub place: Place,
}

/// Reads the entries, each with where it stands.
pub(super) fn read(
    entries: &[(String, Table)],
    mistakes: &mut Vec<Mistake>,
) -> Vec<KnownConnection> {
    if let Some((place, _)) = entries.get(CONNECTIONS_LIMIT) {
        let message = format!("expected at most {CONNECTIONS_LIMIT} connections");
        mistakes.push(Mistake::new(place, CONNECTION, message));
        return Vec::new();
    }
    let mut known: Vec<KnownConnection> = Vec::with_capacity(entries.len());
    for (index, (place, entry)) in entries.iter().enumerate() {
        let mut found = Vec::new();
        let read = one(entry, &mut found);
        for (key, message) in found {
            let setting = format!("{CONNECTION}[{index}].{key}");
            mistakes.push(Mistake::new(place, setting, message));
        }
        let Some(next) = read else { continue };
        let twice = known
            .iter()
            .any(|other| other.settings.name == next.settings.name || other.place == next.place);
        if twice {
            let message = "another connection has the same name or url";
            let setting = format!("{CONNECTION}[{index}]");
            mistakes.push(Mistake::new(place, setting, message));
        }
        known.push(next);
    }
    known
}

type Found = Vec<(String, String)>;

fn one(entry: &Table, found: &mut Found) -> Option<KnownConnection> {
    let Ok(Value::Object(mut document)) = serde_json::to_value(entry) else {
        found.push((String::new(), "expected a table".to_owned()));
        return None;
    };
    for key in OF_THE_SERVER {
        if document.remove(key).is_some() {
            found.push((key.to_owned(), "is the server's to set".to_owned()));
        }
    }
    for key in ["caCertificate", "clientCertificate"] {
        if let Some(path) = text(&mut document, &format!("{key}File"), found) {
            match read_text(Path::new(&path)) {
                Ok(pem) => drop(document.insert(key.to_owned(), pem.into())),
                Err(cause) => found.push((format!("{key}File"), cause)),
            }
        }
    }
    let signing_secret = secret(&mut document, "signingSecret", found);
    let client_key = secret(&mut document, "clientKey", found);
    if signing_secret
        .as_ref()
        .is_some_and(|secret| !is_client_secret(secret.expose()))
    {
        let message = format!("found a secret of another form, expected {CLIENT_SECRET}");
        found.push(("signingSecret".to_owned(), message));
    }
    let settings = match Connection::parse(&Value::Object(document)) {
        Ok(settings) => settings,
        Err(violations) => {
            found.extend(violations.into_iter().map(|it| (it.path, it.message)));
            return None;
        }
    };
    if settings.client_certificate.is_some() != client_key.is_some() {
        let message = "expected clientCertificate and clientKey together";
        found.push(("clientCertificate".to_owned(), message.to_owned()));
    }
    let place = Place::parse(&settings.url).ok()?;
    Some(KnownConnection {
        settings,
        signing_secret,
        client_key,
        place,
    })
}

fn text(
    document: &mut serde_json::Map<String, Value>,
    key: &str,
    found: &mut Found,
) -> Option<String> {
    match document.remove(key)? {
        Value::String(text) => Some(text),
        _ => {
            found.push((key.to_owned(), "expected a text".to_owned()));
            None
        }
    }
}

/// A secret given as itself or as the name of its file.
fn secret(
    document: &mut serde_json::Map<String, Value>,
    key: &str,
    found: &mut Found,
) -> Option<Secret<String>> {
    let direct = text(document, key, found).map(Secret::new);
    let file_key = format!("{key}File");
    let file = text(document, &file_key, found);
    match (direct, file) {
        (Some(_), Some(_)) => {
            let message = format!("is given as {file_key} too; expected only one of them");
            found.push((key.to_owned(), message));
            None
        }
        (Some(direct), None) => Some(direct),
        (None, Some(path)) => match secret_file(Path::new(&path)) {
            Ok(secret) => Some(secret),
            Err(cause) => {
                found.push((file_key, cause));
                None
            }
        },
        (None, None) => None,
    }
}
