//! The text of numbers: how a literal is kept, and how a double is printed.

use std::cmp::Ordering;

use super::Value;

/// Decimal digits that a double tells apart in any case.
const EXACT_DIGITS: usize = 15;
/// Exponents beyond are not kept as written.
const MAX_EXPONENT: i64 = 999_999_999;

/// A number as it was written, in canonical form: `1.10`, `1E+20`.
#[derive(Clone, Debug)]
pub(crate) struct Literal {
    text: String,
    value: f64,
}

impl Literal {
    pub(crate) fn value(&self) -> f64 {
        self.value
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn negated(&self) -> Self {
        let text = match self.text.strip_prefix('-') {
            Some(text) => text.to_owned(),
            // a zero that is written has no sign once it is negated
            None if self.value == 0.0 => self.text.clone(),
            None => format!("-{}", self.text),
        };
        let value = if self.value == 0.0 { 0.0 } else { -self.value };
        Self { text, value }
    }

    /// The order of what is written, where doubles may be too coarse.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (Decimal::read(&self.text), Decimal::read(&other.text)) {
            (Some(left), Some(right)) => left.order(&right),
            _ => self.value.total_cmp(&other.value),
        }
    }
}

/// A number in decimal notation: `-1.50e3`, `.5`, `5.`, `+5`, `007`.
pub(crate) fn read_number(text: &str) -> Option<Value> {
    // most are short integers
    if text.len() <= EXACT_DIGITS
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(integer) = text.parse::<u64>()
    {
        return Some(Value::Number(integer as f64));
    }
    let decimal = Decimal::read(text)?;
    let value = decimal.text().parse::<f64>().ok()?;
    let exact = decimal.digits.len() <= EXACT_DIGITS;
    let literal = decimal.text();
    if decimal.exponent.abs() > MAX_EXPONENT || exact && literal == printed(value) {
        return Some(Value::Number(value));
    }
    let literal = Literal {
        text: literal,
        value,
    };
    Some(Value::Literal(literal.into()))
}

/// Sign, coefficient and exponent of a number that is written.
struct Decimal {
    negative: bool,
    /// Without leading zeros; `0` for zero.
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn read(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
            return None;
        }
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0');
        Some(Self {
            negative,
            digits: if digits.is_empty() { "0" } else { digits }.to_owned(),
            exponent: exponent - i64::try_from(fraction.len()).ok()?,
        })
    }

    /// The power of ten of the first digit.
    fn magnitude(&self) -> i64 {
        self.exponent + i64::try_from(self.digits.len()).unwrap_or(i64::MAX) - 1
    }

    /// The scientific notation of decimal arithmetic: plain between 1E-6 and the last digit's
    /// place, with an exponent elsewhere.
    fn text(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let digits = &self.digits;
        let magnitude = self.magnitude();
        if self.exponent <= 0 && magnitude >= -6 {
            let places = usize::try_from(-self.exponent).unwrap_or_default();
            return if places == 0 {
                format!("{sign}{digits}")
            } else if places >= digits.len() {
                format!("{sign}0.{digits:0>places$}")
            } else {
                let (whole, fraction) = digits.split_at(digits.len() - places);
                format!("{sign}{whole}.{fraction}")
            };
        }
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        format!("{sign}{first}{point}{rest}E{magnitude:+}")
    }

    fn is_zero(&self) -> bool {
        self.digits == "0"
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return other.sign_against_zero().reverse(),
            (false, true) => return self.sign_against_zero(),
            (false, false) => {}
        }
        match (self.negative, other.negative) {
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            _ => {}
        }
        let digits = |decimal: &Self| decimal.digits.trim_end_matches('0').to_owned();
        let size = self
            .magnitude()
            .cmp(&other.magnitude())
            .then_with(|| digits(self).cmp(&digits(other)));
        if self.negative { size.reverse() } else { size }
    }

    fn sign_against_zero(&self) -> Ordering {
        if self.negative {
            Ordering::Less
        } else {
            Ordering::Greater
        }
    }
}

fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // an exponent of any length is at most one beyond the largest that is kept
    let size = digits
        .parse::<i64>()
        .unwrap_or(i64::MAX)
        .min(MAX_EXPONENT + 1);
    Some(if text.starts_with('-') { -size } else { size })
}

fn printed(number: f64) -> String {
    let mut text = Vec::new();
    write_number(number, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// A double as jq prints it: the fewest digits that tell it from its neighbours, at most fifteen
/// zeros behind them; not-a-number is null, and the infinite are the largest double.
pub(crate) fn write_number(number: f64, text: &mut Vec<u8>) {
    use std::io::Write as _;
    if number.is_nan() {
        text.extend(b"null");
        return;
    }
    // writing to a vector does not fail
    let number = number.clamp(f64::MIN, f64::MAX);
    if number.fract() == 0.0 && number.abs() < 1e15 && (number != 0.0 || number.is_sign_positive())
    {
        let _ = write!(text, "{}", number as i64);
        return;
    }
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    let exponent = exponent.parse::<i32>().unwrap_or_default();
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    if number.is_sign_negative() {
        text.push(b'-');
    }
    let _ = if exponent < -4 || exponent + 1 > count + 15 {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(text, "{first}{point}{rest}e{sign}{:02}", exponent.abs())
    } else if exponent < 0 {
        let zeros = usize::try_from(-exponent - 1).unwrap_or_default();
        write!(text, "0.{}{digits}", "0".repeat(zeros))
    } else if exponent + 1 >= count {
        let zeros = usize::try_from(exponent + 1 - count).unwrap_or_default();
        write!(text, "{digits}{}", "0".repeat(zeros))
    } else {
        let whole = usize::try_from(exponent + 1).unwrap_or_default();
        let (whole, fraction) = digits.split_at(whole);
        write!(text, "{whole}.{fraction}")
    };
}
