//! `\p{…}`: the names that Java knows, exactly as it spells them.

use super::flags::Flags;

/// General categories, and the groups of them that Java names.
const CATEGORIES: &[&str] = &[
    "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "LC", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me",
    "Mn", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk",
    "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

/// POSIX names: what they hold in ASCII, and with `(?U)`.
const POSIX: &[(&str, &str, &str)] = &[
    ("Lower", "a-z", r"\p{Lowercase}"),
    ("Upper", "A-Z", r"\p{Uppercase}"),
    ("Alpha", "A-Za-z", r"\p{Alphabetic}"),
    ("Digit", "0-9", r"\p{Nd}"),
    ("Alnum", "0-9A-Za-z", r"\p{Alphabetic}\p{Nd}"),
    ("Punct", r"!-/:-@\[-`\{-\~", r"\p{P}"),
    ("Graph", r"!-\~", r"[^\p{White_Space}\p{Cc}\p{Cs}\p{Cn}]"),
    (
        "Print",
        r" -\~",
        r"\p{Zs}[^\p{White_Space}\p{Cc}\p{Cs}\p{Cn}]",
    ),
    ("Blank", r" \t", r"\p{Zs}\t"),
    ("Cntrl", r"\x00-\x1F\x7F", r"\p{Cc}"),
    ("XDigit", "0-9A-Fa-f", r"\p{Nd}\p{Hex_Digit}"),
    ("Space", r" \t\n\x0B\f\r", r"\p{White_Space}"),
];

/// Binary properties behind `Is`, which are read in any case.
const BINARY: &[(&str, &str)] = &[
    ("ALPHABETIC", r"\p{Alphabetic}"),
    ("LETTER", r"\p{L}"),
    ("IDEOGRAPHIC", r"\p{Ideographic}"),
    ("LOWERCASE", r"\p{Lowercase}"),
    ("UPPERCASE", r"\p{Uppercase}"),
    ("TITLECASE", r"\p{Lt}"),
    ("WHITE_SPACE", r"\p{White_Space}"),
    ("WHITESPACE", r"\p{White_Space}"),
    ("CONTROL", r"\p{Cc}"),
    ("PUNCTUATION", r"\p{P}"),
    ("HEX_DIGIT", r"\p{Nd}\p{Hex_Digit}"),
    ("HEXDIGIT", r"\p{Nd}\p{Hex_Digit}"),
    ("ASSIGNED", r"\P{Cn}"),
    ("NONCHARACTER_CODE_POINT", r"\p{Noncharacter_Code_Point}"),
    ("DIGIT", r"\p{Nd}"),
    ("ALNUM", r"\p{Alphabetic}\p{Nd}"),
    ("BLANK", r"\p{Zs}\t"),
    ("WORD", r"\w"),
    ("JOIN_CONTROL", r"\p{Join_Control}"),
    ("JOINCONTROL", r"\p{Join_Control}"),
];

/// Methods of `java.lang.Character`.
const JAVA: &[(&str, &str)] = &[
    ("javaLowerCase", r"\p{Lowercase}"),
    ("javaUpperCase", r"\p{Uppercase}"),
    ("javaAlphabetic", r"\p{Alphabetic}"),
    ("javaIdeographic", r"\p{Ideographic}"),
    ("javaTitleCase", r"\p{Lt}"),
    ("javaDigit", r"\p{Nd}"),
    ("javaDefined", r"\P{Cn}"),
    ("javaLetter", r"\p{L}"),
    ("javaLetterOrDigit", r"\p{L}\p{Nd}"),
    ("javaJavaIdentifierStart", r"\p{L}\p{Nl}\p{Sc}\p{Pc}"),
    (
        "javaJavaIdentifierPart",
        r"\p{L}\p{Nl}\p{Sc}\p{Pc}\p{Nd}\p{Mc}\p{Mn}\x00-\x08\x0E-\x1B\x7F-\x9F\p{Cf}",
    ),
    ("javaUnicodeIdentifierStart", r"\p{ID_Start}"),
    (
        "javaUnicodeIdentifierPart",
        r"\p{ID_Continue}\x00-\x08\x0E-\x1B\x7F-\x9F\p{Cf}",
    ),
    (
        "javaIdentifierIgnorable",
        r"\x00-\x08\x0E-\x1B\x7F-\x9F\p{Cf}",
    ),
    ("javaSpaceChar", r"\p{Z}"),
    (
        "javaWhitespace",
        r"\t-\r\x1C-\x1F[\p{Z}--[\xA0\x{2007}\x{202F}]]",
    ),
    ("javaISOControl", r"\x00-\x1F\x7F-\x9F"),
];

/// Categories and properties that `(?i)` makes one.
const CASED: &[&str] = &[
    "Lu",
    "Ll",
    "Lt",
    "Lower",
    "Upper",
    "javaLowerCase",
    "javaUpperCase",
    "javaTitleCase",
    "LOWERCASE",
    "UPPERCASE",
    "TITLECASE",
];

/// What a name stands for.
pub(super) enum Property {
    /// The inside of a class.
    Class(String),
    /// Java knows it, but it has no translation.
    Unsupported,
    /// Java does not know it.
    Unknown,
}

/// The property of this name, with `=` or without.
pub(super) fn property(name: &str, flags: Flags) -> Property {
    if let Some((kind, value)) = name.split_once('=') {
        return match kind.to_ascii_lowercase().as_str() {
            "sc" | "script" => script(value),
            "blk" | "block" => Property::Unsupported,
            "gc" | "general_category" => category(value, flags),
            _ => Property::Unknown,
        };
    }
    if let Some(rest) = name.strip_prefix("Is") {
        return behind_is(rest, flags);
    }
    if name.starts_with("In") {
        return Property::Unsupported;
    }
    let posix = POSIX.iter().find(|(known, ..)| *known == name);
    if let Some((name, ascii, unicode)) = posix {
        return class(match (flags.unicode_class, folds(name, flags)) {
            (true, true) => r"\p{Lu}\p{Ll}\p{Lt}",
            (true, false) => unicode,
            (false, true) => "A-Za-z",
            (false, false) => ascii,
        });
    }
    match (JAVA.iter().find(|(known, _)| *known == name), name) {
        (Some((name, _)), _) if folds(name, flags) => class(r"\p{Lu}\p{Ll}\p{Lt}"),
        (Some((_, inside)), _) => class(inside),
        (None, "javaMirrored") => Property::Unsupported,
        (None, "ASCII") => class(r"\x00-\x7F"),
        (None, "L1") => class(r"\x00-\xFF"),
        (None, "LD") => class(r"\p{L}\p{Nd}"),
        (None, "all") => class(r"\x{0}-\x{10FFFF}"),
        (None, name) => category(name, flags),
    }
}

fn behind_is(name: &str, flags: Flags) -> Property {
    let upper = name.to_ascii_uppercase();
    if let Some((known, inside)) = BINARY.iter().find(|(known, _)| *known == upper) {
        return class(if folds(known, flags) {
            r"\p{Lu}\p{Ll}\p{Lt}"
        } else {
            inside
        });
    }
    match category(name, flags) {
        Property::Unknown => script(name),
        found => found,
    }
}

fn category(name: &str, flags: Flags) -> Property {
    if !CATEGORIES.contains(&name) {
        return Property::Unknown;
    }
    match name {
        "LC" => class(r"\p{Lu}\p{Ll}\p{Lt}"),
        // Text holds no half of a surrogate pair.
        "Cs" => class(r"[\x00&&\x01]"),
        _ if folds(name, flags) => class(r"\p{Lu}\p{Ll}\p{Lt}"),
        name => Property::Class(format!(r"\p{{{name}}}")),
    }
}

/// Scripts have the same names below; what is none is told when the pattern is compiled.
fn script(name: &str) -> Property {
    let plain = name
        .chars()
        .all(|letter| letter.is_ascii_alphabetic() || letter == '_');
    if plain && name.len() > 2 {
        Property::Class(format!(r"\p{{sc={name}}}"))
    } else {
        Property::Unknown
    }
}

fn folds(name: &str, flags: Flags) -> bool {
    flags.case_insensitive && CASED.contains(&name)
}

fn class(inside: &str) -> Property {
    Property::Class(inside.to_owned())
}
