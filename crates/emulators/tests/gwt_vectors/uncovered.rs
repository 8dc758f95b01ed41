//! Vectors that the emulator does not meet yet, each with what is missing.

pub(crate) const UNCOVERED: &[(&str, &str)] = &[];
