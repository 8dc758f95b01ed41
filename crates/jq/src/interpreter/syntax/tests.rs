//! The grammar by example: what groups how, and what jq says of mistakes.

use std::time::Duration;

use super::super::{Answer, Interpreter, Until};
use crate::value::Value;

fn first(interpreter: &Interpreter, text: &str) -> String {
    let program = interpreter
        .compile(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    let time = Duration::from_secs(10);
    let input = Value::parse(b"{\"a\":1,\"b\":\"s\",\"l\":[1,2,3],\"n\":null}").unwrap();
    match interpreter.run(&program, input, time, Until::after(time)) {
        Answer::Output(json) => String::from_utf8(json).unwrap(),
        Answer::Empty => "empty".to_owned(),
        Answer::Error(message) => format!("error: {message}"),
        Answer::Exceeded(bound) => format!("exceeded: {bound}"),
    }
}

#[test]
fn operators_group_as_in_jq() {
    let interpreter = Interpreter::new();
    for (text, output) in [
        ("1 - 2 - 3", "-4"),
        ("@main", "error: main is not a valid format"),
        ("2 + 3 * 4", "14"),
        ("[-.a * 2, -1 + 2, 2 - -1]", "[-2,1,3]"),
        ("[1, 2 | . + 1]", "[2,3]"),
        ("null // false // 3", "3"),
        (".a // 2 | . + 1", "2"),
        ("[false and true or true]", "[true]"),
        ("1 + 2 == 3 and 4 > 3", "true"),
        ("[.l[] as $x | $x, 5]", "[1,5,2,5,3,5]"),
        ("[1, 2 as $y | [$y]]", "[1,[2]]"),
        ("2 + 1 as $x | $x * 2", "6"),
        ("[- 1 as $x | $x + 1]", "[0]"),
        (
            "{a: 1 + 2, b: .a | . + 1, c: .n // 3}",
            "{\"a\":3,\"b\":2,\"c\":3}",
        ),
        ("[(1,2) + (10,20)]", "[11,12,21,22]"),
        ("[\"\\(1,2) \\(3,4)\"]", "[\"1 3\",\"2 3\",\"1 4\",\"2 4\"]"),
        ("[.l[0,1] + 1]", "[2,3]"),
        ("[[[1,2],[3,4]] | .[0,1][0,1]]", "[1,3,2,4]"),
        ("try error(\"x\") // 5", "5"),
        (".a.b? // \"d\"", "\"d\""),
        ("[.a?, .b.c?, (.b.c)?]", "[1]"),
        ("reduce range(3) as $x (0; .+1, .*10)", "0"),
        ("[foreach range(3) as $x (0; .+1, .*10)]", "[1,0,1,0,1,0]"),
        (
            "[foreach range(3) as $x (5; if $x == 1 then empty else . + 1 end)]",
            "[6,1]",
        ),
        ("[[1,2]] | .[] as [$a] ?// $a | [$a]", "[1]"),
        (
            "[3] | . as [$a] ?// $b | if $a != null then error(\"e\") else [$a, $b] end",
            "[null,[3]]",
        ),
        ("reduce [[1],2][] as [$x] ?// $x (0; . + $x)", "3"),
        ("def f($a; g): a + g; f(1; 2)", "3"),
        ("[pow(2, 3; 1, 2)]", "[2,3,4,9]"),
        (
            "{\"a\": 1, @base64 \"x\": 2, $__loc__, (\"k\"): 3}.__loc__.line",
            "1",
        ),
        (". as {a: $x, $b, l: [$y]} | [$x, $b, $y]", "[1,\"s\",1]"),
        ("[limit(2; repeat(1))] # a comment", "[1,1]"),
        ("\"\\u00e9\\ud83d\\ude00\\n\"", "\"é😀\\n\""),
        (
            "def tostring: 0; def null: 1; \"\\(2, 3)\", ([] | . as [[$a]] ?// $b | $a)",
            "\"2\"",
        ),
        (
            "def null: 1; [4] | . as [[$a]] ?// [$b] | [$a, $b]",
            "[null,4]",
        ),
        ("@foo", "error: foo is not a valid format"),
    ] {
        assert_eq!(first(&interpreter, text), output, "{text}");
    }
}

#[test]
fn mistakes_are_told_in_jqs_words_with_their_place() {
    let interpreter = Interpreter::new();
    for (text, message, position) in [
        ("", "Top-level program not given (try \".\")", 0),
        ("foo", "foo/0 is not defined", 0),
        ("__main", "__main/0 is not defined", 0),
        (".a | foo(1; 2)", "foo/2 is not defined", 5),
        (". + $x", "$x is not defined", 4),
        ("break $x", "$*label-x is not defined", 6),
        (
            ".a b",
            "syntax error, unexpected IDENT, expecting end of file",
            3,
        ),
        (
            "1 2",
            "syntax error, unexpected LITERAL, expecting end of file",
            2,
        ),
        (
            ".a.",
            "syntax error, unexpected end of file, expecting FORMAT or QQSTRING_START or '['",
            3,
        ),
        (
            "(1",
            "syntax error, unexpected end of file, expecting '|' or ',' or ')'",
            2,
        ),
        ("[1,]", "syntax error, unexpected ']'", 3),
        ("1 == 2 == 3", "syntax error, unexpected ==", 7),
        (".a = 1 = 2", "syntax error, unexpected '='", 7),
        ("{a b}", "syntax error, unexpected IDENT, expecting '}'", 3),
        ("{(1)}", "syntax error, unexpected '}', expecting ':'", 4),
        (
            ". as x | 1",
            "syntax error, unexpected IDENT, expecting BINDING or '[' or '{'",
            5,
        ),
        ("if 1 then 2", "syntax error, unexpected end of file", 11),
        ("\"\\q\"", "Invalid escape", 1),
        (
            "\"abc",
            "syntax error, unexpected end of file, expecting QQSTRING_TEXT or QQSTRING_INTERP_START or QQSTRING_END",
            4,
        ),
        ("\"é\" | &", "syntax error, unexpected INVALID_CHARACTER", 7),
        (
            ".a?//1",
            "syntax error, unexpected ?//, expecting end of file",
            2,
        ),
        ("import \"a\" as a; 1", "modules are not available", 0),
    ] {
        let error = interpreter
            .compile(text)
            .err()
            .unwrap_or_else(|| panic!("{text} compiled"));
        assert_eq!(
            (error.message.as_str(), error.position),
            (message, position),
            "{text}"
        );
    }
}
