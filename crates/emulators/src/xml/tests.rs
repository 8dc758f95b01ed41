//! What is read and what is refused, as Java's reader does.

use super::{Document, Kind, NodeId, read};

fn told(text: &str) -> String {
    match read(text) {
        Ok(document) => document
            .children(NodeId::DOCUMENT)
            .map(|node| shape(&document, node))
            .collect(),
        Err(error) => format!("! {error}"),
    }
}

fn shape(document: &Document, node: NodeId) -> String {
    match document.kind(node) {
        Kind::Element { name } => {
            let attributes: String = document
                .attributes(node)
                .map(|(_, name, value)| format!(" {name}={value:?}"))
                .collect();
            let children: String = document
                .children(node)
                .map(|child| shape(document, child))
                .collect();
            format!("{name}{attributes}({children})")
        }
        Kind::Text(text) => format!("{text:?}"),
        Kind::CharacterData(text) => format!("[{text:?}]"),
        other => format!("{other:?}"),
    }
}

#[test]
fn well_formed_documents_are_read() {
    let cases = [
        ("<a/>", "a()"),
        (
            "\u{feff}<?xml version='1.1' encoding='UTF-8' standalone='yes'?>\r\n<a/>",
            "a()",
        ),
        (
            "<?xml version='1.0' encoding='latin1'?><a>x</a>",
            "a(\"x\")",
        ),
        ("<a>x&amp;&#65;&#x42;y</a>", "a(\"x&ABy\")"),
        ("<a>x<![CDATA[&<]]>y</a>", "a(\"x\"[\"&<\"]\"y\")"),
        ("<a\n\tc = '1\n2' b=\"'\"\n></a >", "a b=\"'\" c=\"1 2\"()"),
        ("<x:a:b/>", "x:a:b()"),
        ("<é·/>", "é·()"),
        ("<a>\r\n<b/>\r</a>", "a(\"\\n\"b()\"\\n\")"),
        ("<!----><a/>", "Comment(\"\")a()"),
        (
            "<a/><?p  d ?>",
            "a()Instruction { target: \"p\", data: \"d \" }",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(told(text), expected, "{text:?}");
    }
}

#[test]
fn what_is_not_well_formed_is_refused_with_its_line() {
    let texts = [
        "",
        " ",
        "text",
        "<a",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>text",
        "<a b=1/>",
        "<a b/>",
        "<a b='1' b='2'/>",
        "<a b='1'c='2'/>",
        "<a b='<'/>",
        "<a b='&'/>",
        "<a b='&#1;'/>",
        "<a>]]></a>",
        "<a>&x;</a>",
        "<a>&amp</a>",
        "<a>&#0;</a>",
        "<a>&#xD800;</a>",
        "<a>\u{1}</a>",
        "<a>\u{fffe}</a>",
        "<1/>",
        "< a/>",
        "<a/ >",
        "<a></ a>",
        "<-a/>",
        "<a><!-- -- --></a>",
        "<a><!-- x --->",
        "<a><?xml x?></a>",
        "<a><?XML x?></a>",
        " <?xml version='1.0'?><a/>",
        "<?xml version='1.2'?><a/>",
        "<?xml encoding='UTF-8'?><a/>",
        "<?xml version='1.0' encoding='utf-16'?><a/>",
        "<?xml version='1.0' encoding='us-ascii'?><a>é</a>",
        "<?xml version='1.0' standalone='maybe'?><a/>",
        "<?xml version='1.0'encoding='UTF-8'?><a/>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
        "<![CDATA[x]]><a/>",
        "<a/>&#32;",
        "\u{feff}\u{feff}<a/>",
        "<a><!ELEMENT b></a>",
        "<a><?p</a>",
        "<a><![CDATA[x]]</a>",
    ];
    for text in texts {
        assert!(
            told(text).starts_with("! line 1: "),
            "{text:?}: {}",
            told(text)
        );
    }
    assert_eq!(
        told("<a>\n\n&x;</a>"),
        "! line 3: the entity &x; is not defined; only lt, gt, amp, apos and quot are"
    );
}

#[test]
fn documents_are_bounded() {
    let cases = [
        (
            format!("{}{}", "<a>".repeat(257), "</a>".repeat(257)),
            "more than 256 elements",
        ),
        (
            format!("<a>{}</a>", "<b/>".repeat(500_000)),
            "more than 500000 nodes",
        ),
        (
            format!("<{}/>", "n".repeat(1_001)),
            "more than 1000 bytes of a name",
        ),
    ];
    let attributes: String = (0..10_001).map(|n| format!(" a{n}='1'")).collect();
    let cases = cases.into_iter().chain([(
        format!("<a{attributes}/>"),
        "more than 10000 attributes of an element",
    )]);
    for (text, expected) in cases {
        let answer = told(&text);
        assert!(answer.contains(expected), "{answer:.200}");
    }
    let deepest = format!("{}{}", "<a>".repeat(256), "</a>".repeat(256));
    assert!(read(&deepest).is_ok());
}
