use super::{Flags, Pattern, PatternError};

/// Whether the pattern is found; `None` where Java refuses it.
fn found(pattern: &str, text: &str) -> Option<bool> {
    match Pattern::compile(pattern) {
        Ok(compiled) => Some(compiled.is_match(text).unwrap()),
        Err(PatternError::Syntax { .. }) => None,
        Err(error) => panic!("{pattern}: {error}"),
    }
}

fn check(cases: &[(&str, &str, bool)]) {
    for (pattern, text, expected) in cases {
        assert_eq!(
            found(pattern, text),
            Some(*expected),
            "{pattern} in {text:?}"
        );
    }
}

#[test]
fn quantifiers_repeat_what_stands_before() {
    check(&[
        ("^a{2}$", "aa", true),
        ("^a{2}$", "aaa", false),
        ("^a{1,}$", "aaa", true),
        ("^a{1,2}$", "aaa", false),
        ("^ab{0,1}$", "a", true),
        ("a++a", "aaa", false),
        ("a*+a", "aaa", false),
        ("a?+a", "a", false),
        ("a{1,2}+a", "aa", false),
        ("a{1,2}+a", "aaa", true),
        ("^a+?$", "aaa", true),
        ("^(?>a|ab)c", "abc", false),
        ("^(?>ab|a)c", "abc", true),
        (r"^\Qab\E+$", "abb", true),
        (r"^\Qab\E+$", "abab", false),
        ("^{2}a", "a", true),
        ("a{2}{3}", "aa", true),
        ("(?=a)*a", "a", true),
        ("(?=b)*a", "a", true),
        ("(?=b)+a", "a", false),
        ("^*a", "ba", true),
        ("(ab)*+c", "ababc", true),
        ("^(a*)*$", "aaa", true),
        ("^(a|b)*?c$", "abbac", true),
        ("}", "}", true),
        ("]", "]", true),
        ("a{1}", "a", true),
    ]);
}

#[test]
fn lines_end_where_java_ends_them() {
    check(&[
        ("^a$", "a\n", true),
        ("^a$", "a\r\n", true),
        ("^a$", "a\u{85}", true),
        ("^a$", "a\n\n", false),
        ("^a$", "a\nb", false),
        ("(?m)^b$", "a\nb\nc", true),
        ("(?m)^b$", "a\r\nb\r\nc", true),
        ("(?m)a$\n", "a\r\n", false),
        ("(?m)^$", "", false),
        ("^$", "", true),
        ("(?d)^a$", "a\r", false),
        ("(?d)^a$", "a\n", true),
        ("(?dm)a\r$", "a\r\nb", true),
        ("(?dm)a$", "a\rb", false),
        ("(?dm)^b", "a\rb", false),
        (r"a\z", "a\n", false),
        (r"a\Z", "a\n", true),
        (r"(?d)a\Z", "a\r", false),
        (r"\Aa", "ba", false),
        ("a.b", "a\nb", false),
        ("a.b", "a\rb", false),
        ("a.b", "a\u{2028}b", false),
        ("(?s)a.b", "a\nb", true),
        ("(?d)a.b", "a\rb", true),
        ("(?s:a.)b", "a\nb", true),
        (r"a\Rb", "a\r\nb", true),
        (r"a\Rb", "a\u{2029}b", true),
        (r"a\R{2}b", "a\n\nb", true),
    ]);
}

#[test]
fn classes_are_ascii_unless_told() {
    check(&[
        (r"\s", "\u{a0}", false),
        (r"\h", "\u{a0}", true),
        (r"\H", "\u{a0}", false),
        (r"\v", "\u{85}", true),
        (r"\V", "a", true),
        (r"\s", "\u{b}", true),
        (r"\w", "é", false),
        (r"\W", "é", true),
        (r"(?U)\w", "é", true),
        (r"\d", "٣", false),
        (r"(?U)\d", "٣", true),
        (r"\bé", "é", false),
        (r"(?U)\bé", "é", true),
        (r"\Bé", "é", true),
        ("(?i)É", "é", false),
        ("(?iu)É", "é", true),
        ("(?iU)É", "é", true),
        ("(?i)k", "\u{212a}", false),
        ("(?iu)k", "\u{212a}", true),
        ("(?i)abc", "aBC", true),
        ("a(?i)b|c", "C", true),
        ("a(?i:b)c", "aBC", false),
        ("(?i)a(?-i)b", "AB", false),
        ("(a(?i))b", "aB", false),
        ("(?i)[a-c]", "B", true),
        ("(?i)[^a]", "A", false),
        ("(?i)[^x-z]", "Y", false),
        ("(?iu)[à-é]", "É", true),
        ("()", "x", true),
        ("(?)a", "a", true),
        ("(?ci)a", "A", true),
    ]);
}

#[test]
fn brackets_unite_and_intersect() {
    check(&[
        ("^[a-z&&[^b]]$", "a", true),
        ("^[a-z&&[^b]]$", "b", false),
        ("^[a-z&&d-m]$", "c", false),
        ("^[a-z&&d-m&&[k-z]]$", "l", true),
        ("^[a-z&&d-m&&[k-z]]$", "e", false),
        ("^[^a-z&&d-m]$", "c", true),
        ("^[^a-z&&d-m]$", "e", false),
        ("^[a-d[m-p]]$", "n", true),
        ("^[[a][b]]$", "b", true),
        ("^[a&b]$", "&", true),
        ("^[a&&]$", "a", true),
        ("^[&&a]$", "a", true),
        ("^[]a]$", "]", true),
        ("^[^]a]$", "]", false),
        ("^[a-]$", "-", true),
        ("^[-a]$", "-", true),
        ("^[a-c-e]$", "-", true),
        ("^[a-c-e]$", "d", false),
        ("^[a-[b]]$", "-", true),
        (r"^[\d-z]$", "-", true),
        (r"^[\w&&[^\d_]]$", "a", true),
        (r"^[\w&&[^\d_]]$", "1", false),
        (r"^[^\S\n]$", " ", true),
        (r"^[^\S\n]$", "\n", false),
        (r"^[\Q^-]\E]$", "-", true),
        (r"^[\]\[]$", "[", true),
        (r"^[\x41-\u0043]$", "B", true),
        ("^[a^]$", "^", true),
        ("^[.]$", "x", false),
        ("^[a~~b]$", "~", true),
        (r"^[\v-\x0d]$", "\u{c}", true),
        (r"^[\t-\v]$", "\u{c}", false),
        (r"^[\v]$", "\n", true),
        ("(?x)^[a b]$", " ", false),
        ("(?x)^[a # b\n c]$", "c", true),
    ]);
}

#[test]
fn properties_have_javas_names() {
    check(&[
        (r"^\p{Alpha}$", "é", false),
        (r"(?U)^\p{Alpha}$", "é", true),
        (r"^\p{Lower}$", "a", true),
        (r"(?i)^\p{Lower}$", "A", true),
        (r"(?i)^\p{Lu}$", "a", true),
        (r"^\p{Punct}$", "~", true),
        (r"^\p{Graph}$", " ", false),
        (r"^\p{Print}$", " ", true),
        (r"^\p{Blank}$", "\t", true),
        (r"^\p{Cntrl}$", "\u{7f}", true),
        (r"^\p{XDigit}$", "g", false),
        (r"^\p{Space}$", "\u{b}", true),
        (r"^\p{ASCII}$", "é", false),
        (r"^\P{ASCII}$", "é", true),
        (r"^\p{L}\pN$", "é1", true),
        (r"^\PL$", "1", true),
        (r"^\p{IsAlphabetic}$", "é", true),
        (r"^\p{IsLatin}$", "é", true),
        (r"^\p{IsGreek}$", "é", false),
        (r"^\p{script=Greek}$", "α", true),
        (r"^\p{sc=Grek}$", "α", true),
        (r"^\p{gc=Lu}$", "A", true),
        (r"^\p{IsLu}$", "A", true),
        (r"^\p{IsWhite_Space}$", "\u{a0}", true),
        (r"^\p{javaWhitespace}$", "\u{a0}", false),
        (r"^\p{javaWhitespace}$", "\u{2003}", true),
        (r"^\p{javaLowerCase}$", "é", true),
        (r"^\p{javaLetterOrDigit}$", "_", false),
        (r"^\p{javaJavaIdentifierStart}$", "$", true),
        (r"^\p{LC}$", "A", true),
        (r"^\p{L1}$", "é", true),
        (r"^\p{all}$", "é", true),
        (r"^[\p{L}&&[^\p{Lu}]]$", "A", false),
        (r"^[^\p{L}\d]$", "-", true),
        (r"^\p{Cs}$", "a", false),
    ]);
}

#[test]
fn groups_are_referred_to() {
    check(&[
        (r"(a)\1", "aa", true),
        (r"(a)\1", "ab", false),
        (r"(?i)(a)\1", "aA", true),
        (r"(?<x>b)\k<x>", "bb", true),
        (r"(?<x1>b)\1", "bb", true),
        (r"(a)\11", "aa1", true),
        (r"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\11", "abcdefghija1", true),
        (
            r"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)\11",
            "abcdefghijkk",
            true,
        ),
        (r"(a)\2", "aa", false),
        (r"(?:(a)|b)\1", "b", false),
        (r"(?:\2x|(y)(a))+$", "yaax", true),
        ("(?<=a)b", "ab", true),
        ("(?<!a)b", "ab", false),
        ("(?<=a|bc)d", "bcd", true),
        ("(?<=a{1,3})d", "aad", true),
        ("(?<=a+)d", "aad", true),
        ("(?<!a+)d", "aad", false),
        ("a(?!b)", "ab", false),
        ("a(?=b)", "ab", true),
    ]);
}

#[test]
fn escapes_stand_for_characters() {
    check(&[
        (r"^\x41$", "A", true),
        (r"^\x{1F600}$", "😀", true),
        (r"^\u0041$", "A", true),
        (r"^\ud83d\ude00$", "😀", true),
        (r"^\0101$", "A", true),
        (r"^\0401$", " 1", true),
        (r"^\07$", "\u{7}", true),
        (r"^\cA$", "\u{1}", true),
        (r"^\t\n\r\f\a\e$", "\t\n\r\u{c}\u{7}\u{1b}", true),
        (r"^\-\_\.\ $", "-_. ", true),
        (r"^\é$", "é", true),
        (r"^\Qa.b\E$", "a.b", true),
        (r"^\Qa.b", "a.b", true),
        (r"^\Q\E$", "", true),
        (r"(?x)^a b \ c # d$", "ab c", true),
        ("(?x)^a #x\n b$", "ab", true),
        ("(?x)^a\u{b}+$", "aa", true),
    ]);
}

#[test]
fn what_java_refuses_is_an_error() {
    let refused = [
        "(",
        ")",
        "a)",
        "[",
        "[]",
        "[^]",
        "[a",
        "[[a]",
        "{x}",
        "a{",
        "a{x}",
        "a{,2}",
        "a{2,1}",
        "a{1,x}",
        "a{1",
        "a{99999999999}",
        "*a",
        "+",
        "?",
        "a**",
        "a+*",
        "(*a)",
        "a|*b",
        "(?i)*",
        "(?#c)",
        "(?P<x>a)",
        "(?'x'a)",
        "(?<1x>a)",
        "(?<>a)",
        "(?<x a)",
        "(?<x>a)(?<x>b)",
        "(?z)",
        "(?i",
        "(?",
        r"\",
        r"\y",
        r"\i",
        r"\E",
        r"\0",
        r"\08",
        r"\x4",
        r"\x{110000}",
        r"\x{41",
        r"\u004",
        r"\k<x>",
        r"\kx",
        r"\k<x>(?<x>a)",
        r"\p{Foo}",
        r"\p{",
        r"\p{lower}",
        r"\p{isalphabetic}",
        r"\p{Greek}",
        r"[\b]",
        r"[\1]",
        r"[\R]",
        r"[b-a]",
        r"[a-\d]",
        "[&&]",
        r"\c",
        r"(a)(?<=\1)b",
        "(?<=(ab)+)c",
        r"(?<!\R*)c",
        "(?--i)a",
    ];
    for pattern in refused {
        assert_eq!(found(pattern, ""), None, "{pattern}");
    }
}

#[test]
fn what_has_no_translation_is_told() {
    for pattern in [
        r"\X",
        r"\b{g}",
        r"\N{DIGIT ONE}",
        r"\p{InGreek}",
        r"\p{javaMirrored}",
    ] {
        let error = Pattern::compile(pattern).unwrap_err();
        assert!(
            matches!(error, PatternError::Unsupported { .. }),
            "{pattern}"
        );
    }
    let nested = "(".repeat(200) + &")".repeat(200);
    assert!(Pattern::compile(&nested).is_err());
    assert!(matches!(
        Pattern::compile("((a{1000}){1000}){1000}"),
        Err(PatternError::NotCompiled { .. })
    ));
}

#[test]
fn a_mistake_points_at_its_place() {
    let message = Pattern::compile("a(?#c)b").unwrap_err().to_string();
    assert_eq!(
        message,
        "Unknown inline modifier near index 4\na(?#c)b\n    ^"
    );
}

#[test]
fn whole_matches_and_flags() {
    let cases = [
        ("a|ab", "", "ab", true),
        ("a", "", "ab", false),
        ("A.", "is", "a\n", true),
        ("a b # c", "x", "ab", true),
        ("^b$", "m", "a\nb", false),
    ];
    for (pattern, letters, text, expected) in cases {
        let flags = Flags::from_letters(letters).unwrap();
        let compiled = Pattern::compile_whole(pattern, flags).unwrap();
        assert_eq!(
            compiled.is_match(text).unwrap(),
            expected,
            "{pattern} in {text:?}"
        );
    }
    assert_eq!(Flags::from_letters("q"), None);
}

#[test]
fn matches_are_deleted() {
    let cases = [
        ("[0-9]", "a1b22c", "abc"),
        ("^(refs/heads/)", "refs/heads/main", "main"),
        ("x*", "axxb", "ab"),
        (r"(?<=a)b", "abb", "ab"),
        ("[\r\n]", "a\r\nb", "ab"),
        ("$", "a\n", "a\n"),
    ];
    for (pattern, text, rest) in cases {
        let pattern = Pattern::compile(pattern).unwrap();
        assert_eq!(pattern.delete_from(text).unwrap(), rest);
    }
    let hard = Pattern::compile(r"(a|aa)+\1c").unwrap();
    assert!(hard.is_match(&("a".repeat(60) + "bc")).is_err());
}
