//! Files as Jenkins stores them (`tests/stored`), read as jobs and whitelist, or refused.

use std::path::{Path, PathBuf};

use longshore_emulators::jenkins::gwt::model::{ExpressionType, ParameterValue};
use longshore_emulators::jenkins::stored::{
    load_job, load_secret, load_whitelist, read_job, read_whitelist,
};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/stored")
        .join(name)
}

#[test]
fn a_freestyle_job_is_read_whole() {
    let job = load_job(&file("freestyle.xml")).unwrap();
    assert_eq!((job.name.as_str(), job.disabled), ("freestyle", false));
    let trigger = &job.trigger;
    assert_eq!(trigger.token.as_ref().unwrap().expose(), "shop-4f9a");
    assert_eq!(trigger.token_credential_id.as_deref(), Some(""));
    let [first, second] = &trigger.generic_variables[..] else {
        panic!("{trigger:?}");
    };
    assert_eq!((first.key.as_str(), first.value.as_str()), ("ref", "$.ref"));
    assert_eq!(first.expression_type, ExpressionType::JsonPath);
    assert_eq!(
        first.default_value.as_deref(),
        Some(""),
        "empty is not absent"
    );
    assert_eq!(second.expression_type, ExpressionType::XPath);
    assert_eq!(second.value, "/order/title[text()=\"a < b\"]");
    assert_eq!(second.regexp_filter.as_deref(), Some("[<>&]"));
    assert_eq!(second.default_value, None);
    let request = &trigger.generic_request_variables[0];
    assert_eq!(
        (request.key.as_str(), request.regexp_filter.as_deref()),
        ("stage", Some("[^a-z]"))
    );
    let header = &trigger.generic_header_variables[0];
    assert_eq!(
        (header.key.as_str(), header.regexp_filter.as_deref()),
        ("X-GitHub-Event", None)
    );
    assert_eq!(trigger.regexp_filter_text.as_deref(), Some("$ref"));
    assert_eq!(
        trigger.regexp_filter_expression.as_deref(),
        Some("^refs/heads/(main|release/.*)$")
    );
    assert_eq!(trigger.cause_string.as_deref(), Some("Push to $ref"));
    assert!(trigger.print_post_content && !trigger.print_contributed_variables);
    assert!(trigger.override_quiet_period && !trigger.silent_response);
    assert!(trigger.should_not_flatten && trigger.allow_several_triggers_per_build);
}

#[test]
fn declared_parameters_have_their_defaults() {
    let job = load_job(&file("freestyle.xml")).unwrap();
    let text = |text: &str| Some(ParameterValue::Text(text.to_owned()));
    let parameters: Vec<_> = job
        .parameters
        .into_iter()
        .map(|parameter| (parameter.name, parameter.default))
        .collect();
    assert_eq!(
        parameters,
        [
            ("ref".to_owned(), text("refs/heads/main")),
            ("DRY_RUN".to_owned(), Some(ParameterValue::Boolean(true))),
            ("STAGE".to_owned(), text("test")),
            ("NOTES".to_owned(), text("first\nsecond")),
            ("PASSWORD".to_owned(), text("")),
        ]
    );
}

#[test]
fn a_pipeline_keeps_its_trigger_in_a_property() {
    let job = load_job(&file("pipeline.xml")).unwrap();
    assert!(job.disabled);
    assert_eq!(job.trigger.token, None);
    assert_eq!(
        job.trigger.token_credential_id.as_deref(),
        Some("deploy-trigger-token")
    );
    let run_id = &job.trigger.generic_variables[1];
    assert_eq!(
        (run_id.key.as_str(), run_id.value.as_str()),
        ("RUN_ID", "$.run.id")
    );
    assert_eq!(run_id.expression_type, ExpressionType::JsonPath);
}

#[test]
fn a_job_without_the_trigger_is_told_kindly() {
    let branch = file("branch.xml");
    let error = load_job(&branch).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{} has no Generic Webhook Trigger here; a Jenkinsfile that declares it must have run \
             once",
            branch.display()
        )
    );
}

#[test]
fn the_whitelist_is_read() {
    let whitelist = load_whitelist(&file("whitelist.xml")).unwrap();
    assert!(whitelist.enabled);
    let [signed, local] = &whitelist.items[..] else {
        panic!("{whitelist:?}");
    };
    assert_eq!(signed.host.as_deref(), Some(""));
    assert_eq!(signed.hmac_header.as_deref(), Some("X-Port-Signature"));
    assert_eq!(signed.hmac_credential_id.as_deref(), Some("port-secret"));
    assert_eq!(signed.hmac_algorithm.as_deref(), Some("HmacSHA1"));
    assert!(signed.hmac_enabled && !local.hmac_enabled);
    assert_eq!(local.host.as_deref(), Some("10.0.0.0/8"));
    assert_eq!(local.hmac_header, None);
}

const TRIGGER: &str = "org.jenkinsci.plugins.gwt.GenericTrigger";

fn freestyle(trigger: &str) -> String {
    format!("<project>\n<triggers>\n<{TRIGGER}>\n{trigger}\n</{TRIGGER}>\n</triggers>\n</project>")
}

#[test]
fn values_are_taken_exactly() {
    let cases = [
        ("<token>t</token>", Some("t")),
        ("<token> t\n</token>", Some(" t\n")),
        ("<token><![CDATA[a&b]]></token>", Some("a&b")),
        ("<token>a<![CDATA[<]]>b&#10;&lt;</token>", Some("a<b\n<")),
        ("<token>a<!-- note -->b</token>", Some("ab")),
        ("<token></token>", Some("")),
        ("<token/>", Some("")),
        ("", None),
    ];
    for (text, expected) in cases {
        let job = read_job(Path::new("a.xml"), &freestyle(text)).unwrap();
        let token = job.trigger.token.as_ref().map(|token| token.expose());
        assert_eq!(token, expected, "{text}");
    }
}

#[test]
fn lists_may_be_wrapped() {
    let variable = "<org.jenkinsci.plugins.gwt.GenericVariable><key>k</key>\
                    </org.jenkinsci.plugins.gwt.GenericVariable>";
    for list in [
        variable.to_owned(),
        format!("<c class='list'>{variable}</c>"),
    ] {
        let text = freestyle(&format!("<genericVariables>{list}</genericVariables>"));
        let job = read_job(Path::new("a.xml"), &text).unwrap();
        assert_eq!(job.trigger.generic_variables[0].key, "k");
    }
}

#[test]
fn what_jenkins_would_not_have_written_is_refused_with_its_place() {
    let of_type = |text: &str| {
        freestyle(&format!(
            "<genericVariables><org.jenkinsci.plugins.gwt.GenericVariable>\n\
             <expressionType>{text}</expressionType>\n\
             </org.jenkinsci.plugins.gwt.GenericVariable></genericVariables>"
        ))
    };
    let cases = [
        (of_type("JSONata"), "a.xml, line 5: expected JSONPath or XPath in <expressionType>, not \"JSONata\""),
        (of_type(""), "a.xml, line 5: expected JSONPath or XPath in <expressionType>, not \"\""),
        (freestyle("<silentResponse>yes</silentResponse>"), "a.xml, line 4: expected true or false in <silentResponse>, not \"yes\""),
        (freestyle("<token><b>t</b></token>"), "a.xml, line 4: expected text alone, not <b>"),
        (freestyle("<token>t</token>\n<token>u</token>"), "a.xml, line 5: expected this element once, not <token>"),
        ("<project><disabled>1</disabled><triggers><org.jenkinsci.plugins.gwt.GenericTrigger/></triggers></project>".to_owned(), "a.xml, line 1: expected true or false in <disabled>, not \"1\""),
        ("<!DOCTYPE p [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>\n<project>&e;</project>".to_owned(), "a.xml, line 1: a document type (DOCTYPE) is not allowed"),
        ("<project>\n&nbsp;</project>".to_owned(), "a.xml, line 2: the entity &nbsp; is not defined; only lt, gt, amp, apos and quot are"),
        ("<project>".repeat(257), "a.xml, line 1: more than 256 elements inside each other"),
        ("<com.cloudbees.hudson.plugins.folder.Folder/>".to_owned(), "a.xml, line 1: expected the config.xml of a job (of a multibranch project: that of a branch), not <com.cloudbees.hudson.plugins.folder.Folder>"),
        ("{}".to_owned(), "a.xml, line 1: not well-formed: text outside the root element"),
    ];
    for (text, expected) in cases {
        let error = read_job(Path::new("a.xml"), &text).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let error = read_whitelist(Path::new("w.xml"), "<project/>").unwrap_err();
    assert_eq!(
        error.to_string(),
        "w.xml, line 1: expected the stored whitelist of the Generic Webhook Trigger plugin, not \
         <project>"
    );
}

#[test]
fn files_are_bounded_and_text() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.xml");
    let cases = [
        (vec![b' '; (4 << 20) + 1], "is larger than 4194304 bytes"),
        (b"<a>\n\xff</a>".to_vec(), "line 2: expected text in UTF-8"),
    ];
    for (content, expected) in cases {
        std::fs::write(&path, content).unwrap();
        let error = load_job(&path).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
    let error = load_job(&directory.path().join("gone.xml")).unwrap_err();
    assert!(
        error.to_string().ends_with("gone.xml cannot be read"),
        "{error}"
    );
}

#[test]
fn a_secret_file_may_end_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    for (content, expected) in [
        ("s", "s"),
        ("s\n", "s"),
        ("s\r\n", "s"),
        ("s\n\n", "s\n"),
        (" s", " s"),
    ] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(
            load_secret(&path).unwrap().expose(),
            expected,
            "{content:?}"
        );
    }
}
