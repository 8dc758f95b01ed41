//! `strftime` of C's locale: what glibc prints.

use std::fmt::Write as _;

use super::calendar::{MONTHS, Moment, WEEKDAYS};
use crate::bounds::MAX_DATE_BYTES;

/// How a field is filled up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Padding {
    Zero,
    Space,
    None,
}

/// What stands between `%` and the letter of a field.
#[derive(Default)]
struct Flags {
    padding: Option<Padding>,
    upper: bool,
    swapped: bool,
    width: usize,
}

/// `moment` as `format` says; nothing where that is too long.
pub(super) fn print(moment: &Moment, format: &str, zone: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = format;
    while let Some(percent) = rest.find('%') {
        text.push_str(&rest[..percent]);
        let (flags, behind) = flags(&rest[percent + 1..]);
        let mut letters = behind.chars();
        match letters.next() {
            Some(letter) => match field(moment, letter, zone, &flags) {
                Some(field) => {
                    text.push_str(&field);
                    rest = letters.as_str();
                }
                None => {
                    let written = rest.len() - letters.as_str().len();
                    text.push_str(&rest[percent..written]);
                    rest = letters.as_str();
                }
            },
            None => {
                text.push_str(&rest[percent..]);
                rest = "";
            }
        }
        if text.len() > MAX_DATE_BYTES {
            return None;
        }
    }
    text.push_str(rest);
    (text.len() <= MAX_DATE_BYTES).then_some(text)
}

fn flags(mut rest: &str) -> (Flags, &str) {
    let mut flags = Flags::default();
    loop {
        match rest.bytes().next() {
            Some(b'_') => flags.padding = Some(Padding::Space),
            Some(b'-') => flags.padding = Some(Padding::None),
            Some(b'0') => flags.padding = Some(Padding::Zero),
            Some(b'^') => flags.upper = true,
            Some(b'#') => flags.swapped = true,
            _ => break,
        }
        rest = &rest[1..];
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    // a width of more digits is too wide for any text
    flags.width = rest[..digits]
        .parse()
        .unwrap_or(if digits > 0 { MAX_DATE_BYTES + 1 } else { 0 });
    rest = &rest[digits..];
    // other eras and digits are those of every day here
    if let Some(modified) = rest.strip_prefix(['E', 'O'])
        && modified.starts_with(|c: char| c.is_ascii_alphabetic())
    {
        rest = modified;
    }
    (flags, rest)
}

fn field(moment: &Moment, letter: char, zone: &str, flags: &Flags) -> Option<String> {
    use Padding::{Space, Zero};
    let part = |format: &str| print(moment, format, zone);
    let name =
        |names: &[&'static str], place: i32| names.get(usize::try_from(place).ok()?).copied();
    let number = |number: i64, width, padding| Some(numeric(number, width, padding, flags));
    let short = |number_: i32, padding| number(i64::from(number_), 2, padding);
    let hour = (moment.hour + 11) % 12 + 1;
    let half = if moment.hour < 12 { "AM" } else { "PM" };
    let text = match letter {
        'a' => name(&WEEKDAYS, moment.weekday)?[..3].to_owned(),
        'A' => name(&WEEKDAYS, moment.weekday)?.to_owned(),
        'b' | 'h' => name(&MONTHS, moment.month)?[..3].to_owned(),
        'B' => name(&MONTHS, moment.month)?.to_owned(),
        'c' => part("%a %b %e %H:%M:%S %Y")?,
        'C' => return number(moment.year.div_euclid(100), 2, Zero),
        'd' => return short(moment.day, Zero),
        'D' | 'x' => part("%m/%d/%y")?,
        'e' => return short(moment.day, Space),
        'F' => part("%Y-%m-%d")?,
        'g' => return number(moment.iso_week().0.rem_euclid(100), 2, Zero),
        'G' => return number(moment.iso_week().0, 1, Zero),
        'H' => return short(moment.hour, Zero),
        'I' => return short(hour, Zero),
        'j' => return number(i64::from(moment.year_day) + 1, 3, Zero),
        'k' => return short(moment.hour, Space),
        'l' => return short(hour, Space),
        'm' => return short(moment.month + 1, Zero),
        'M' => return short(moment.minute, Zero),
        'n' => "\n".to_owned(),
        'p' if flags.swapped => return Some(half.to_ascii_lowercase()),
        'p' => half.to_owned(),
        'P' => half.to_ascii_lowercase(),
        'r' => part("%I:%M:%S %p")?,
        'R' => part("%H:%M")?,
        's' => return number(moment.seconds(), 1, Zero),
        'S' => return short(moment.second, Zero),
        't' => "\t".to_owned(),
        'T' | 'X' => part("%H:%M:%S")?,
        'u' => return number(i64::from((moment.weekday + 6) % 7) + 1, 1, Zero),
        'U' => return short(moment.week_from(0), Zero),
        'V' => return short(moment.iso_week().1, Zero),
        'w' => return number(i64::from(moment.weekday), 1, Zero),
        'W' => return short(moment.week_from(1), Zero),
        'y' => return number(moment.year.rem_euclid(100), 2, Zero),
        'Y' => return number(moment.year, 1, Zero),
        'z' => "+0000".to_owned(),
        'Z' if flags.swapped => return Some(zone.to_ascii_lowercase()),
        'Z' => zone.to_owned(),
        '%' => "%".to_owned(),
        _ => return None,
    };
    Some(padded(&text, flags))
}

fn numeric(number: i64, width: usize, padding: Padding, flags: &Flags) -> String {
    let padding = flags.padding.unwrap_or(padding);
    let width = width.max(flags.width).min(MAX_DATE_BYTES + 1);
    let sign = if number < 0 { "-" } else { "" };
    let digits = number.unsigned_abs().to_string();
    let places = width.saturating_sub(sign.len());
    match padding {
        Padding::Zero => format!("{sign}{digits:0>places$}"),
        Padding::Space => format!("{:>width$}", format!("{sign}{digits}")),
        Padding::None => format!("{sign}{digits}"),
    }
}

fn padded(text: &str, flags: &Flags) -> String {
    let mut padded = String::new();
    let width = flags.width.min(MAX_DATE_BYTES + 1);
    // writing to a string does not fail
    let _ = match flags.padding {
        Some(Padding::Zero) => write!(padded, "{text:0>width$}"),
        _ => write!(padded, "{text:>width$}"),
    };
    if flags.upper || flags.swapped && text.chars().skip(1).any(|c| c.is_ascii_lowercase()) {
        padded.make_ascii_uppercase();
    }
    padded
}
