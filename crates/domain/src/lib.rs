//! What actions, runs and deliveries are, their JSON, and every rule about them.
//!
//! Nothing here reads a clock, draws a random number or does IO: times and random bits are
//! arguments, so every rule can be tested as a table.

pub mod action;
pub mod agent;
pub mod connection;
pub mod delivery;
pub mod diagnosis;
pub mod encryption;
pub mod form;
pub mod id;
pub mod json;
pub mod lines;
pub mod nearest;
pub mod outcome;
pub mod run;
pub mod secret;
pub mod signature;
pub mod template;
pub mod time;
pub mod violation;
