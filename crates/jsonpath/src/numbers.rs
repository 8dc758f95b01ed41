//! How a number written in JSON is printed again by Java: integers of any size, doubles as
//! `Double.toString`, longer decimals as `BigDecimal.toString`.

mod decimal;

pub(crate) use decimal::Decimal;

/// Longest token with a fraction or exponent that json-smart reads as a double.
const DOUBLE_TOKEN_LIMIT: usize = 18;

/// The number is no finite double.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotFinite;

/// A decimal number taken apart.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: Option<i64>,
}

/// What Java prints for a token; `None` where the token is no number.
pub(crate) fn java_text(token: &str) -> Option<Result<String, NotFinite>> {
    let parts = parts(token)?;
    let sign = if parts.negative { "-" } else { "" };
    if parts.fraction.is_empty() && parts.exponent.is_none() && !token.contains('.') {
        let digits = parts.whole.trim_start_matches('0');
        return Some(Ok(match digits {
            "" => "0".to_owned(),
            digits => format!("{sign}{digits}"),
        }));
    }
    if token.len() > DOUBLE_TOKEN_LIMIT {
        let decimal = Decimal::parse(token).ok_or(NotFinite);
        return Some(decimal.map(|decimal| decimal.to_string()));
    }
    let value: f64 = token.parse().ok()?;
    if value.is_finite() {
        Some(Ok(double(value)))
    } else {
        Some(Err(NotFinite))
    }
}

fn parts(token: &str) -> Option<Parts<'_>> {
    let (negative, rest) = match token.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, token),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(place) => {
            let exponent = &rest[place + 1..];
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
                .then_some(())?;
            let exponent = exponent.parse().unwrap_or(i64::MAX);
            (&rest[..place], Some(exponent))
        }
        None => (rest, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (!whole.is_empty() && digits(whole) && digits(fraction)).then_some(Parts {
        negative,
        whole,
        fraction,
        exponent,
    })
}

/// `Double.toString`: plain between 10⁻³ and 10⁷, else with an exponent, always with a fraction.
pub(crate) fn double(value: f64) -> String {
    if value == 0.0 {
        return if value.is_sign_negative() {
            "-0.0"
        } else {
            "0.0"
        }
        .to_owned();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let shortest = format!("{:e}", value.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-3..7).contains(&exponent) {
        let plain = format!("{}", value.abs());
        let point = if plain.contains('.') { "" } else { ".0" };
        return format!("{sign}{plain}{point}");
    }
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{sign}{mantissa}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::{NotFinite, java_text};

    #[test]
    fn numbers_print_as_java_prints_them() {
        let cases = [
            ("5", Some("5")),
            ("-0", Some("0")),
            ("007", Some("7")),
            (
                "123456789012345678901234567890",
                Some("123456789012345678901234567890"),
            ),
            ("1.10", Some("1.1")),
            ("1.0", Some("1.0")),
            ("1e5", Some("100000.0")),
            ("10000000.0", Some("1.0E7")),
            ("0.0001", Some("1.0E-4")),
            ("-1.5e-7", Some("-1.5E-7")),
            ("0.12345678901234567890", Some("0.12345678901234567890")),
            (
                "1.234567890123456789e308",
                Some("1.234567890123456789E+308"),
            ),
            ("0.00000001234567890123", Some("1.234567890123E-8")),
            ("abc", None),
            ("1.2.3", None),
            ("1e", None),
            ("", None),
            ("-", None),
        ];
        for (token, expected) in cases {
            let text = java_text(token).map(|text| text.expect(token));
            assert_eq!(text.as_deref(), expected, "{token}");
        }
        assert_eq!(java_text("1e999"), Some(Err(NotFinite)));
        assert_eq!(java_text("1e99999999999999999999999"), Some(Err(NotFinite)));
    }
}
