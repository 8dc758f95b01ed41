//! The REST API over its real router, engine and database: a module for each resource.

#[cfg(test)]
mod abandoned;
#[cfg(test)]
mod access_tokens;
#[cfg(test)]
mod action_rules;
#[cfg(test)]
mod actions;
#[cfg(test)]
mod agents;
#[cfg(test)]
mod approvals;
#[cfg(test)]
mod apps;
#[cfg(test)]
mod broken_setups;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod encrypted_inputs;
#[cfg(test)]
mod executing;
#[cfg(test)]
mod existing_agent;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod health;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod inputs;
#[cfg(test)]
mod kafka;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod organization;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod run_lists;
#[cfg(test)]
mod run_tokens;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod templates;
#[cfg(test)]
mod warnings;
