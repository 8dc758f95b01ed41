//! C's mathematical functions over doubles.

use jaq_core::native::Fun;
use jaq_core::{Error, ValR};

use super::{native, unfit};
use crate::interpreter::fuel::Fuelled;
use crate::value::Value;

/// Natives of one number.
macro_rules! of_one {
    ($($name:literal => $function:expr),* $(,)?) => {
        vec![$(native!(& $name, |value: &Value| {
            let function: fn(f64) -> f64 = $function;
            Ok(Value::Number(function(number(value)?)))
        })),*]
    };
}

/// Natives of two numbers, both arguments.
macro_rules! of_two {
    ($($name:literal => $function:expr),* $(,)?) => {
        vec![$(native!(& $name, |_: &Value, first: &Value, second: &Value| -> ValR<Value> {
            let function: fn(f64, f64) -> f64 = $function;
            Ok(Value::Number(function(number(first)?, number(second)?)))
        }, first, second)),*]
    };
}

pub(super) fn funs() -> Vec<Fun<Fuelled>> {
    let mut funs = of_one_number();
    funs.extend(of_two_numbers());
    funs.extend([
        native!(
            &"fma",
            |_: &Value, x: &Value, y: &Value, z: &Value| -> ValR<Value> {
                Ok(Value::Number(number(x)?.mul_add(number(y)?, number(z)?)))
            },
            x,
            y,
            z
        ),
        native!(&"frexp", |value: &Value| {
            let (fraction, exponent) = parts(number(value)?);
            Ok(pair(fraction, f64::from(exponent)))
        }),
        native!(&"modf", |value: &Value| {
            let number = number(value)?;
            let fraction = if number.is_infinite() {
                0.0
            } else {
                number.fract()
            };
            Ok(pair(fraction.copysign(number), number.trunc()))
        }),
        native!(&"lgamma_r", |value: &Value| {
            let (gamma, sign) = libm::lgamma_r(number(value)?);
            Ok(pair(gamma, f64::from(sign)))
        }),
        native!(&"infinite", |_: &Value| Ok(Value::Number(f64::INFINITY))),
        native!(&"nan", |_: &Value| Ok(Value::Number(f64::NAN))),
        native!(&"isinfinite", |value| is(value, f64::is_infinite)),
        native!(&"isnan", |value| is(value, f64::is_nan)),
        native!(&"isnormal", |value| is(value, f64::is_normal)),
    ]);
    funs
}

fn of_one_number() -> Vec<Fun<Fuelled>> {
    of_one! {
        "floor" => f64::floor, "ceil" => f64::ceil, "round" => f64::round, "trunc" => f64::trunc,
        "rint" => f64::round_ties_even, "nearbyint" => f64::round_ties_even,
        "fabs" => f64::abs, "sqrt" => f64::sqrt, "cbrt" => f64::cbrt,
        "exp" => f64::exp, "exp2" => f64::exp2, "exp10" => libm::exp10, "expm1" => f64::exp_m1,
        "log" => f64::ln, "log2" => f64::log2, "log10" => f64::log10, "log1p" => f64::ln_1p,
        "sin" => f64::sin, "cos" => f64::cos, "tan" => f64::tan,
        "asin" => f64::asin, "acos" => f64::acos, "atan" => f64::atan,
        "sinh" => f64::sinh, "cosh" => f64::cosh, "tanh" => f64::tanh,
        "asinh" => libm::asinh, "acosh" => libm::acosh, "atanh" => libm::atanh,
        "gamma" => libm::lgamma, "lgamma" => libm::lgamma, "tgamma" => libm::tgamma,
        "j0" => libm::j0, "j1" => libm::j1, "y0" => libm::y0, "y1" => libm::y1,
        "erf" => libm::erf, "erfc" => libm::erfc,
        "logb" => exponent, "significand" => significand,
    }
}

fn of_two_numbers() -> Vec<Fun<Fuelled>> {
    of_two! {
        "pow" => f64::powf, "atan2" => f64::atan2, "hypot" => f64::hypot,
        "fmin" => f64::min, "fmax" => f64::max, "fdim" => libm::fdim,
        "fmod" => |x, y| x % y, "drem" => libm::remainder, "remainder" => libm::remainder,
        "copysign" => f64::copysign,
        "nextafter" => libm::nextafter, "nexttoward" => libm::nextafter,
        "ldexp" => scaled, "scalb" => scaled, "scalbln" => scaled,
        "jn" => |order, x| libm::jn(order as i32, x), "yn" => |order, x| libm::yn(order as i32, x),
    }
}

fn number(value: &Value) -> Result<f64, Error<Value>> {
    value
        .number()
        .ok_or_else(|| unfit(value, "number required"))
}

fn pair(first: f64, second: f64) -> Value {
    Value::array(vec![Value::Number(first), Value::Number(second)])
}

fn is(value: &Value, property: fn(f64) -> bool) -> ValR<Value> {
    Ok(Value::Bool(value.number().is_some_and(property)))
}

/// The fraction from 0.5 to 1, and the power of two, that make a number.
fn parts(number: f64) -> (f64, i32) {
    if number.is_nan() || number.is_infinite() {
        return (number, 0);
    }
    libm::frexp(number)
}

fn exponent(number: f64) -> f64 {
    if number == 0.0 {
        f64::NEG_INFINITY
    } else if number.is_infinite() {
        f64::INFINITY
    } else if number.is_nan() {
        number
    } else {
        f64::from(libm::frexp(number).1 - 1)
    }
}

fn significand(number: f64) -> f64 {
    if number == 0.0 || number.is_infinite() || number.is_nan() {
        number
    } else {
        libm::frexp(number).0 * 2.0
    }
}

fn scaled(number: f64, exponent: f64) -> f64 {
    if exponent.is_nan() {
        return exponent;
    }
    libm::ldexp(number, exponent.clamp(-4096.0, 4096.0) as i32)
}
