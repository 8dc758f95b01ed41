//! Texts as long and as deep as they come.

use longshore_jq::{Evaluated, Program};
use serde_json::json;

use super::{evaluator, event};

/// Refused before anything evaluates them.
fn refused() -> Vec<String> {
    vec![
        "[".repeat(100_000),
        "[".repeat(16_000),
        "{a:".repeat(5_000),
        "(".repeat(200) + "." + &")".repeat(200),
        "-".repeat(16_000) + "1",
        "try ".repeat(4_000) + ".",
        ". as $x | ".repeat(1_600) + ".",
        "if ".repeat(5_000),
        "\"\\(".repeat(5_000),
        "\"]]]\" | [".repeat(1_600),
        "def f: ".repeat(2_000) + ".",
        "reduce ".repeat(2_000),
        "# \"\n[".repeat(3_000),
        "import \"a\" as a; .".to_owned(),
        "include \"/etc/passwd\"; .".to_owned(),
        "modulemeta".to_owned(),
        "get_search_list".to_owned(),
        "$__prog_args".to_owned(),
        "input_nope".to_owned(),
        String::new(),
    ]
}

/// Long and deep as far as is allowed, and right.
fn allowed() -> Vec<String> {
    vec![
        ".".to_owned() + &" | .".repeat(4_000),
        "1".to_owned() + &" + 1".repeat(4_000),
        "[".repeat(100) + &"]".repeat(100),
        ".a".repeat(8_000),
        ".a?".repeat(5_000),
        ".a//".repeat(4_000) + "1",
        "1,".repeat(8_000) + "1",
        "-".repeat(1_000) + "1",
        ".[0]".repeat(4_000),
        ".".to_owned() + &"?[0]?".repeat(2_000),
        "try ".repeat(1_000) + ".",
        ". as $x | ".repeat(1_000) + ".",
        "not|".repeat(4_000) + ".",
        "1".to_owned() + &"|.".repeat(8_191),
        "1+1".to_owned() + &"+1".repeat(8_190),
        "first(1)".to_owned() + &"|.".repeat(8_180),
        "1".to_owned() + &",1".repeat(8_191),
        "null".to_owned() + &"?".repeat(16_000),
    ]
}

#[test]
fn texts_beyond_the_bounds_are_refused_and_no_parser_overflows() {
    for text in refused() {
        let shown: String = text.chars().take(40).collect();
        let error = Program::compile(&text).err();
        let error = error.unwrap_or_else(|| panic!("{shown}… compiled"));
        assert!(error.position <= text.len(), "{shown}…: {error}");
    }
    for text in allowed() {
        let shown: String = text.chars().take(40).collect();
        let program = Program::compile(&text).unwrap_or_else(|error| panic!("{shown}…: {error}"));
        let _ = program.evaluate_in_process(&event());
    }
}

#[tokio::test]
async fn the_longest_allowed_texts_evaluate() {
    let evaluator = evaluator();
    for text in allowed() {
        let shown: String = text.chars().take(40).collect();
        let program = Program::compile(&text).unwrap();
        let answers = evaluator.evaluate("owner", &[&program], &json!(null)).await;
        assert!(
            !matches!(answers[0], Evaluated::Error(_) | Evaluated::Exceeded(_)),
            "{shown}…: {:?}",
            answers[0]
        );
    }
}
