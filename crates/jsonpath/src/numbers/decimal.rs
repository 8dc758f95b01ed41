//! Decimal numbers of any length, as `java.math.BigDecimal` reads, compares and prints them.

use std::cmp::Ordering;
use std::fmt;

/// Largest exponent, either way, that is read.
const EXPONENT_LIMIT: i64 = 100_000;
/// Powers of ten from this one on have no bit below the 33rd.
const BITS_OF_INT: i64 = 32;

/// `digits` × 10^−`scale`.
#[derive(Debug, Clone)]
pub(crate) struct Decimal {
    negative: bool,
    /// Without leading zeros; `0` for zero.
    digits: String,
    scale: i64,
}

impl Decimal {
    /// Reads `[+-]digits[.digits][e[+-]digits]`; one side of the point may be missing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = match all.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        };
        Some(Self {
            negative: negative && digits != "0",
            digits: digits.to_owned(),
            scale: i64::try_from(fraction.len()).ok()? - exponent,
        })
    }

    /// Order by value: `1.0` and `1` are equal.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self.sign(), other.sign()) {
            (own, its) if own != its => own.cmp(&its),
            (0, _) => Ordering::Equal,
            (sign, _) => {
                let by_size = self
                    .exponent()
                    .cmp(&other.exponent())
                    .then_with(|| self.significant().cmp(other.significant()));
                if sign < 0 { by_size.reverse() } else { by_size }
            }
        }
    }

    pub(crate) fn is_as_large_as(&self, other: &Self) -> bool {
        self.compare(other).is_eq()
    }

    /// `intValue`: the whole part's lowest 32 bits.
    pub(crate) fn to_i32(&self) -> i32 {
        let zeros = (-self.scale).max(0);
        if zeros >= BITS_OF_INT {
            return 0;
        }
        let dropped = usize::try_from(self.scale.max(0)).unwrap_or(usize::MAX);
        let kept = self.digits.len().saturating_sub(dropped);
        let whole = self.digits.bytes().take(kept).map(|digit| digit - b'0');
        let zeros = (0..zeros).map(|_| 0_u8);
        let bits = whole.chain(zeros).fold(0_i32, |bits, digit| {
            bits.wrapping_mul(10).wrapping_add(i32::from(digit))
        });
        if self.negative {
            bits.wrapping_neg()
        } else {
            bits
        }
    }

    fn sign(&self) -> i8 {
        match (self.digits.as_str(), self.negative) {
            ("0", _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        }
    }

    /// The power of ten of the first digit.
    fn exponent(&self) -> i64 {
        i64::try_from(self.digits.len()).unwrap_or(i64::MAX) - 1 - self.scale
    }

    fn significant(&self) -> &str {
        self.digits.trim_end_matches('0')
    }
}

fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let exponent: i64 = text.strip_prefix('+').unwrap_or(text).parse().ok()?;
    (exponent.abs() <= EXPONENT_LIMIT).then_some(exponent)
}

/// `toString`: plain where the scale is not negative and the number not too small.
impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            formatter.write_str("-")?;
        }
        let exponent = self.exponent();
        match usize::try_from(self.scale) {
            Ok(0) => formatter.write_str(&self.digits),
            Ok(places) if exponent >= -6 => {
                let padded = format!("{:0>width$}", self.digits, width = places + 1);
                let (whole, fraction) = padded.split_at(padded.len() - places);
                write!(formatter, "{whole}.{fraction}")
            }
            _ => {
                let (first, rest) = self.digits.split_at(1);
                let point = if rest.is_empty() { "" } else { "." };
                let plus = if exponent > 0 { "+" } else { "" };
                write!(formatter, "{first}{point}{rest}E{plus}{exponent}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::Decimal;

    #[test]
    fn decimals_print_as_java_prints_them() {
        let cases = [
            ("1.50", "1.50"),
            ("+7", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1.0E7", "1.0E+7"),
            ("1.0E-4", "0.00010"),
            ("-0", "0"),
            ("0.00", "0.00"),
            ("1e-9", "1E-9"),
            ("123e2", "1.23E+4"),
        ];
        for (text, printed) in cases {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), printed, "{text}");
        }
        for text in [
            "",
            ".",
            "1e",
            "e5",
            " 1",
            "1 ",
            "0x1",
            "--1",
            "1e99999999999",
            "NaN",
        ] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn decimals_compare_by_value() {
        let cases = [
            ("1", "1.0", Ordering::Equal),
            ("10", "1e1", Ordering::Equal),
            ("0", "-0.0", Ordering::Equal),
            ("2", "10", Ordering::Less),
            ("-2", "-10", Ordering::Greater),
            ("-1", "0", Ordering::Less),
            ("0.5", "0.05", Ordering::Greater),
            ("1e400", "1e399", Ordering::Greater),
            ("1.25", "1.3", Ordering::Less),
        ];
        for (left, right, ordering) in cases {
            let compared = Decimal::parse(left)
                .unwrap()
                .compare(&Decimal::parse(right).unwrap());
            assert_eq!(compared, ordering, "{left} {right}");
        }
    }

    #[test]
    fn the_int_of_a_decimal_is_its_whole_part() {
        let cases = [
            ("2", 2),
            ("2.9", 2),
            ("-2.9", -2),
            ("0.5", 0),
            ("2e1", 20),
            ("4294967297", 1),
            ("1e40", 0),
        ];
        for (text, int) in cases {
            assert_eq!(Decimal::parse(text).unwrap().to_i32(), int, "{text}");
        }
    }
}
