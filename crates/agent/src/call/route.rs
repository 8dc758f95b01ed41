//! Which server a call goes to, and how it is called.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_backends::client::{Client, TlsFault, TlsIdentity, TlsParts};
use longshore_backends::receiver;
use longshore_backends::request::read_url;
use longshore_backends::target::Target;
use longshore_domain::action::InvocationKind;
use longshore_domain::connection::{Connection, Defaults, Place, Policy};
use longshore_domain::delivery::Receiver;
use longshore_domain::diagnosis::Diagnosis;
use longshore_domain::outcome::Repeat;
use longshore_domain::signature::Preset;

use crate::config::KnownConnection;
use crate::mapping::Plan;

/// How many routes are remembered: most runs of an agent go to few URLs.
const REMEMBERED_LIMIT: usize = 32;

/// Which server a call goes to, and how it is called.
#[derive(Debug)]
pub struct Route {
    /// What limits belong to: the connection's name, else the origin.
    pub destination: String,
    /// How it is called.
    pub policy: Policy,
    /// Whether a repeat is harm although the server, which knows the action alone, may not know it.
    pub adds_harm: bool,
    pub(super) target: Target,
    pub(super) receiver: Receiver,
    pub(super) known: Option<Arc<Known>>,
}

/// A connection, its certificates read.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) connection: KnownConnection,
    pub(super) tls: Option<Arc<TlsIdentity>>,
}

/// Certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {fault}")]
pub struct ConnectionFault {
    name: String,
    fault: TlsFault,
}

impl ConnectionFault {
    pub(super) fn new(name: &str, fault: TlsFault) -> Self {
        Self {
            name: name.to_owned(),
            fault,
        }
    }
}

/// The known servers, and how all others are called.
pub(super) struct Routes {
    known: Vec<Arc<Known>>,
    defaults: Defaults,
    /// The last ones that were found; the newest is the last.
    remembered: Mutex<VecDeque<(RouteKey, Arc<Route>)>>,
}

/// All that a route depends on beside the settings.
#[derive(PartialEq)]
struct RouteKey {
    url: String,
    kind: InvocationKind,
    /// Whether the server has judged a repeat by this URL.
    is_judged: bool,
}

impl Routes {
    pub(super) fn new(
        connections: Vec<KnownConnection>,
        defaults: Defaults,
        client: &Client,
    ) -> Result<Self, ConnectionFault> {
        let known = connections
            .into_iter()
            .map(|connection| {
                let tls = tls(&connection, client)
                    .map_err(|fault| ConnectionFault::new(&connection.settings.name, fault))?;
                Ok(Arc::new(Known { connection, tls }))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            known,
            defaults,
            remembered: Mutex::default(),
        })
    }

    /// The way of `plan`'s call. `judged` is the URL by which the server has judged a repeat.
    pub(super) fn find(
        &self,
        kind: InvocationKind,
        judged: Option<&str>,
        plan: &Plan,
    ) -> Result<Arc<Route>, Diagnosis> {
        let url = with_query(&plan.url, &plan.query);
        let key = RouteKey {
            is_judged: judged == Some(url.as_str()),
            url,
            kind,
        };
        let mut remembered = self.lock();
        if let Some((_, route)) = remembered.iter().rev().find(|(known, _)| *known == key) {
            return Ok(Arc::clone(route));
        }
        drop(remembered);
        let route = Arc::new(self.of(&key)?);
        remembered = self.lock();
        if remembered.len() >= REMEMBERED_LIMIT {
            remembered.pop_front();
        }
        remembered.push_back((key, Arc::clone(&route)));
        Ok(route)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(RouteKey, Arc<Route>)>> {
        let remembered = self.remembered.lock();
        remembered.unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, key: &RouteKey) -> Result<Route, Diagnosis> {
        let RouteKey {
            url,
            kind,
            is_judged,
        } = key;
        let target = read_url(url)?;
        let place = Place::parse(url).ok();
        let known = place.as_ref().and_then(|place| self.matching(place));
        let receiver = match kind {
            InvocationKind::Jenkins => Receiver::Jenkins,
            InvocationKind::AzureDevops => Receiver::AzurePipelines,
            _ => receiver::of(&target),
        };
        // A mapping may lead any kind of run to Jenkins or Azure; the URL shows that as well.
        let signed_as = match kind {
            InvocationKind::Jenkins | InvocationKind::AzureDevops => *kind,
            _ => InvocationKind::Webhook,
        };
        let preset = Preset::for_invocation(signed_as, url);
        let settings = known.as_ref().map(|known| &known.connection.settings);
        let policy = Policy::of(settings, &self.defaults, receiver, preset);
        let said_here = settings.is_some_and(|settings| settings.repeat_unknown == Some(false));
        Ok(Route {
            destination: settings.map_or_else(
                || target.origin().to_owned(),
                |settings| settings.name.clone(),
            ),
            adds_harm: policy.repeat == Repeat::Harm && (said_here || !is_judged),
            policy,
            target,
            receiver,
            known,
        })
    }

    /// The connection that calls to `url` would use.
    pub(super) fn known(&self, url: &str) -> Option<Arc<Known>> {
        self.matching(&Place::parse(url).ok()?)
    }

    /// How a connection with these settings is called, whatever its receiver is.
    pub(super) fn policy(&self, settings: Option<&Connection>) -> Policy {
        Policy::of(settings, &self.defaults, Receiver::Webhook, Preset::PortV1)
    }

    /// The connection that covers `place` most exactly.
    fn matching(&self, place: &Place) -> Option<Arc<Known>> {
        self.known
            .iter()
            .filter(|known| known.connection.place.covers(place))
            .max_by_key(|known| known.connection.place.depth())
            .cloned()
    }
}

fn tls(
    connection: &KnownConnection,
    client: &Client,
) -> Result<Option<Arc<TlsIdentity>>, TlsFault> {
    let settings = &connection.settings;
    if settings.ca_certificate.is_none() && settings.client_certificate.is_none() {
        return Ok(None);
    }
    let bytes = |text: &'_ Option<String>| text.as_ref().map(|text| text.clone().into_bytes());
    let key = connection.client_key.as_ref();
    let parts = TlsParts::from_pem(
        bytes(&settings.ca_certificate).as_deref(),
        bytes(&settings.client_certificate).as_deref(),
        key.map(|key| key.expose().as_bytes()),
    )?;
    client.tls_identity(&parts).map(Some)
}

/// `url` with parameters added to its query, before a fragment.
fn with_query(url: &str, query: &[(String, String)]) -> String {
    if query.is_empty() {
        return url.to_owned();
    }
    let address = url.split('#').next().unwrap_or_default();
    let added = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    let joint = match address.split_once('?') {
        None => "?",
        Some((_, before)) if before.is_empty() || before.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{address}{joint}{added}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use longshore_backends::client::ClientConfig;
    use longshore_domain::delivery::Schedule;

    use super::*;

    fn routes() -> Routes {
        let client = Client::new(ClientConfig::default()).unwrap();
        let defaults = Defaults {
            concurrency: 500,
            concurrency_harm: 4,
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            schedule: Schedule::default(),
            report_timeout: Duration::from_secs(1),
        };
        Routes::new(Vec::new(), defaults, &client).unwrap()
    }

    fn to(url: &str) -> Plan {
        let mut plan = Plan::default();
        plan.url = url.to_owned();
        plan
    }

    #[test]
    fn a_remembered_route_is_that_of_the_same_question_alone() {
        const JENKINS: &str = "http://ci.internal/generic-webhook-trigger/invoke?token=deploy";
        let routes = routes();
        let find = |kind, judged, url: &str| routes.find(kind, judged, &to(url)).unwrap();
        let webhook = InvocationKind::Webhook;
        let led_there = find(webhook, Some("http://elsewhere/"), JENKINS);
        let judged = find(webhook, Some(JENKINS), JENKINS);
        assert_eq!((led_there.adds_harm, judged.adds_harm), (true, false));
        let again = find(webhook, None, JENKINS);
        assert!(Arc::ptr_eq(&led_there, &again));
        let azure = find(InvocationKind::AzureDevops, Some(JENKINS), JENKINS);
        assert_eq!(
            (judged.receiver, azure.receiver),
            (Receiver::Jenkins, Receiver::AzurePipelines)
        );
    }

    #[test]
    fn few_routes_are_remembered_and_those_that_fail_are_not() {
        let routes = routes();
        let find = |url: &str| routes.find(InvocationKind::Webhook, None, &to(url));
        for number in 0..3 * REMEMBERED_LIMIT {
            find(&format!("http://h/{number}")).unwrap();
            find("not a URL").unwrap_err();
        }
        assert_eq!(routes.lock().len(), REMEMBERED_LIMIT);
    }

    #[test]
    fn parameters_join_the_query_that_is_there() {
        let query = [("a b".to_owned(), "ü&=".to_owned())];
        for (url, expected) in [
            ("http://h/x", "http://h/x?a+b=%C3%BC%26%3D"),
            ("http://h/x?", "http://h/x?a+b=%C3%BC%26%3D"),
            ("http://h/x?c=d#e", "http://h/x?c=d&a+b=%C3%BC%26%3D"),
        ] {
            assert_eq!(with_query(url, &query), expected);
        }
        assert_eq!(with_query("http://h/x#e", &[]), "http://h/x#e");
    }
}
