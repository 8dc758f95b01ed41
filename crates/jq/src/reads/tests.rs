use super::*;

/// Each path as it would be written, with the position of its last key.
fn shown(text: &str) -> Vec<String> {
    let reads = reads(&[text]).remove(0);
    let path = |steps: &Vec<Step>| {
        let keys: Vec<&str> = steps.iter().map(|step| step.key.as_str()).collect();
        let position = steps.last().map_or(0, |step| step.position);
        format!("{}@{position}", keys.join("."))
    };
    reads.paths.iter().map(path).collect()
}

#[test]
fn paths_from_the_root_are_told_with_their_places() {
    for (text, expected) in [
        (".", vec![]),
        (".inputs", vec!["inputs@1"]),
        (".inputs.a.b", vec!["inputs.a.b@10"]),
        (".inputs?.a?", vec!["inputs.a@9"]),
        (".[\"inputs\"][\"a-b\"]", vec!["inputs.a-b@13"]),
        (".\"inputs\".\"a\\u0062\"", vec!["inputs.ab@11"]),
        (" .inputs", vec!["inputs@2"]),
        (".inputs | .a", vec!["inputs@1", "inputs.a@11"]),
        (
            "(.inputs | .a).b",
            vec!["inputs@2", "inputs.a@12", "inputs.a.b@15"],
        ),
        (".inputs.list[].x", vec!["inputs.list@8"]),
        (
            ".inputs.list[.inputs.n].x",
            vec!["inputs.list@8", "inputs.n@21"],
        ),
        (
            ".inputs.list[.inputs.n:.run.m]",
            vec!["inputs.list@8", "inputs.n@21", "run.m@28"],
        ),
        (".a // .b", vec!["a@1", "b@7"]),
        (
            "if .a then .b elif .c then .d else .e end",
            vec!["a@4", "b@12", "c@20", "d@28", "e@36"],
        ),
        (
            "{a: .b, inputs, \"c\": 1, (.d): .e}",
            vec!["b@5", "inputs@8", "d@26", "e@31"],
        ),
        ("{$x, \"y\"}", vec!["y@6"]),
        ("\"n=\\(.inputs.n) \\(.a)\"", vec!["inputs.n@13", "a@19"]),
        ("@uri \"\\(.a)\"", vec!["a@9"]),
        ("[.a, -.b]", vec!["a@2", "b@7"]),
        ("try .a catch .b", vec!["a@5"]),
        (".a as $x | $x.b", vec!["a@1", "a.b@14"]),
        ("(. as $root | .l[] | $root.a)", vec!["l@15", "a@27"]),
        (
            ".a as {b: $x, $c} | $x.d",
            vec!["a@1", "a.b@7", "a.c@15", "a.b.d@23"],
        ),
        (". as [$x] | $x.a", vec![]),
        (
            "reduce .l[] as $x (.start; .sum + $x.a + $n)",
            vec!["l@8", "start@20"],
        ),
        ("label $out | .a", vec!["a@14"]),
        (".new = .a", vec!["a@8"]),
        (".a |= .b", vec!["a@1", "a.b@7"]),
        (".a += .b | .c", vec!["b@7"]),
        (".a[] += .b[.c]", vec!["b@9", "c@12"]),
        (".a[] // .b", vec!["a@1", "b@9"]),
        (".a[.b][.c]", vec!["a@1", "b@4", "c@8"]),
        (".a[] + .b", vec!["a@1", "b@8"]),
        ("{\"x\\(.a)\"}", vec!["a@6"]),
        ("reduce .l[] as [$x] ?// $x (.a; .b)", vec!["l@8", "a@29"]),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn arguments_are_followed_where_a_function_leaves_its_input() {
    for (text, expected) in [
        ("select(.a)", vec!["a@8"]),
        ("select(.a) | .b", vec!["a@8", "b@14"]),
        (".l | join(.sep)", vec!["l@1", "l.sep@11"]),
        ("\"x\" | test(.a)", vec![]),
        ("sub(.a; .b; .c)", vec!["a@5", "c@13"]),
        ("map(.a), with_entries(.value), walk(.b)", vec![]),
        ("any(.l[]; .a)", vec!["l@5"]),
        ("first(.a, .b)", vec!["a@7", "b@11"]),
        ("def f: .a; f", vec![]),
        ("def select(f): .x | f; select(.a)", vec![]),
        (
            "def f($inputs): $inputs.a; . as $inputs | f(1) | .b",
            vec![],
        ),
        ("def f(length): length; .a | length", vec!["a@24"]),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn what_is_yielded_is_told_where_it_is_certain() {
    let path = |keys: &[(&str, usize)]| {
        let step = |(key, position): &(&str, usize)| Step {
            key: (*key).to_owned(),
            position: *position,
        };
        Yields::Path(keys.iter().map(step).collect())
    };
    for (text, expected) in [
        (".", path(&[])),
        (".inputs.a", path(&[("inputs", 1), ("a", 8)])),
        (".inputs | .a", path(&[("inputs", 1), ("a", 11)])),
        ("(.a | select(.b))?", path(&[("a", 2)])),
        ("[.a]", Yields::Kind(Kind::Array)),
        (".a | map(.x)", Yields::Kind(Kind::Array)),
        ("[] // [1]", Yields::Kind(Kind::Array)),
        ("{a: 1} | .", Yields::Kind(Kind::Object)),
        ("with_entries(.)", Yields::Kind(Kind::Object)),
        ("\"a\\(.b)\"", Yields::Kind(Kind::String)),
        (".a | tostring", Yields::Kind(Kind::String)),
        ("\"a\\(.b[])c\"", Yields::Kind(Kind::String)),
        ("@uri \"\\(.b)c\"", Yields::Kind(Kind::String)),
        ("{a: 1, b: .x[]}", Yields::Kind(Kind::Object)),
        ("1 + 2", Yields::Kind(Kind::Number)),
        (".a == 1", Yields::Kind(Kind::Boolean)),
        ("1", Yields::Kind(Kind::Number)),
        (".a[0]", Yields::Unknown),
        (".a // []", Yields::Unknown),
        ("[1] + .a", Yields::Unknown),
        ("if . then [] else {} end", Yields::Unknown),
        ("def map(f): 1; map(.)", Yields::Unknown),
    ] {
        assert_eq!(reads(&[text])[0].yields, expected, "{text}");
    }
}

#[test]
fn what_does_not_parse_and_what_is_too_large_says_little_or_nothing() {
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    for text in ["", ".a |", "'a'", ".a.b |= (", &deep] {
        assert_eq!(reads(&[text]), [Reads::default()], "{text}");
    }
    let long = ".a".repeat(8_000);
    assert_eq!(reads(&[&long])[0].paths, Vec::<Vec<Step>>::new());
    let many = vec![".a"; 4_000].join(",");
    assert_eq!(reads(&[&many])[0].paths.len(), MAX_READS);
    let piped = vec![".a"; 4_000].join("|");
    let paths = &reads(&[&piped])[0].paths;
    assert_eq!(paths.iter().map(Vec::len).max(), Some(MAX_READ_STEPS));
}

#[test]
fn each_text_has_its_answer() {
    let keys: Vec<usize> = reads(&[".a", "|", ".a.b"])
        .iter()
        .map(|reads| reads.paths.len())
        .collect();
    assert_eq!(keys, [1, 0, 1]);
}
