//! What an attempt sends where parts of it name secrets or read encrypted inputs. Makes no call.

use std::sync::Arc;

use longshore_domain::diagnosis::Diagnosis;
use longshore_domain::run::Run;
use longshore_domain::secret::Secret;
use longshore_domain::template::Deferred;
use serde_json::Value;

use super::attempt::Prepared;
use super::parcel::DeferredContent;
use crate::Engine;
use crate::encrypted::strays;
use crate::identity::SigningSecret;
use crate::outgoing::{Outgoing, decides_route};
use crate::routing::Route;
use crate::scope;

/// What the encrypted inputs of an attempt are encrypted under.
struct Addressed {
    route: Arc<Route>,
    signer: Option<SigningSecret>,
    /// Why there are no values.
    fault: Option<Diagnosis>,
}

impl Engine {
    /// Evaluates what was deferred, with the values of attempt `number`.
    pub(super) async fn prepare_deferred(
        &self,
        run: &Run,
        number: u32,
        content: DeferredContent,
    ) -> Prepared {
        let token = self.identity.run_token(&run.id, number);
        let values = self.secrets.values();
        let mut scope = scope::with_secrets(content.scope, &values, &token);
        let mut secrets: Vec<Secret<String>> = values.into_iter().map(|(_, value)| value).collect();
        let mut addressed = None;
        if let Some(encrypted) = &content.encrypted {
            let route = self
                .address(&content.payload, &content.deferred, &scope)
                .await;
            let signer = self.signing_secret(&route);
            let wire = signer
                .as_ref()
                .map(|signer| self.wire_inputs(&run.id, number, encrypted, &signer.value));
            let fault = match wire.transpose() {
                Ok(wire) => {
                    if let Some(wire) = wire {
                        wire.put_into(&mut scope["inputs"]);
                        secrets.extend(wire.into_secrets());
                    }
                    None
                }
                Err(fault) => Some(fault.diagnosis()),
            };
            addressed = Some(Addressed {
                route,
                signer,
                fault,
            });
        }
        let filled = self
            .fill_deferred(content.payload, &content.deferred, &scope)
            .await;
        secrets.extend(filled.secrets);
        secrets.push(token);
        let outgoing = Outgoing::of(&filled.payload);
        let route = self.secret_route(&outgoing);
        let Addressed {
            route,
            signer,
            fault,
        } = match addressed {
            Some(before) => before.leads_to(route),
            None => Addressed {
                signer: self.signing_secret(&route),
                route,
                fault: None,
            },
        };
        Prepared {
            outgoing,
            route,
            signer,
            secrets,
            failed: self.failed_templates(filled.failures),
            fault,
        }
    }

    /// Where the call goes. The secret that encrypts is found by it, so it is known before what is
    /// encrypted is: that stands censored here.
    async fn address(&self, payload: &Value, deferred: &[Deferred], scope: &Value) -> Arc<Route> {
        let parts = deferred.iter().filter(|it| decides_route(&it.pointer));
        let parts: Vec<Deferred> = parts.cloned().collect();
        if parts.is_empty() {
            return self.secret_route(&Outgoing::of(payload));
        }
        let filled = self.fill_deferred(payload.clone(), &parts, scope).await;
        self.secret_route(&Outgoing::of(&filled.payload))
    }
}

impl Addressed {
    /// The same for the call as it is, whose address may hold encrypted values; they must not lead
    /// it elsewhere, since each attempt would go somewhere else.
    fn leads_to(mut self, route: Arc<Route>) -> Self {
        if self.route.destination == route.destination {
            self.route = route;
        } else {
            self.fault.get_or_insert_with(strays);
        }
        self
    }
}
