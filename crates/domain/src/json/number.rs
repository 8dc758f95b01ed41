//! Numbers as ECMAScript and Python print them: the same shortest digits, laid out differently.

use serde_json::Number;

/// The largest magnitude up to which every integer is a double: 2^53.
const EXACT: u64 = 1 << 53;

/// Room for what `serde_json` prints for a double; the longest is 24 bytes.
const LONGEST_DOUBLE: usize = 32;

/// ECMA-262 `Number::toString`: every number is a double, `-0` is `0`.
pub(super) fn ecma(number: &Number, out: &mut Vec<u8>) {
    if let Some(unsigned) = number.as_u64() {
        if unsigned <= EXACT {
            integer(unsigned, out);
        } else {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a double is what ECMAScript reads"
            )]
            ecma_double(unsigned as f64, out);
        }
    } else if let Some(signed) = number.as_i64() {
        if signed.unsigned_abs() <= EXACT {
            out.push(b'-');
            integer(signed.unsigned_abs(), out);
        } else {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a double is what ECMAScript reads"
            )]
            ecma_double(signed as f64, out);
        }
    } else if let Some(double) = number.as_f64() {
        ecma_double(double, out);
    }
}

/// Python: integers as they are, floats as `float.__repr__`.
pub(super) fn python(number: &Number, out: &mut Vec<u8>) {
    if let Some(unsigned) = number.as_u64() {
        integer(unsigned, out);
    } else if let Some(signed) = number.as_i64() {
        out.push(b'-');
        integer(signed.unsigned_abs(), out);
    } else if let Some(double) = number.as_f64() {
        python_double(double, out);
    }
}

fn integer(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn ecma_double(double: f64, out: &mut Vec<u8>) {
    if double == 0.0 {
        return out.push(b'0');
    }
    if double.is_sign_negative() {
        out.push(b'-');
    }
    let shortest = Shortest::of(double.abs());
    match shortest.point {
        -5..=21 => shortest.fixed(out),
        _ => shortest.scientific(1, out),
    }
}

fn python_double(double: f64, out: &mut Vec<u8>) {
    if double.is_sign_negative() {
        out.push(b'-');
    }
    if double == 0.0 {
        return out.extend_from_slice(b"0.0");
    }
    let shortest = Shortest::of(double.abs());
    match shortest.point {
        -3..=16 => {
            shortest.fixed(out);
            if usize::try_from(shortest.point).is_ok_and(|point| point >= shortest.digits().len()) {
                out.extend_from_slice(b".0");
            }
        }
        _ => shortest.scientific(2, out),
    }
}

/// The fewest digits that read back as the same double: `0.DIGITS × 10^point`.
struct Shortest {
    digits: [u8; 17],
    len: usize,
    point: i32,
}

impl Shortest {
    /// Of a finite double that is neither zero nor negative.
    ///
    /// The digits are those of `serde_json`, which takes the even one of two that are equally
    /// near, as ECMAScript and Python do; the standard library rounds such ties up.
    fn of(double: f64) -> Self {
        let mut text = [0; LONGEST_DOUBLE];
        let mut rest = &mut text[..];
        let written = serde_json::to_writer(&mut rest, &double).is_ok();
        debug_assert!(written, "every finite double fits");
        let (mut digits, mut len, mut point) = ([0; 17], 0, 0);
        let (mut in_fraction, mut exponent) = (false, None);
        for byte in text {
            match (byte, &mut exponent) {
                (b'e', _) => exponent = Some((0, 1)),
                (b'-', Some((_, sign))) => *sign = -1,
                (b'0'..=b'9', Some((power, _))) => *power = *power * 10 + i32::from(byte - b'0'),
                (b'.', _) => in_fraction = true,
                (b'0', _) if len == 0 => point -= i32::from(in_fraction),
                (b'0'..=b'9', _) => {
                    // Only zeros stand beyond the seventeenth digit.
                    if let Some(place) = digits.get_mut(len) {
                        *place = byte;
                        len += 1;
                    }
                    point += i32::from(!in_fraction);
                }
                _ => {}
            }
        }
        while len > 1 && digits[len - 1] == b'0' {
            len -= 1;
        }
        let (power, sign) = exponent.unwrap_or_default();
        Self {
            digits,
            len,
            point: point + sign * power,
        }
    }

    fn digits(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    /// Without an exponent, and without a fraction where there is none.
    fn fixed(&self, out: &mut Vec<u8>) {
        let digits = self.digits();
        match usize::try_from(self.point) {
            Ok(point) if point >= digits.len() => {
                out.extend_from_slice(digits);
                out.resize(out.len() + point - digits.len(), b'0');
            }
            Ok(point) if point > 0 => {
                out.extend_from_slice(&digits[..point]);
                out.push(b'.');
                out.extend_from_slice(&digits[point..]);
            }
            _ => {
                out.extend_from_slice(b"0.");
                out.resize(out.len() + self.point.unsigned_abs() as usize, b'0');
                out.extend_from_slice(digits);
            }
        }
    }

    /// With a signed exponent of at least `width` digits.
    fn scientific(&self, width: usize, out: &mut Vec<u8>) {
        let digits = self.digits();
        out.extend_from_slice(&digits[..1]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        let exponent = self.point - 1;
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        if width > 1 && exponent.unsigned_abs() < 10 {
            out.push(b'0');
        }
        integer(u64::from(exponent.unsigned_abs()), out);
    }
}
