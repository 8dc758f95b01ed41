//! Looks into values: by key, by position, by slice, by content.

use std::ops::Range;

use jaq_core::ValR;

use super::{Value, excerpt};
use crate::interpreter::fail;

/// Where a slice starts and ends; null for the ends of what is sliced.
pub(crate) struct Bounds<'v> {
    pub(crate) start: &'v Value,
    pub(crate) end: &'v Value,
}

impl Value {
    /// `.[key]`.
    pub(crate) fn at(&self, key: &Self) -> ValR<Self> {
        match (self, key) {
            (Self::Object(object), Self::String(name)) => {
                Ok(object.members.get(name).cloned().unwrap_or_default())
            }
            (Self::Array(array), Self::Number(_) | Self::Literal(_)) => {
                let place = key
                    .number()
                    .and_then(|place| counted(place, array.elements.len()));
                let element = place.and_then(|place| array.elements.get(place));
                Ok(element.cloned().unwrap_or_default())
            }
            (Self::Null, Self::String(_) | Self::Number(_) | Self::Literal(_)) => Ok(Self::Null),
            (Self::Null | Self::Array(_) | Self::String(_), Self::Object(slice)) => {
                self.slice(&bounds(&slice.members))
            }
            (Self::Array(array), Self::Array(sought)) => {
                Ok(places_of(&array.elements, &sought.elements))
            }
            _ => Err(self.no_index(key)),
        }
    }

    /// `.[start:end]`.
    pub(crate) fn slice(&self, bounds: &Bounds<'_>) -> ValR<Self> {
        match self {
            Self::Null => Ok(Self::Null),
            Self::Array(array) => {
                let range = bounds.within(array.elements.len())?;
                Ok(Self::array(array.elements[range].to_vec()))
            }
            Self::String(text) => {
                let range = bounds.within(text.chars().count())?;
                let taken = text.chars().skip(range.start).take(range.len());
                Ok(Self::string(taken.collect::<String>()))
            }
            _ => Err(self.no_index(&bounds.key())),
        }
    }

    fn no_index(&self, key: &Self) -> jaq_core::Error<Self> {
        fail(format!(
            "Cannot index {} with {} ({})",
            self.kind(),
            key.kind(),
            excerpt(key)
        ))
    }

    /// The elements of an array or the members' values of an object.
    pub(crate) fn children(self) -> ValR<Vec<Self>, Self> {
        match self {
            Self::Array(array) => Ok(super::into_elements(array)),
            Self::Object(object) => Ok(super::into_members(object).into_values().collect()),
            other => Err(other.no_iteration()),
        }
    }

    /// The keys or positions, each with what stands there.
    pub(crate) fn entries(self) -> ValR<Vec<(Self, Self)>, Self> {
        match self {
            Self::Array(array) => {
                let position = |(place, element)| (Self::Number(place as f64), element);
                let elements = super::into_elements(array).into_iter();
                Ok(elements.enumerate().map(position).collect())
            }
            Self::Object(object) => {
                let member = |(key, value)| (Self::String(key), value);
                Ok(super::into_members(object)
                    .into_iter()
                    .map(member)
                    .collect())
            }
            other => Err(other.no_iteration()),
        }
    }

    fn no_iteration(&self) -> jaq_core::Error<Self> {
        fail(format!(
            "Cannot iterate over {} ({})",
            self.kind(),
            excerpt(self)
        ))
    }
}

/// The bounds that an object with `start` and `end` means.
pub(crate) fn bounds(slice: &super::Members) -> Bounds<'_> {
    let bound = |name: &str| slice.get(&name.to_owned()).unwrap_or(&Value::Null);
    Bounds {
        start: bound("start"),
        end: bound("end"),
    }
}

impl Bounds<'_> {
    /// The positions meant in something of `length` places: rounded outwards, negative ones
    /// counted from its end.
    pub(crate) fn within(&self, length: usize) -> Result<Range<usize>, jaq_core::Error<Value>> {
        let place = |bound: &Value, otherwise: usize| match bound {
            Value::Null => Ok(otherwise as f64),
            bound => match bound.number() {
                Some(place) if place < 0.0 => Ok(place + length as f64),
                Some(place) if place.is_nan() => Ok(otherwise as f64),
                Some(place) => Ok(place),
                None => Err(fail("Array/string slice indices must be integers")),
            },
        };
        let limit = length as f64;
        let start = place(self.start, 0)?.clamp(0.0, limit).floor() as usize;
        let end = place(self.end, length)?.clamp(0.0, limit).ceil() as usize;
        Ok(start..end.max(start))
    }

    /// The bounds as the element of a path.
    pub(crate) fn key(&self) -> Value {
        Value::record([("start", self.start.clone()), ("end", self.end.clone())])
    }
}

/// A position, its fraction cut off and counted from the end where it is negative.
pub(super) fn counted(place: f64, length: usize) -> Option<usize> {
    let place = place.trunc();
    let place = if place < 0.0 {
        place + length as f64
    } else {
        place
    };
    (place >= 0.0).then_some(place as usize)
}

/// Where `sought` starts within `elements`.
fn places_of(elements: &[Value], sought: &[Value]) -> Value {
    if sought.is_empty() {
        return Value::array(Vec::new());
    }
    let windows = elements.windows(sought.len()).enumerate();
    let places = windows.filter(|(_, window)| *window == sought);
    Value::array(
        places
            .map(|(place, _)| Value::Number(place as f64))
            .collect(),
    )
}
