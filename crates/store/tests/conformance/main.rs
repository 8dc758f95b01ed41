//! What every adapter of the storage port must do: one body, run against each of them.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something fails"
)]

mod catalog;
mod documented;
mod idempotency;
mod lists;
mod outbox;
mod runs;
mod sample;
mod upkeep;

use std::sync::Arc;

use longshore_store::Store;
use longshore_store::sqlite::{Config, Sqlite};

/// An adapter over an empty database, which lasts as long as this.
struct Adapter {
    store: Arc<dyn Store>,
    _directory: tempfile::TempDir,
}

fn sqlite() -> Adapter {
    let directory = tempfile::tempdir().expect("a directory");
    let config = Config::new(directory.path().join("longshore.db"));
    let store = Arc::new(Sqlite::open(&config).expect("opened"));
    Adapter {
        store,
        _directory: directory,
    }
}

macro_rules! cases {
    ($adapter:ident: $($module:ident { $($case:ident),+ $(,)? })+) => {
        mod $adapter {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let adapter = super::$adapter();
                    super::$module::$case(std::sync::Arc::clone(&adapter.store)).await;
                }
            )+)+
        }
    };
}

macro_rules! conformance {
    ($adapter:ident) => {
        cases! { $adapter:
            catalog {
                actions_are_added_replaced_renamed_and_removed,
                a_taken_identifier_is_a_conflict,
                removing_an_action_ends_its_runs_or_does_nothing,
            }
            runs {
                what_was_applied_is_read_back_whole,
                a_change_replaces_what_it_names_and_nothing_else,
                a_refused_change_leaves_nothing_behind,
                neighbours_of_refused_changes_are_unharmed,
                changes_applied_together_are_answered_in_their_order,
                what_is_missing_is_not_found,
                log_lines_are_paged,
                lines_follow_those_that_the_run_counts,
                runs_that_wait_are_found_by_their_action,
                a_deep_document_is_read_back,
            }
            idempotency {
                one_run_for_many_callers_with_one_key,
                another_body_and_an_expired_key_are_told,
            }
            lists {
                every_filter_finds_what_it_names,
                filters_are_combined,
                pages_are_stable_under_inserts,
                a_made_up_position_is_refused,
                deliveries_are_filtered_and_paged,
            }
            outbox {
                due_deliveries_are_taken_in_order_and_in_bounds,
                concurrent_takers_share_nothing,
                the_backlog_names_each_destination_once,
                recovery_finds_what_a_dead_worker_held,
                silent_and_overdue_deliveries_are_found,
                attempts_are_kept_and_the_later_finding_stands,
                destinations_are_remembered,
                a_changed_destination_moves_the_delivery,
                due_deliveries_are_published_in_order,
                a_claim_leaves_actions_out_and_nothing_waits_behind_them,
                concurrent_claims_share_nothing,
                what_agents_have_started_is_found_and_not_taken_back,
                a_batch_finds_the_deliveries_that_there_are,
                documents_are_read_for_a_batch_where_attempts_make_parts_anew,
            }
            documented { documents_follow_their_versions }
            upkeep {
                pruning_takes_the_oldest_ended_runs_whole,
                pruning_by_count_keeps_the_newest,
                pruning_frees_expired_keys_and_unused_revisions,
                keys_never_return,
                a_closed_store_finishes_and_writes_no_more,
            }
        }
    };
}

conformance!(sqlite);
