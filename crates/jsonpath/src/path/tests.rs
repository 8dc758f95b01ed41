use super::{EvaluationError, ParseError, Path};
use crate::json::{self, Layout};

const DOCUMENT: &str = r#"{
    "text": "str", "number": 5, "nothing": null, "yes": true, "empty": {}, "none": [],
    "list": [10, 20, 30, 40], "words": ["a", "dog"], "odd": {"x y": 1, "p.q": 2, "it's": 3},
    "items": [
        {"id": 1, "name": "a", "tags": ["x", "y"], "price": 5.5, "on": true},
        {"id": 2, "name": "b", "tags": ["y"], "price": 20},
        {"id": "3", "name": "cAt", "price": null, "o": {"k": [1, {"l": 2}]}},
        {"name": "dog", "deep": {"id": 9}}
    ],
    "tree": {"name": "root", "kids": [{"name": "k0", "kids": [{"name": "k00"}]}, {"name": "k1"}]}
}"#;

/// The value's JSON text, or why there is none.
fn evaluated(path: &str) -> String {
    let document = json::read(DOCUMENT).unwrap();
    match Path::parse(path) {
        Err(_) => "no path".to_owned(),
        Ok(path) => match path.evaluate(&document) {
            Ok(value) => json::text(&value, Layout::Compact).unwrap(),
            Err(EvaluationError::NotFound) => "not found".to_owned(),
            Err(EvaluationError::Refused { .. }) => "refused".to_owned(),
            Err(EvaluationError::Unfit { .. }) => "unfit".to_owned(),
            Err(EvaluationError::OutOfRange { .. }) => "out of range".to_owned(),
            Err(error) => error.to_string(),
        },
    }
}

fn check(cases: &[(&str, &str)]) {
    for (path, expected) in cases {
        assert_eq!(evaluated(path), *expected, "{path}");
    }
}

#[test]
fn steps_select_as_jayway_does() {
    check(&[
        ("$.text", r#""str""#),
        ("text", r#""str""#),
        ("@.text", r#""str""#),
        ("$.['text']", r#""str""#),
        ("$.text  ", r#""str""#),
        (" $.text", "no path"),
        ("$.nothing", "null"),
        ("$.missing", "not found"),
        ("$.missing.x", "not found"),
        ("$.text.x", "not found"),
        ("$.text[0]", "not found"),
        ("$.list[-1]", "40"),
        ("$.list[4]", "not found"),
        ("$.list[ 1 ]", "20"),
        ("$.list[0 , 2]", "[10,30]"),
        ("$.list[0,]", "no path"),
        ("$.list[+1]", "no path"),
        ("$.list[99999999999]", "no path"),
        ("$.list[1:3]", "[20,30]"),
        ("$.list[-2:4]", "[30,40,10,20,30,40]"),
        ("$.list[:-1]", "[10,20,30]"),
        ("$.list[1:-1]", "[]"),
        ("$.list[0:4:2]", "[10,20,30,40]"),
        ("$.list[:]", "no path"),
        ("$.list[::2]", "no path"),
        ("$.list[0 :2]", "no path"),
        ("$.text[*]", "[]"),
        ("$.text.*", "[]"),
        ("$.none[*].x", "[]"),
        ("$.odd['x y']", "1"),
        (r#"$.odd["p.q"]"#, "2"),
        (r"$.odd['it\'s']", "3"),
        (r"$.odd['it\u0027s']", "3"),
        (r"$.odd['it\u00']", "not found"),
        (r"$.odd['\uzzzz']", "no path"),
        ("$.odd['p.q','x y','zz']", r#"{"p.q":2,"x y":1}"#),
        ("$.odd['p.q','p.q']", r#"{"p.q":2}"#),
        ("$.odd['zz','z']", "{}"),
        ("$.odd['p.q',]", "no path"),
        ("$.odd['p.q' 'x']", "no path"),
        ("$.tree['name','kids'][*].name", r#"["k0","k1"]"#),
        ("$.items[0]['id','name']", r#"{"id":1,"name":"a"}"#),
        ("$.text.", "no path"),
        ("$.text..", "no path"),
        ("$...text", "no path"),
        ("$text", "no path"),
        ("$.te xt", "no path"),
        ("", "no path"),
        ("   ", "no path"),
        ("$.items[(@.length-1)]", "no path"),
        ("$.items[?]", "no path"),
    ]);
}

#[test]
fn one_last_character_after_a_step_is_overlooked() {
    check(&[
        ("$.text[", r#""str""#),
        ("$.list[0]x", "10"),
        ("$.items[0]name", r#""a""#),
        ("$.list.length()..x", "not found"),
        ("$.items]", "not found"),
    ]);
}

#[test]
fn dots_descend_and_leave_an_index_behind() {
    check(&[
        ("$..name", r#"["a","b","cAt","dog","root","k0","k00","k1"]"#),
        ("$.tree..name", r#"["root","k0","k00","k1"]"#),
        ("$.text..x", "[]"),
        ("$.missing..x", "not found"),
        ("$..kids[0].name", r#"["k0","k00"]"#),
        ("$..['name','kids'].name", "[]"),
        ("$.tree..[0].name", r#"["k0","k00"]"#),
        ("$.tree..[1].name", r#"["k1"]"#),
        ("$.tree..[-1].name", "[]"),
        ("$.tree..[0,1].name", "[]"),
        ("$.tree..[0:1].name", "[]"),
        ("$.tree..[5].kids[0].name", r#"["k00"]"#),
        ("$.tree..[*].name", "[]"),
        ("$..*.name", r#"["root"]"#),
        (
            "$.items..['id','name']",
            r#"[{"id":1,"name":"a"},{"id":2,"name":"b"},{"id":"3","name":"cAt"}]"#,
        ),
        ("$.items..*[0]", r#"["x","y",1]"#),
        (
            "$..[?(@.name=='k0')]",
            r#"[{"name":"k0","kids":[{"name":"k00"}]}]"#,
        ),
    ]);
}

#[test]
fn filters_compare() {
    let all = r#"["a","b","cAt","dog"]"#;
    for (condition, expected) in [
        ("@.id", r#"["a","b","cAt"]"#),
        ("!@.id", r#"["dog"]"#),
        ("@.price", r#"["a","b","cAt"]"#),
        ("@.id == 1", r#"["a"]"#),
        ("@.id == '1'", r#"["a"]"#),
        ("@.id == '1.0'", r#"["a"]"#),
        ("@.id == 3", r#"["cAt"]"#),
        ("@.id == 3.0", "[]"),
        ("3.0 == @.id", r#"["cAt"]"#),
        ("1 == @.id", r#"["a"]"#),
        ("@.id === 1", r#"["a"]"#),
        ("@.id === '1'", "[]"),
        ("@.id !== '3'", r#"["a","b","dog"]"#),
        ("@.id != 1", r#"["b","cAt","dog"]"#),
        ("@.id <> 1", "no path"),
        ("@.id = 1", "no path"),
        ("@.id > 1", r#"["b"]"#),
        ("@.id >= 1", r#"["a","b"]"#),
        ("@.id < 2", r#"["a"]"#),
        ("@.name < 'b'", r#"["a"]"#),
        ("@.name <= 'b'", r#"["a","b"]"#),
        ("@.price == null", r#"["cAt"]"#),
        ("@.missing == null", "[]"),
        ("@.missing != null", all),
        ("@.missing == @.missing", "[]"),
        ("@.on == true", r#"["a"]"#),
        ("@.on == 'true'", "[]"),
        ("@.tags == ['x','y']", r#"["a"]"#),
        ("['x','y'] == @.tags", "[]"),
        ("@.tags == ['y','x']", "[]"),
        (r#"@.o == {"k": [1, {"l": 2}]}"#, r#"["cAt"]"#),
        ("@.deep == {'id': 9}", r#"["dog"]"#),
        ("@.deep == {'id': 9.0}", "[]"),
        ("@.tags == [", "no path"),
        ("@.price < @.id", "[]"),
        ("@.name == $.words[1]", r#"["dog"]"#),
        ("$.words[1] == @.name", r#"["dog"]"#),
        ("@.name == 'it\\'s'", "[]"),
        (r#"@["name"] == "a""#, r#"["a"]"#),
        ("@['name']=='a'", r#"["a"]"#),
        ("@.tags[0] == 'y'", r#"["b"]"#),
        ("@.deep.id == 9", r#"["dog"]"#),
        ("@.id.x == 9", "[]"),
        ("$.number", "[]"),
        ("1", "no path"),
        ("@.id ==", "no path"),
        ("", "no path"),
        ("@.id foo 1", "no path"),
    ] {
        let path = format!("$.items[?({condition})].name");
        assert_eq!(evaluated(&path), expected, "{condition}");
    }
}

#[test]
fn filters_join_conditions() {
    for (condition, expected) in [
        ("@.id && @.deep", "[]"),
        ("@.id == 1 || @.deep", r#"["a","dog"]"#),
        ("@.id == 1 && @.on || @.deep", r#"["a","dog"]"#),
        ("@.id == 1 && (@.off || @.on)", r#"["a"]"#),
        ("!(@.id == 1)", r#"["b","cAt","dog"]"#),
        ("!(!(@.id == 1))", r#"["a"]"#),
        ("!(@.id) && @.name", r#"["dog"]"#),
        ("(@.id == 1) || (@.id == 2)", r#"["a","b"]"#),
        ("!@.id == 1", r#"["a"]"#),
        ("@.id == 1 &&", "no path"),
        ("@.id == 1 & @.on", "no path"),
        ("(@.id == 1", "no path"),
        // Without blanks the whole is one name.
        ("@.id&&@.on", "[]"),
    ] {
        let path = format!("$.items[?({condition})].name");
        assert_eq!(evaluated(&path), expected, "{condition}");
    }
}

#[test]
fn filters_look_into_lists_and_strings() {
    for (condition, expected) in [
        ("@.name in ['a', 'dog']", r#"["a","dog"]"#),
        ("@.name IN ['a']", r#"["a"]"#),
        ("@.name nin ['a', 'dog']", r#"["b","cAt"]"#),
        ("@.name in $.words", r#"["a","dog"]"#),
        ("@.name in $.missing", "[]"),
        ("@.name nin $.missing", "[]"),
        ("@.name in 'a'", "[]"),
        ("@.name in {'a': 1}", "[]"),
        ("@.name nin {'a': 1}", r#"["a","b","cAt","dog"]"#),
        ("@.id in [1, '2']", r#"["a","b"]"#),
        ("@.id in [[1]]", "refused"),
        ("'a' in @.tags", "[]"),
        ("@.tags contains 'x'", r#"["a"]"#),
        ("@.name contains 'o'", r#"["dog"]"#),
        ("@.id contains 1", "[]"),
        ("@.tags size 2", r#"["a"]"#),
        ("@.name size 3", r#"["cAt","dog"]"#),
        ("@.name size '3'", "[]"),
        ("@.deep size 1", "[]"),
        ("@.tags empty false", r#"["a","b"]"#),
        ("@.name empty false", r#"["a","b","cAt","dog"]"#),
        ("@.deep empty false", "refused"),
        ("@.tags empty 1", "[]"),
        ("@.tags anyof ['x', 'z']", r#"["a"]"#),
        ("@.tags noneof ['x', 'z']", r#"["b"]"#),
        ("@.tags subsetof ['x', 'y', 'z']", r#"["a","b"]"#),
        ("@.tags subsetof ['x']", "[]"),
        ("@.tags all ['x']", "[]"),
        ("@.on exists true", r#"["a"]"#),
        ("@.name type 'x'", "[]"),
    ] {
        let path = format!("$.items[?({condition})].name");
        assert_eq!(evaluated(&path), expected, "{condition}");
    }
}

#[test]
fn strings_of_lists_are_read_once_more() {
    let document = json::read(
        r#"{"list": ["$.a", "$", "a$", "[1]", "'q'", "back\\nslash"], "q": "q", "nl": "back\nslash"}"#,
    )
    .unwrap();
    for (condition, holds) in [
        ("@.list contains '$.a'", false),
        ("@.list contains '$'", false),
        ("@.list contains 'a$'", true),
        ("@.list contains '[1]'", false),
        ("@.list contains \"'q'\"", false),
        ("@.q in @.list", true),
        ("@.nl in @.list", true),
    ] {
        let path = Path::parse(&format!("$[?({condition})]")).unwrap();
        let value = path.evaluate(&document).unwrap();
        assert_eq!(value != json::Node::Array(Vec::new()), holds, "{condition}");
    }
}

#[test]
fn filters_match_whole_values() {
    for (condition, expected) in [
        ("@.name =~ /c.t/", r#"["cAt"]"#),
        ("@.name=~/c.T/i", r#"["cAt"]"#),
        ("@.name =~ /A|B/i", r#"["a","b"]"#),
        ("@.name =~ /o/", "[]"),
        ("/.*o.*/ =~ @.name", r#"["dog"]"#),
        ("@.id =~ /[12]/", r#"["a","b"]"#),
        ("@.on =~ /tr.e/", r#"["a"]"#),
        ("@.tags =~ /y/", r#"["a","b"]"#),
        ("@.missing =~ /.*/", r#"["a","b","cAt","dog"]"#),
        ("@.name =~ 'a'", "[]"),
        ("@.name =~ /(/", "no path"),
        ("@.name =~ /a", "no path"),
        (r"@.name =~ /a\/b/", "[]"),
    ] {
        let path = format!("$.items[?({condition})].name");
        assert_eq!(evaluated(&path), expected, "{condition}");
    }
}

#[test]
fn filters_test_what_they_stand_behind() {
    check(&[
        ("$.list[?(@ > 15)]", "[20,30,40]"),
        ("$.list[?(@ == 20)]", "[20]"),
        (
            "$.odd[?(@['p.q'] == 2)]",
            r#"[{"x y":1,"p.q":2,"it\u0027s":3}]"#,
        ),
        ("$.odd[?(@['p.q'] == 3)]", "[]"),
        ("$.text[?(@.x)]", "unfit"),
        ("$.missing[?(@.x)]", "not found"),
        ("$.items[*].name[?(@.x)]", "[]"),
        ("$.items[?(@.tags[?(@ == 'x')])].name", r#"["a","b"]"#),
        ("$.items[?(@.name == 'a' )]['id']", "[1]"),
        ("$.items[?( @.name == 'a' ) ].id", "[1]"),
        ("$.items[?@.id].name", "no path"),
        // What an indefinite path selects is a list, and there even if empty.
        ("$.items[?(@..zz)].name", r#"["a","b","cAt","dog"]"#),
        ("$.items[?(@.*.zz)].name", r#"["a","b"]"#),
        ("$.items[?(@.*)].id", r#"[1,2,"3"]"#),
        // `$` in such a question is the item.
        ("$.items[?($.deep)].name", r#"["dog"]"#),
    ]);
}

#[test]
fn functions_take_a_value_and_arguments() {
    check(&[
        ("$.list.length()", "4"),
        ("$.list.size()", "4"),
        ("$.odd.length()", "3"),
        ("$.length()", "11"),
        ("$.text.length()", "null"),
        ("$.missing.length()", "not found"),
        ("$.items[*].length()", "[5,4,4,2]"),
        ("$.items[*].name.length()", "[null,null,null,null]"),
        ("$.items[?(@.name == 'a')].length()", "[5]"),
        ("$.items[?(@.name == 'zz')].length()", "[]"),
        ("$.items[?(@.tags.length() == 2)].name", r#"["a"]"#),
        ("$.items[?(@.tags.foo() == 2)].name", "[]"),
        ("$..tags.length()", "3"),
        ("$.length($.list)", "11"),
        ("$.length($..tags)", "3"),
        ("$.length(1)", "refused"),
        ("$.list.min()", "10.0"),
        ("$.list.max()", "40.0"),
        ("$.nothing.max(-2, -1)", "4.9E-324"),
        ("$.nothing.min(-2, -1)", "-2.0"),
        ("$.list.avg()", "25.0"),
        ("$.list.sum()", "100.0"),
        ("$.list.stddev()", "11.180339887498949"),
        ("$.list.sum(5, $.number)", "110.0"),
        ("$.sum($.list, 1)", "101.0"),
        ("$.none.sum()", "refused"),
        ("$.text.sum()", "refused"),
        ("$.odd.keys()", r#"["x y","p.q","it\u0027s"]"#),
        ("$.list.keys()", "null"),
        ("$.list.first()", "10"),
        ("$.list.last()", "40"),
        ("$.list.index(1)", "20"),
        ("$.list.index(-3)", "20"),
        ("$.list.index(-4)", "refused"),
        ("$.list.index(4)", "out of range"),
        ("$.list.index()", "out of range"),
        ("$.text.first()", "refused"),
        ("$.none.first()", "out of range"),
        ("$.list.append(50)", "[10,20,30,40,50]"),
        ("$.list.append(50).sum()", "150.0"),
        ("$.list.append(50, 60).length()", "6"),
        ("$.words.concat()", r#""adog""#),
        (r#"$.words.concat("-", $.text, 7)"#, r#""adog-str7""#),
        (r#"$.concat($.list)"#, r#""10203040""#),
        ("$.list.foo()", "unfit"),
        ("$.list.length", "not found"),
        ("$.list.length(", "no path"),
        ("$.list.length().x", "not found"),
        ("$.concat($.missing)", "not found"),
    ]);
}

#[test]
fn mistakes_tell_where_and_what() {
    let cases = [
        ("$.a[", None),
        (
            "$.a[x]",
            Some("at character 3: expected a name, an index, '*' or '?' after '['"),
        ),
        (
            "$.a b",
            Some("at character 2: expected ['…'] around a name with blanks"),
        ),
        (
            "$.a[?(@.b =~ /(/)]",
            Some("a filter's regular expression: Unclosed group near index 1\n("),
        ),
    ];
    for (path, expected) in cases {
        let message = Path::parse(path).err().map(|error| error.to_string());
        assert_eq!(message.as_deref(), expected, "{path}");
    }
}

#[test]
fn paths_have_limits() {
    let nested = format!("$.a{}", "[?(@.a".repeat(30)) + &")]".repeat(30);
    let cases = [
        (format!("$.{}", "a".repeat(5000)), ParseError::TooLong),
        (format!("${}", ".a".repeat(200)), ParseError::TooManySteps),
        (nested, ParseError::TooDeep),
        (
            format!("$[?({}@.a{})]", "!(".repeat(30), ")".repeat(30)),
            ParseError::TooDeep,
        ),
        (
            format!("$.a[?(@.a =~ /a/{})]", " || @.a =~ /a/".repeat(20)),
            ParseError::TooManyPatterns,
        ),
    ];
    for (path, expected) in cases {
        assert_eq!(Path::parse(&path).unwrap_err(), expected, "{}", &path[..20]);
    }
}

#[test]
fn evaluations_have_limits() {
    let deep = format!(
        "{}1{}",
        "{\"a\":[".repeat(190) + "{\"z\":",
        "}".to_owned() + &"]}".repeat(190)
    );
    let wide = format!("[{}]", "1,".repeat(20_000));
    let chain = format!("$..a{}..missing", "..a".repeat(40));
    let cases = [
        (deep.as_str(), chain.as_str(), EvaluationError::TooMuchWork),
        (
            deep.as_str(),
            "$..[?(@.z && $..[?(@.z && $..[?(@.z && $..[?(@.z)] == 1)] == 1)] == 1)]",
            EvaluationError::TooDeep,
        ),
        (wide.as_str(), "$[?(@ in $)]", EvaluationError::TooMuchWork),
        (
            wide.as_str(),
            "$[*].append($, $, $)",
            EvaluationError::TooLarge,
        ),
    ];
    for (document, path, expected) in cases {
        let document = json::read(document).unwrap();
        let result = Path::parse(path).unwrap().evaluate(&document);
        assert_eq!(result.unwrap_err(), expected, "{path}");
    }
}
