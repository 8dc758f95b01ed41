//! The emulators over HTTP, from outside.

#[cfg(test)]
mod azure_devops;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod jenkins;
#[cfg(test)]
mod pipelines;
#[cfg(test)]
mod support;
#[cfg(test)]
mod webhook_sink;
