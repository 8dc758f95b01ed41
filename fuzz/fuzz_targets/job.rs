//! Any text as a job's config.xml, and any XPath on any text as XML.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use longshore_emulators::jenkins::gwt::model::{ExpressionType, GenericVariable, Trigger};
use longshore_emulators::jenkins::gwt::request::GwtRequest;
use longshore_emulators::jenkins::gwt::variables::resolve;
use longshore_emulators::jenkins::stored::read_job;

fuzz_target!(|parts: (&str, &str)| {
    let (expression, text) = parts;
    let _job = read_job(Path::new("jobs/a/config.xml"), text);
    let trigger = Trigger {
        generic_variables: vec![GenericVariable {
            key: "v".to_owned(),
            value: expression.to_owned(),
            expression_type: ExpressionType::XPath,
            ..GenericVariable::default()
        }],
        ..Trigger::default()
    };
    let request = GwtRequest {
        post_content: text.to_owned(),
        ..GwtRequest::default()
    };
    let _variables = resolve(&trigger, &request);
});
