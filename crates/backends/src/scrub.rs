//! Takes secrets out of what receivers and agents say, in every form in which it may come back:
//! raw, percent-, JSON-, HTML-, base64- and hex-encoded.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use longshore_domain::diagnosis::Diagnosis;
use longshore_domain::outcome::{Acceptance, Outcome, Retry};
use memchr::memmem::Finder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::client::Reply;

/// What stands where a secret stood.
pub const SCRUBBED: &str = "<secret>";

/// Shorter secrets are only taken out where they stand alone, between characters that are
/// neither letters nor digits: anything else would tear every text apart.
pub const MIN_SECRET_BYTES: usize = 4;

/// Secrets of this length and more have no form that is shorter than they are: of a shorter one the
/// middle of its base64 can be.
const EVEN_IN_BASE64: usize = 16;

/// The shortest inner part of a base64 text that is looked for.
const MIN_BASE64_CHARS: usize = 8;

/// What `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// What form encoding leaves as it is, besides the blank.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*');

/// Whether a text of `bytes` bytes has room for some form of `secret`. Where it has none, all the
/// work of a [`Scrubber`] for it is spared.
#[must_use]
pub fn may_stand_in(bytes: usize, secret: &str) -> bool {
    secret.len() < EVEN_IN_BASE64 || secret.len() <= bytes
}

/// Whether what a receiver said may hold one of `secrets`. A plain acceptance with an answer that is
/// shorter than every one of them cannot, and that is what most calls come to.
#[must_use]
pub fn may_tell(outcome: &Outcome, reply: &Reply, secrets: &[&str]) -> bool {
    let plain = matches!(outcome, Outcome::Accepted(told) if *told == Acceptance::default());
    let short = matches!(reply, Reply::Answered(answer) if !answer.truncated
        && !secrets.iter().any(|secret| may_stand_in(answer.body.len(), secret)));
    !(plain && short)
}

/// Takes a set of secrets out of texts; the default takes out none.
#[derive(Clone, Default)]
pub struct Scrubber {
    forms: Vec<Form>,
}

/// One form of a secret, ready to be looked for.
#[derive(Clone)]
struct Form {
    finder: Finder<'static>,
    /// Whether it counts only where it stands alone.
    alone: bool,
}

/// Shows no secret, and not how many there are of which length.
impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scrubber(..)")
    }
}

impl Scrubber {
    /// A scrubber for `secrets`; empty ones are ignored.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets {
            add_forms(secret, &mut forms);
        }
        forms.sort_unstable();
        // Of a form that is both, the one that always counts stands first.
        forms.dedup_by(|later, earlier| later.0 == earlier.0);
        let ready = |(form, alone): (Vec<u8>, bool)| Form {
            finder: Finder::new(&form).into_owned(),
            alone,
        };
        Self {
            forms: forms.into_iter().map(ready).collect(),
        }
    }

    /// The same for `more` secrets as well.
    #[must_use]
    pub fn and<'a>(&self, more: impl IntoIterator<Item = &'a str>) -> Cow<'_, Self> {
        let more = Self::new(more).forms;
        if more.is_empty() {
            return Cow::Borrowed(self);
        }
        let forms = self.forms.iter().cloned().chain(more).collect();
        Cow::Owned(Self { forms })
    }

    /// `bytes` without the secrets.
    #[must_use]
    pub fn scrub<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        replace(bytes, self.found(bytes))
    }

    /// The same for a text that was cut at its end, where a secret's beginning may stand.
    #[must_use]
    pub fn scrub_cut<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut found = self.found(bytes);
        let begun = self.forms.iter().filter(|form| !form.alone);
        found.extend(begun.filter_map(|form| begun_at_end(bytes, form.finder.needle())));
        replace(bytes, found)
    }

    /// `text` without the secrets.
    #[must_use]
    pub fn scrub_text(&self, text: &str) -> String {
        match self.scrub(text.as_bytes()) {
            Cow::Borrowed(_) => text.to_owned(),
            Cow::Owned(scrubbed) => String::from_utf8_lossy(&scrubbed).into_owned(),
        }
    }

    /// The first `limit` bytes of `bytes` without the secrets, as text; `cut` says that `bytes`
    /// themselves are only a beginning. Cuts after scrubbing, so that no cut tears a secret.
    #[must_use]
    pub fn excerpt(&self, bytes: &[u8], cut: bool, limit: usize) -> String {
        let scrubbed = if cut {
            self.scrub_cut(bytes)
        } else {
            self.scrub(bytes)
        };
        let mut text = String::from_utf8_lossy(&scrubbed).into_owned();
        text.truncate(text.floor_char_boundary(limit));
        text
    }

    /// `outcome` with every text of it scrubbed.
    #[must_use]
    pub fn scrub_outcome(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Accepted(accepted) => Outcome::Accepted(Acceptance {
                warning: accepted.warning.map(|found| self.scrub_diagnosis(&found)),
                external_run_id: accepted.external_run_id.map(|id| self.scrub_text(&id)),
                links: accepted
                    .links
                    .iter()
                    .map(|link| self.scrub_text(link))
                    .collect(),
            }),
            Outcome::Retry(retry) => Outcome::Retry(Retry {
                diagnosis: self.scrub_diagnosis(&retry.diagnosis),
                ..retry
            }),
            Outcome::Unknown(found) => Outcome::Unknown(self.scrub_diagnosis(&found)),
            Outcome::Refused(found) => Outcome::Refused(self.scrub_diagnosis(&found)),
        }
    }

    fn scrub_diagnosis(&self, found: &Diagnosis) -> Diagnosis {
        Diagnosis {
            reason: found.reason,
            message: self.scrub_text(&found.message),
            fix: self.scrub_text(&found.fix),
        }
    }

    fn found(&self, bytes: &[u8]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for form in &self.forms {
            let length = form.finder.needle().len();
            // Starting a search costs more than the look at a short text.
            if length > bytes.len() {
                continue;
            }
            for start in form.finder.find_iter(bytes) {
                let end = start + length;
                if !form.alone || stands_alone(bytes, start, end) {
                    found.push((start, end));
                }
            }
        }
        found
    }
}

fn stands_alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    !before.is_some_and(is_word) && !bytes.get(end).is_some_and(is_word)
}

/// Where the end of `bytes` is a beginning of `form`, long enough to tell something.
fn begun_at_end(bytes: &[u8], form: &[u8]) -> Option<(usize, usize)> {
    let longest = form.len().saturating_sub(1).min(bytes.len());
    (MIN_SECRET_BYTES..=longest)
        .rev()
        .find(|length| bytes.ends_with(&form[..*length]))
        .map(|length| (bytes.len() - length, bytes.len()))
}

fn replace(bytes: &[u8], mut found: Vec<(usize, usize)>) -> Cow<'_, [u8]> {
    if found.is_empty() {
        return Cow::Borrowed(bytes);
    }
    found.sort_unstable();
    let mut scrubbed = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for (start, end) in found {
        if start >= at {
            scrubbed.extend_from_slice(&bytes[at..start]);
            scrubbed.extend_from_slice(SCRUBBED.as_bytes());
        }
        at = at.max(end);
    }
    scrubbed.extend_from_slice(&bytes[at..]);
    Cow::Owned(scrubbed)
}

fn add_forms(secret: &str, forms: &mut Vec<(Vec<u8>, bool)>) {
    if secret.is_empty() {
        return;
    }
    let bytes = secret.as_bytes();
    let alone = bytes.len() < MIN_SECRET_BYTES;
    let mut add = |form: String| forms.push((form.into_bytes(), alone));
    add(secret.to_owned());
    let component = percent_encode(bytes, COMPONENT).to_string();
    let form = percent_encode(bytes, FORM).to_string().replace("%20", "+");
    let strict = percent_encode(bytes, NON_ALPHANUMERIC).to_string();
    for encoded in [component, form, strict] {
        add(lower_case_escapes(&encoded));
        add(encoded);
    }
    for escaped in json_forms(secret) {
        add(escaped);
    }
    add(html_form(secret, "&#39;"));
    add(html_form(secret, "&#039;"));
    if alone {
        return;
    }
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    add(hex.to_ascii_uppercase());
    add(hex);
    for offset in 0..3 {
        for encoded in base64_inside(bytes, offset) {
            add(encoded);
        }
    }
}

/// `%2F` as `%2f`.
fn lower_case_escapes(encoded: &str) -> String {
    let mut lower = String::with_capacity(encoded.len());
    let mut escape = 0;
    for c in encoded.chars() {
        if c == '%' {
            escape = 2;
            lower.push(c);
        } else if escape > 0 {
            escape -= 1;
            lower.push(c.to_ascii_lowercase());
        } else {
            lower.push(c);
        }
    }
    lower
}

/// As JSON's writers put it into a string: the usual escapes; with `\/`; with everything beyond
/// ASCII as `\u`; and with what Gson escapes for HTML.
fn json_forms(secret: &str) -> [String; 4] {
    let mut forms: [String; 4] = std::array::from_fn(|_| String::with_capacity(secret.len()));
    let [usual, slashed, ascii, gson] = &mut forms;
    for c in secret.chars() {
        push_escaped(usual, c);
        match c {
            '/' => slashed.push_str("\\/"),
            c => push_escaped(slashed, c),
        }
        if c.is_ascii() {
            push_escaped(ascii, c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
        if matches!(c, '<' | '>' | '&' | '=' | '\'') {
            gson.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            push_escaped(gson, c);
        }
    }
    forms
}

fn push_escaped(text: &mut String, c: char) {
    match c {
        '"' => text.push_str("\\\""),
        '\\' => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        '\u{8}' => text.push_str("\\b"),
        '\u{c}' => text.push_str("\\f"),
        c if u32::from(c) < 0x20 => text.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => text.push(c),
    }
}

fn html_form(secret: &str, apostrophe: &str) -> String {
    secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', apostrophe)
}

/// The characters of a base64 text that depend on `secret` alone when `offset` bytes (modulo 3)
/// stand before it, as the password does in `user:password`.
fn base64_inside(secret: &[u8], offset: usize) -> Vec<String> {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(secret);
    // 6 bits a character: the first whole one, and the end of the last whole one.
    let first = (offset * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    [
        STANDARD_NO_PAD.encode(&padded),
        URL_SAFE_NO_PAD.encode(&padded),
    ]
    .iter()
    .filter_map(|encoded| encoded.get(first..last))
    .filter(|inner| inner.len() >= MIN_BASE64_CHARS.min(secret.len()))
    .map(str::to_owned)
    .collect()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "p/ä\"<=&'+ s\\3cr3t\n!";

    #[test]
    fn every_form_of_a_secret_is_taken_out() {
        let scrubber = Scrubber::new([SECRET]);
        let table = [
            SECRET.to_owned(),
            serde_json::to_string(SECRET).unwrap(),
            serde_json::to_string(SECRET).unwrap().replace('/', "\\/"),
            r#"p/\u00e4\"<=&'+ s\\3cr3t\n!"#.to_owned(),
            r#"p/ä\"\u003c\u003d\u0026\u0027+ s\\3cr3t\n!"#.to_owned(),
            "p%2F%C3%A4%22%3C%3D%26'%2B%20s%5C3cr3t%0A!".to_owned(),
            "p%2f%c3%a4%22%3c%3d%26'%2b%20s%5c3cr3t%0a!".to_owned(),
            "p%2F%C3%A4%22%3C%3D%26%27%2B+s%5C3cr3t%0A%21".to_owned(),
            "p/ä&quot;&lt;=&amp;&#39;+ s\\3cr3t\n!".to_owned(),
            "702fc3a4223c3d26272b2073".to_owned() + "5c3363723374" + "0a21",
        ];
        for form in table {
            let text = format!("before {form} after");
            let scrubbed = scrubber.scrub_text(&text);
            assert!(!scrubbed.contains("3cr3t"), "{form}: {scrubbed}");
            assert!(!scrubbed.contains("637233"), "{form}: {scrubbed}");
            assert!(
                scrubbed.starts_with("before ") && scrubbed.ends_with(" after"),
                "{scrubbed}"
            );
        }
    }

    #[test]
    fn a_secret_inside_a_base64_text_is_taken_out_wherever_it_lies() {
        let secret = "s3cr3t-t0ken-1";
        let scrubber = Scrubber::new([secret]);
        for before in ["", "u", "us", "user:"] {
            for after in ["", "x", "xy", "xyz"] {
                let encoded = STANDARD.encode(format!("{before}{secret}{after}"));
                let scrubbed = scrubber.scrub_text(&format!("Basic {encoded}"));
                let left = scrubbed.replace(SCRUBBED, "");
                // What stays are the characters that bits of the neighbours share.
                assert!(
                    left.len() <= "Basic ".len() + 16,
                    "{before}|{after}: {scrubbed}"
                );
                assert!(scrubbed.contains(SCRUBBED), "{before}|{after}: {scrubbed}");
            }
        }
    }

    #[test]
    fn short_secrets_are_taken_out_only_where_they_stand_alone() {
        let scrubber = Scrubber::new(["", "7", "abc"]);
        let table = [
            ("pin=7, run 17", "pin=<secret>, run 17"),
            (
                r#"{"x":"abc","y":"abcd"}"#,
                r#"{"x":"<secret>","y":"abcd"}"#,
            ),
            ("abc", "<secret>"),
            ("éabc", "éabc"),
        ];
        for (text, expected) in table {
            assert_eq!(scrubber.scrub_text(text), expected);
        }
    }

    #[test]
    fn more_secrets_are_taken_out_beside_those_of_before() {
        let before = Scrubber::new(["s3cr3t-t0ken"]);
        let both = before.and(["4n0ther-0ne"]);
        assert_eq!(
            both.scrub_text("s3cr3t-t0ken 4n0ther-0ne"),
            "<secret> <secret>"
        );
        assert!(matches!(before.and([]), Cow::Borrowed(_)));
    }

    #[test]
    fn overlapping_secrets_leave_nothing_between_them() {
        let scrubber = Scrubber::new(["abcdef", "defghi", "cdef"]);
        assert_eq!(scrubber.scrub_text("xabcdefghiy"), "x<secret>y");
        assert_eq!(scrubber.scrub_text("abcdefabcdef"), "<secret><secret>");
    }

    #[test]
    fn a_secret_that_a_cut_tears_apart_is_taken_out_too() {
        let scrubber = Scrubber::new(["s3cr3t-t0ken"]);
        assert_eq!(scrubber.excerpt(b"a s3cr3t-t0k", true, 100), "a <secret>");
        assert_eq!(scrubber.excerpt(b"a s3c", true, 100), "a s3c");
        assert_eq!(scrubber.excerpt(b"a s3cr3t-t0ken b", false, 5), "a <se");
        assert_eq!(scrubber.excerpt("aäb".as_bytes(), false, 2), "a");
    }

    #[test]
    fn nothing_to_do_borrows_and_debug_is_silent() {
        let scrubber = Scrubber::new(["s3cr3t-t0ken"]);
        assert!(matches!(scrubber.scrub(b"plain"), Cow::Borrowed(b"plain")));
        assert_eq!(format!("{scrubber:?}"), "Scrubber(..)");
    }

    proptest! {
        #[test]
        fn no_form_of_a_secret_stands_where_there_is_no_room(secret in any::<String>()) {
            for form in Scrubber::new([secret.as_str()]).forms {
                let length = form.finder.needle().len();
                prop_assert!(may_stand_in(length, &secret), "{} bytes", length);
            }
        }

        #[test]
        fn no_raw_secret_survives(secret in "[ -~]{4,20}", before: String, after: String) {
            prop_assume!(!SCRUBBED.contains(&secret));
            let scrubber = Scrubber::new([secret.as_str()]);
            let scrubbed = scrubber.scrub_text(&format!("{before} {secret} {after}"));
            let left = scrubbed.replace(SCRUBBED, "\n");
            prop_assert!(!left.contains(&secret), "{}", left);
        }
    }
}
