//! Any text as a pipeline's YAML, and any body as a call of its webhook.
#![no_main]

use http::{HeaderMap, Method, Uri};
use libfuzzer_sys::fuzz_target;
use longshore_emulators::Script;
use longshore_emulators::azure_devops::{Config, IncomingWebhook, Incoming, Pipeline, explain};

fuzz_target!(|parts: (&str, &[u8])| {
    let (text, body) = parts;
    let Ok(pipeline) = Pipeline::from_yaml("p.yml", text, Script::default()) else {
        return;
    };
    let webhook = IncomingWebhook {
        secret: None,
        connection: "c".to_owned(),
        ..IncomingWebhook::signed("w", "s")
    };
    let config = Config {
        webhooks: vec![webhook],
        pipelines: vec![pipeline],
        ..Config::default()
    };
    let path = "/contoso/_apis/public/distributedtask/webhooks/w?api-version=6.0-preview";
    let uri = Uri::from_static(path);
    let (method, headers) = (Method::POST, HeaderMap::new());
    let call = Incoming { method: &method, uri: &uri, headers: &headers, body };
    let _told = explain(&config, &call).to_string();
});
