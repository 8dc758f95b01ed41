//! A request as the plugin sees it: parameters, headers and post content.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, Method};
use longshore_jsonpath::json::{self, Layout, Node};
/// Values by name; all values of a name in their order.
pub type Values = BTreeMap<String, Vec<String>>;

const FORM: &str = "application/x-www-form-urlencoded";

/// What the plugin works on. `Debug` tells sizes only: everything in it may be secret.
#[derive(Clone, Default)]
pub struct GwtRequest {
    /// The servlet parameter map: query string first, then a parsed form.
    pub parameters: Values,
    /// Headers, names lower-cased.
    pub headers: Values,
    /// The text that variables are taken from and that is signed.
    pub post_content: String,
    /// The TCP peer as the servlet container reports it.
    pub remote_address: String,
}

impl fmt::Debug for GwtRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GwtRequest")
            .field("parameters", &self.parameters.len())
            .field("headers", &self.headers.len())
            .field("post_content_bytes", &self.post_content.len())
            .field("remote_address", &self.remote_address)
            .finish()
    }
}

impl GwtRequest {
    /// Reads an HTTP request the way Jetty and the plugin do.
    pub fn read(
        method: &Method,
        query: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
        peer: SocketAddr,
    ) -> Self {
        let mut lower_cased = Values::new();
        for (name, value) in headers {
            lower_cased
                .entry(name.as_str().to_owned())
                .or_default()
                .push(latin_1(value.as_bytes()));
        }
        let content_types = lower_cased.get("content-type").cloned().unwrap_or_default();
        let mut parameters = Values::new();
        add_form(&mut parameters, query.unwrap_or_default().as_bytes());
        // The container reads a form itself, and then nothing is left of the body.
        let container_reads = matches!(*method, Method::POST | Method::PUT)
            && content_types
                .first()
                .and_then(|value| value.split(';').next())
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM));
        if container_reads {
            add_form(&mut parameters, body);
        }
        let is_form = content_types.iter().any(|value| value.contains(FORM));
        let post_content = if is_form {
            form_as_json(&parameters)
        } else if container_reads {
            String::new()
        } else {
            String::from_utf8_lossy(body).into_owned()
        };
        Self {
            parameters,
            headers: lower_cased,
            post_content,
            remote_address: remote_address(peer.ip()),
        }
    }

    /// All headers in Java's map notation.
    pub fn header_text(&self) -> String {
        header_text(&self.headers)
    }
}

/// `{name=[v, …], …}`, as Java prints a map of lists.
pub fn header_text(headers: &Values) -> String {
    let entries: Vec<_> = headers
        .iter()
        .map(|(name, values)| format!("{name}=[{}]", values.join(", ")))
        .collect();
    format!("{{{}}}", entries.join(", "))
}

/// The text that stands for a form: its parameters without `token`, pretty-printed by Gson.
pub fn form_as_json(parameters: &Values) -> String {
    let members = parameters
        .iter()
        .filter(|(name, _)| *name != "token")
        .map(|(name, values)| {
            let values = values.iter().cloned().map(Node::Text).collect();
            (name.clone(), Node::Array(values))
        })
        .collect();
    // Strings alone can always be written.
    json::text(&Node::Object(members), Layout::Pretty).unwrap_or_default()
}

fn add_form(parameters: &mut Values, text: &[u8]) {
    for (name, value) in url::form_urlencoded::parse(text) {
        parameters
            .entry(name.into_owned())
            .or_default()
            .push(value.into_owned());
    }
}

/// Jetty reads header values as ISO-8859-1.
fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Jetty reports IPv6 peers in brackets and written out (jetty issue 5899).
fn remote_address(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let groups = address.segments().map(|group| format!("{group:x}"));
            format!("[{}]", groups.join(":"))
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, HeaderValue, Method};

    use super::GwtRequest;

    fn read(method: &Method, kind: &'static str, query: &str, body: &str) -> GwtRequest {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        let peer = "127.0.0.1:9".parse().unwrap();
        GwtRequest::read(method, Some(query), &headers, body.as_bytes(), peer)
    }

    #[test]
    fn a_form_becomes_json_of_all_parameters_but_the_token() {
        let form = "application/x-www-form-urlencoded";
        let request = read(&Method::POST, form, "token=t&q=1", "payload=%7B%7D&q=2");
        assert_eq!(
            request.post_content,
            "{\n  \"payload\": [\n    \"{}\"\n  ],\n  \"q\": [\n    \"1\",\n    \"2\"\n  ]\n}"
        );
        assert_eq!(request.parameters["token"], ["t"]);
    }

    #[test]
    fn a_form_type_in_capitals_is_read_by_the_container_alone() {
        let request = read(
            &Method::POST,
            "APPLICATION/X-WWW-FORM-URLENCODED",
            "",
            "a=1",
        );
        assert_eq!(request.post_content, "");
        assert_eq!(request.parameters["a"], ["1"]);
    }

    #[test]
    fn the_body_is_utf_8_whatever_the_header_says() {
        let request = read(
            &Method::POST,
            "application/json; charset=latin1",
            "",
            "\u{feff}é",
        );
        assert_eq!(request.post_content, "\u{feff}é");
    }

    #[test]
    fn ipv6_peers_stand_in_brackets() {
        let cases = [
            ("[::1]:1", "[0:0:0:0:0:0:0:1]"),
            ("[::ffff:1.2.3.4]:1", "1.2.3.4"),
            ("1.2.3.4:1", "1.2.3.4"),
        ];
        for (peer, expected) in cases {
            let request = GwtRequest::read(
                &Method::GET,
                None,
                &HeaderMap::new(),
                b"",
                peer.parse().unwrap(),
            );
            assert_eq!(request.remote_address, expected);
        }
    }
}
