//! What the JDK's (17) own evaluator and transformer answered, and what bounds hold.

use std::collections::BTreeMap;

use super::super::filter::Filter;
use super::{Content, XPathError, variables};

const LIST: &str = "<a><b i='1'>1</b><b i='2'>2</b><c> x  y </c></a>";
const PREFIXED: &str = "<s:E k='0'><s:B><x y='2'>v</x><s:B k='1'/></s:B></s:E>";
const MIXED: &str = "<a>p<b/>q<![CDATA[r]]>s<!--t--><?u w?></a>";

fn find(body: &str, expression: &str) -> Result<BTreeMap<String, String>, XPathError> {
    let filter = Filter::compile(None).unwrap();
    variables("v", &Content::read(body), expression, &filter)
}

/// The variable that is named as the expression's key, or why there is none.
fn value(body: &str, expression: &str) -> String {
    match find(body, expression) {
        Ok(variables) => variables["v"].clone(),
        Err(error) => format!("! {error}"),
    }
}

#[test]
fn nodes_are_selected_as_java_does() {
    let cases = [
        (LIST, "a/b[last()]", "2"),
        (LIST, "/a/b[@i='1']", "1"),
        (LIST, "//b[.>1]/@i", "2"),
        (LIST, "a/b[position() mod 2 = 0]", "2"),
        (LIST, "//c/preceding::b[1]", "2"),
        (LIST, "(//c/preceding::b)[1]", "1"),
        (LIST, "//b[following-sibling::c][1]", "1"),
        (LIST, "a/c[normalize-space()='x y']", " x  y "),
        (LIST, "//b[sum(../b)=3][2]", "2"),
        (LIST, "a/b[1=1=1]", "2"),
        (LIST, "//*[self::b and not(@i=1)]", "2"),
        (LIST, "//b[substring('12345', 1.5, 2.6)='234']", "2"),
        (LIST, "//b[translate(., '12', 'x')='x']", "1"),
        (LIST, "a[b!=b]/b[1]", "1"),
        (LIST, "a[b<c]/b", ""),
        (LIST, "id('1')", ""),
        (LIST, "//@i/self::*", ""),
        (MIXED, "//text()[2]", "q"),
        (MIXED, "//text()[.='qrs']", "q"),
        (MIXED, "//a[string-length()=4]/comment()", "<!--t-->\n"),
        (MIXED, "//processing-instruction('u')", "<?u w?>\n"),
        ("<a><![CDATA[r]]></a>", "//text()", ""),
        ("<a><![CDATA[r]]></a>", "a/text()", "<![CDATA[r]]>"),
        ("<a b=''/>", "//@b", ""),
        ("<?xml version='1.1'?><a>1</a>", "/a", "1"),
        (
            "<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>",
            "/a",
            "Ã©",
        ),
        ("\u{feff}<a>&#x41;&lt;\r\n</a>", "/a", "A<\n"),
    ];
    for (body, expression, expected) in cases {
        assert_eq!(value(body, expression), expected, "{expression} in {body}");
    }
}

/// A prefix is a part of a name: steps look behind it, Java's index of names does not.
#[test]
fn prefixes_are_not_namespaces() {
    let cases = [
        ("//s:B", ""),
        ("/s:E/s:B", ""),
        ("//self:B", ""),
        ("//s:*", ""),
        ("//B", ""),
        ("//B[@k]", ""),
        ("//B[2]", ""),
        ("//B[1]/@k", "1"),
        ("/E/B/x", "v"),
        ("E//x", "v"),
        ("//B/x", "v"),
        ("//*[local-name()='x']", "v"),
        ("//*[name()='s:B']/x", "v"),
        ("//x[namespace-uri()='']", "v"),
    ];
    for (expression, expected) in cases {
        assert_eq!(value(PREFIXED, expression), expected, "{expression}");
    }
}

#[test]
fn what_is_no_path_to_nodes_fails() {
    let cases = [
        (
            LIST,
            "count(//b)",
            "the expression gives a number, not nodes",
        ),
        (LIST, "'b'", "the expression gives a text, not nodes"),
        (
            LIST,
            "true()",
            "the expression gives true or false, not nodes",
        ),
        (LIST, "//b[", "XPath, character 5: expected a step"),
        (
            LIST,
            "a b",
            "XPath, character 4: expected an operator before this name",
        ),
        (LIST, "/a/", "XPath, character 4: expected a step"),
        (LIST, "f()", "XPath: there is no function f()"),
        (LIST, "x:f()", "XPath: there is no function x:f()"),
        (
            LIST,
            "//b[count()]",
            "XPath: count() does not take 0 arguments",
        ),
        (LIST, "//b[$x]", "there is no variable $x"),
        (
            LIST,
            "//b/namespace::*",
            "XPath: the axis namespace is not emulated",
        ),
        (
            LIST,
            "'b",
            "XPath, character 1: expected the closing quote of this text",
        ),
        (
            "<a x:y='1'/>",
            "/a",
            "the prefix of the attribute \"x:y\" is not declared within the node",
        ),
        (
            "{}",
            "/a",
            "the content is not XML: line 1: not well-formed: text outside the root element",
        ),
        (
            "<!DOCTYPE a><a/>",
            "/a",
            "the content is not XML: line 1: a document type (DOCTYPE) is not allowed",
        ),
    ];
    for (body, expression, expected) in cases {
        assert_eq!(
            value(body, expression),
            format!("! {expected}"),
            "{expression}"
        );
    }
}

#[test]
fn nodes_are_written_as_the_jdk_indents_them() {
    let cases = [
        ("<a>t<b/></a>", "<a>\n    t\n    <b/>\n</a>\n"),
        ("<a> <b/></a>", "<a>\n     \n    <b/>\n</a>\n"),
        (
            "<a>\n\n  t<b/>u\n</a>",
            "<a>\n      t\n    <b/>\n    u\n\n</a>\n",
        ),
        (
            "<a><b/>t<![CDATA[x]]><c/></a>",
            "<a>\n    <b/>t<![CDATA[x]]>\n    <c/>\n</a>\n",
        ),
        (
            "<a><b/><e/><![CDATA[x]]></a>",
            "<a>\n    <b/>\n    <e/>\n    <![CDATA[x]]>\n</a>\n",
        ),
        (
            "<a>5<![CDATA[1]]><!--c--></a>",
            "<a>5<![CDATA[1]]>\n    <!--c--></a>\n",
        ),
        (
            "<a xml:space='preserve'> <b/> </a>",
            "<a xml:space=\"preserve\"> <b/> </a>\n",
        ),
        (
            "<a b='2' a='1' xmlns:z='u' z:k='4'><x/></a>",
            "<a xmlns:z=\"u\" a=\"1\" b=\"2\" z:k=\"4\">\n    <x/>\n</a>\n",
        ),
        (
            "<a x='&lt;&gt;&amp;&quot;&#9;é😀'><b/></a>",
            "<a x=\"&lt;&gt;&amp;&quot;&#9;é&#128512;\">\n    <b/>\n</a>\n",
        ),
        (
            "<a>&lt;\"&#13;&#x85;<b/></a>",
            "<a>\n    &lt;\"&#13;&#133;\n    <b/>\n</a>\n",
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(value(body, "/*"), expected, "{body}");
    }
}

#[test]
fn leaves_are_counted_as_the_plugin_counts_them() {
    let body = "<l>\n<i><n>1</n></i>\n<i><n>2</n></i>\n<e/><m>t<n>3</n></m></l>";
    let names_of = |expression: &str| -> Vec<(String, String)> {
        let mut found = find(body, expression).unwrap();
        found.remove("v");
        found.into_iter().collect()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        names_of("/l"),
        [
            pair("v_i_0_n", "1"),
            pair("v_i_1_n", "2"),
            pair("v_m_3_n", "3")
        ]
    );
    assert_eq!(names_of("//i"), [pair("v_0_n", "1"), pair("v_1_n", "2")]);
    assert_eq!(find(body, "//n").unwrap()["v"], "3", "the last leaf wins");
}

#[test]
fn hostile_expressions_and_contents_end() {
    let many = format!("<a>{}</a>", "<b><c/></b>".repeat(20_000));
    let deep = format!("{}{}", "<a>".repeat(300), "</a>".repeat(300));
    let wide = format!(
        "{}{}{}",
        "<a>".repeat(250),
        "<b/>".repeat(50_000),
        "</a>".repeat(250)
    );
    let attributes: String = (0..9_000).map(|n| format!(" a{n}='1'")).collect();
    let attributes = format!("<r>{}</r>", format!("<a{attributes}/>").repeat(20));
    let cdata = format!("<a>{}</a>", "<![CDATA[]]>".repeat(200_000));
    let nested = format!("{}1{}", "a[not(".repeat(50), ")]".repeat(50));
    let groups = format!("{}a{}", "(".repeat(4_000), ")".repeat(4_000));
    let cases = [
        (many.as_str(), "//*[//*[//*]]", "more than 2000000 steps"),
        (
            &many,
            "//b[following::b = preceding::c]",
            "more than 2000000 steps",
        ),
        (
            &many,
            "//b/following-sibling::b[1]",
            "more than 2000000 steps",
        ),
        (
            &many,
            "//b/preceding-sibling::b[1]",
            "more than 2000000 steps",
        ),
        (&attributes, "//@*/preceding::*", "more than 2000000 steps"),
        (&deep, "/a", "more than 256 elements inside each other"),
        (&wide, "/a", "exceed 8388608 bytes"),
        (LIST, &groups, "more than 10 parentheses"),
        (LIST, &"a/".repeat(2_000), "more than 100 operators"),
        (LIST, &"a[".repeat(2_000), "more than 100 operators"),
        (LIST, &"a".repeat(20_000), "more than 10000 bytes"),
    ];
    for (body, expression, expected) in cases {
        let answer = value(body, expression);
        assert!(answer.contains(expected), "{answer:.200}");
    }
    assert_eq!(value(&cdata, "//text()"), "");
    assert_eq!(value(&attributes, "//a[2]/b"), "");
    assert_eq!(find(LIST, &nested).map(|found| found.len()), Ok(3));
}
