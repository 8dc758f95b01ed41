//! How a number written in JSON is printed again by Java: integers of any size, doubles as
//! `Double.toString`, longer decimals as `BigDecimal.toString`.

mod decimal;

pub(crate) use decimal::Decimal;

/// Longest token with a fraction or exponent that json-smart reads as a double.
const DOUBLE_TOKEN_LIMIT: usize = 18;

/// What json-smart makes of a token without quotes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A number, as Java prints it.
    Number(String),
    /// A double that overflows.
    NotFinite,
    /// It begins as a number with a fraction or exponent, but is none that Java can read.
    Malformed,
    /// No number.
    Other,
}

/// Reads a token. A number begins with a digit or `-`; digits may be missing on one side of the
/// point, and behind a lone `-`, which is zero.
pub(crate) fn read(token: &str) -> Token {
    if !token.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Token::Other;
    }
    let (sign, rest) = match token.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", token),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let reads_on = exponent.is_none_or(|exponent| {
        exponent.starts_with(['+', '-']) && digits(exponent.get(1..).unwrap_or_default())
            || !exponent.is_empty() && digits(exponent)
    });
    if !digits(whole) || !fraction.is_none_or(digits) || !reads_on {
        return Token::Other;
    }
    if fraction.is_none() && exponent.is_none() {
        let digits = whole.trim_start_matches('0');
        return Token::Number(match digits {
            "" => "0".to_owned(),
            digits => format!("{sign}{digits}"),
        });
    }
    if token.len() > DOUBLE_TOKEN_LIMIT {
        return match Decimal::parse(token) {
            Some(decimal) => Token::Number(decimal.to_string()),
            None => Token::Malformed,
        };
    }
    match token.parse::<f64>() {
        Ok(value) if value.is_finite() => Token::Number(double(value)),
        Ok(_) => Token::NotFinite,
        Err(_) => Token::Malformed,
    }
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
    // Java prints two digits where one would do.
    if value.abs() == f64::from_bits(1) {
        return format!("{sign}4.9E-324");
    }
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
    use super::{Token, double, read};

    #[test]
    fn numbers_print_as_java_prints_them() {
        let cases = [
            ("5", "5"),
            ("-0", "0"),
            ("-", "0"),
            ("007", "7"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            ("1.10", "1.1"),
            ("1.0", "1.0"),
            ("5.", "5.0"),
            ("-.5", "-0.5"),
            ("1e5", "100000.0"),
            ("10000000.0", "1.0E7"),
            ("0.0001", "1.0E-4"),
            ("-1.5e-7", "-1.5E-7"),
            ("0.12345678901234567890", "0.12345678901234567890"),
            ("1.234567890123456789e308", "1.234567890123456789E+308"),
            ("0.00000001234567890123", "1.234567890123E-8"),
        ];
        for (token, expected) in cases {
            assert_eq!(read(token), Token::Number(expected.to_owned()), "{token}");
        }
        for token in [
            "abc", "1.2.3", "1e", "1ex", "", "--1", "+1", ".5", "1 2", "1e5x",
        ] {
            assert_eq!(read(token), Token::Other, "{token}");
        }
        for token in ["1e+", "-.", "-e5", "1e99999999999999999999999"] {
            assert_eq!(read(token), Token::Malformed, "{token}");
        }
        assert_eq!(read("1e999"), Token::NotFinite);
        assert_eq!(double(f64::from_bits(1)), "4.9E-324");
    }
}
