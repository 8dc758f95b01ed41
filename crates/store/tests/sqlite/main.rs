//! What only the SQLite adapter promises: power loss, full disks, damaged rows, backups, versions.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something fails"
)]

mod backup;
mod compiled;
mod damage;
mod full_disk;
mod power_loss;
#[path = "../conformance/sample.rs"]
#[expect(dead_code, reason = "these tests need only some of the samples")]
mod sample;
mod versions;
mod vfs;
mod writer;
