//! The server's face: configuration, REST API, listeners. What stands behind them is wired
//! together by the binary.

pub mod api;
pub mod config;
pub mod listen;
