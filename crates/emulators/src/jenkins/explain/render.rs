//! An explanation as a block of lines for a terminal. What callers sent cannot write to the terminal
//! but as plain text, and long texts are cut.

mod jobs;
mod plain;

use std::fmt;

use super::super::gwt::token::Source;
use super::{
    Answer, Body, Explanation, GivenToken, Hint, ItemExplanation, ItemVerdict, Key, Processing,
    SignatureHint, Spelling, Target, WhitelistVerdict,
};
use plain::{cut, plain};

/// Width of the first column.
const LABEL: usize = 11;

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = plain(&self.method);
        write!(
            formatter,
            "{method} {} from {}",
            plain(&self.path),
            self.peer
        )?;
        match &self.content_type {
            Some(kind) => write!(formatter, ", {}", plain(kind))?,
            None => write!(formatter, ", no content type")?,
        }
        writeln!(formatter, ", {} bytes", self.body_bytes)?;
        let told = match &self.target {
            Target::Trigger(processing) => {
                return self.write_processing(formatter, processing);
            }
            Target::Outside(context_path) => format!(
                "answer     404: the path is outside the context path {}",
                plain(context_path)
            ),
            Target::BadCredentials => "answer     401: Authorization: Basic names no user; with a \
                                       token no login is needed"
                .to_owned(),
            Target::Options => "answer     200: OPTIONS triggers nothing".to_owned(),
            Target::NoCrumb => "answer     403: not the trigger's path, and no crumb was sent; \
                                expected …/generic-webhook-trigger/invoke"
                .to_owned(),
            Target::Page => "answer     a page of Jenkins, not the trigger".to_owned(),
        };
        writeln!(formatter, "  {told}")
    }
}

impl Explanation {
    fn write_processing(
        &self,
        formatter: &mut fmt::Formatter<'_>,
        processing: &Processing,
    ) -> fmt::Result {
        write_whitelist(formatter, &processing.whitelist)?;
        let was_refused = processing.answer.status == 403 || processing.answer.is_error_page;
        if processing.token.is_some() || !(was_refused && processing.jobs.is_empty()) {
            write_line(formatter, "token", &token(processing.token.as_ref()))?;
        }
        if processing.dry_run {
            write_line(
                formatter,
                "dry run",
                "asked for by gwt-dry-run: nothing is queued",
            )?;
        }
        jobs::write_all(formatter, &processing.jobs)?;
        write_answer(formatter, &processing.answer)?;
        for hint in &self.hints {
            write_line(formatter, "hint", &told(*hint))?;
        }
        Ok(())
    }
}

fn write_line(formatter: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    writeln!(formatter, "  {label:LABEL$}{text}")
}

fn write_whitelist(
    formatter: &mut fmt::Formatter<'_>,
    whitelist: &WhitelistVerdict,
) -> fmt::Result {
    let items = match whitelist {
        WhitelistVerdict::Disabled => {
            return write_line(formatter, "whitelist", "disabled: nothing is checked");
        }
        WhitelistVerdict::Empty => {
            return write_line(formatter, "whitelist", "empty: nothing is checked");
        }
        WhitelistVerdict::Items(items) => items,
    };
    for (index, item) in items.iter().enumerate() {
        let label = if index == 0 { "whitelist" } else { "" };
        let line = format!("{}) {}: {}", index + 1, asked(item), verdict(item));
        write_line(formatter, label, &line)?;
        if let ItemVerdict::Signature(Some(hint)) = &item.verdict {
            write_line(formatter, "", &format!("   it would hold {}", way(hint)))?;
        }
    }
    Ok(())
}

fn asked(item: &ItemExplanation) -> String {
    let host = match item.host.trim() {
        "" => "any host".to_owned(),
        host => format!("host {}", plain(host)),
    };
    match &item.signature {
        None => host,
        Some((header, algorithm)) => {
            format!("{host}, {} in {}", plain(algorithm), plain(header))
        }
    }
}

fn verdict(item: &ItemExplanation) -> String {
    match &item.verdict {
        ItemVerdict::Admitted => "lets the call in".to_owned(),
        ItemVerdict::NotLookedAt => "not looked at".to_owned(),
        ItemVerdict::Host(reason) => plain(reason),
        ItemVerdict::CredentialMissing(id) => {
            format!("there is no credential {}", plain(id))
        }
        ItemVerdict::Header(0, alike) if alike.is_empty() => "the header is missing".to_owned(),
        ItemVerdict::Header(0, alike) => {
            let alike: Vec<_> = alike.iter().map(|name| plain(name)).collect();
            format!("the header is missing, but there is {}", alike.join(", "))
        }
        ItemVerdict::Header(count, _) => {
            format!("the header is there {count} times; the plugin takes exactly one")
        }
        ItemVerdict::Signature(Some(_)) => "the signature does not hold".to_owned(),
        ItemVerdict::Signature(None) => "the signature does not hold: another secret, or the body \
                                         was changed after it was signed"
            .to_owned(),
        ItemVerdict::Threw(message) => plain(message),
    }
}

fn way(hint: &SignatureHint) -> String {
    let mut ways = vec![format!("under {}", hint.algorithm)];
    ways.extend(
        match hint.body {
            Body::PostContent => None,
            Body::Raw => Some("over the bytes of the body; of a form the plugin signs JSON"),
            Body::LineEndMore => Some("over the body with a line end more"),
            Body::LineEndLess => Some("over the body without the line end at its end"),
            Body::Empty => Some("over an empty body"),
        }
        .map(str::to_owned),
    );
    ways.extend(
        match hint.key {
            Key::Credential => None,
            Key::Trimmed => Some("with the credential without the white space around it"),
            Key::WithLineEnd => Some("with a line end behind the credential"),
        }
        .map(str::to_owned),
    );
    ways.extend(match hint.spelling {
        Spelling::Accepted => None,
        Spelling::Prefixed => Some(
            "without its prefix; only md5=, sha1=, sha256= and HMAC are taken off, in this case",
        ),
        Spelling::LowerCaseInBase64 => {
            Some("but is Base64 of lower-case digits; expected hexadecimal digits")
        }
        Spelling::Unpadded => Some("but is Base64 without padding"),
    }
    .map(str::to_owned));
    ways.join(", ")
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Parameter => "in the parameter token",
        Source::Header => "in the header token",
        Source::Bearer => "in Authorization: Bearer",
        Source::GitLab => "in the header X-Gitlab-Token",
    }
}

fn token(token: Option<&GivenToken>) -> String {
    let Some(token) = token else {
        return "none was given".to_owned();
    };
    let mut told = format!("{}, {} characters", source(token.source), token.characters);
    if token.characters == 0 {
        told.push_str(": like none");
    }
    if !token.ignored.is_empty() {
        let ignored: Vec<_> = token.ignored.iter().map(|other| source(*other)).collect();
        told.push_str(&format!("; not looked at: {}", ignored.join(", ")));
    }
    told
}

fn write_answer(formatter: &mut fmt::Formatter<'_>, answer: &Answer) -> fmt::Result {
    let body = match (&answer.body, answer.is_error_page) {
        (None, _) => "without a body".to_owned(),
        (Some(message), true) => format!("Jenkins' error page: {}", plain(message)),
        (Some(body), false) => cut(body, plain::ANSWER_CHARACTERS),
    };
    write_line(formatter, "answer", &format!("{} {body}", answer.status))
}

fn told(hint: Hint) -> String {
    match hint {
        Hint::JsonSentAsForm => {
            "the body looks like JSON, but came as a form: no expression finds \
                                 anything in it; send Content-Type: application/json (curl -d \
                                 sends a form by default)"
                .to_owned()
        }
        Hint::BearerSpelling => {
            "Authorization is read only as `Bearer `, with a capital and one space".to_owned()
        }
        Hint::EmptyTokenHides(place) => {
            format!("the empty token {} hides the one behind it", source(place))
        }
        Hint::SharedToken(count) => {
            format!("{count} jobs have this token: each call triggers all of them")
        }
        Hint::NoBody => {
            "200 without a body: every called job answers silently or failed".to_owned()
        }
    }
}
