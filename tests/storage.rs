//! The conformance suite of the storage contract: every *must* of `tollgate::storage::Store`, on
//! SQLite and on Postgres. Each case is one generic function and gets a fresh database.

mod support;

#[path = "storage/administration.rs"]
mod administration;
#[path = "storage/fencing.rs"]
mod fencing;
#[path = "storage/fixtures.rs"]
mod fixtures;
#[path = "storage/log.rs"]
mod log;
#[path = "storage/opening.rs"]
mod opening;
#[path = "storage/rollups.rs"]
mod rollups;
#[path = "storage/traps.rs"]
mod traps;
#[path = "storage/world.rs"]
mod world;

/// Makes two tests of each case, one for each database.
macro_rules! conformance {
    ($($module:ident::$case:ident,)*) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$module::$case(&crate::world::World::sqlite()).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    if let Some(world) = crate::world::World::postgres().await {
                        super::$module::$case(&world).await;
                    }
                }
            )*
        }
    };
}

conformance! {
    administration::an_empty_store_has_nothing,
    administration::the_catalogue_comes_back_as_it_was_put,
    administration::prices_and_rates_come_in_the_order_of_their_create_time,
    administration::a_price_never_changes,
    administration::an_exchange_rate_is_replaced,
    administration::workspaces_come_back_as_they_were_put,
    administration::workspaces_are_listed_by_id_in_pages,
    administration::models_of_a_workspace_are_its_own,
    administration::holds_come_back_until_they_are_deleted,
    administration::many_holds_and_prices_at_once,
    log::appended_records_come_back_whole,
    log::batches_of_any_size_are_appended,
    log::a_retry_of_the_same_records_is_new_again,
    log::a_duplicate_is_answered_with_the_entry_that_is_there,
    log::a_duplicate_within_a_batch_is_not_written,
    log::a_foreign_record_under_our_seq_is_corruption,
    log::a_refused_record_leaves_none_of_its_batch,
    log::request_records_come_by_attempt_and_revision,
    log::records_are_listed_in_both_orders_and_pages,
    log::records_are_filtered,
    log::records_after_a_seq_are_of_all_workspaces,
    log::recent_outputs_are_the_latest_successes,
    log::readers_see_whole_batches_only,
    log::a_dropped_append_leaves_all_or_nothing,
    log::a_dropped_write_never_comes_after_a_later_one,
    fencing::a_store_that_has_not_claimed_may_not_write,
    fencing::a_second_claim_fences_the_first_for_ever,
    fencing::a_lost_connection_is_replaced,
    fencing::claiming_again_keeps_the_store_writing,
    fencing::no_append_of_the_fenced_comes_after_a_claim,
    rollups::folding_adds_and_moves_the_cursor,
    rollups::a_fold_from_elsewhere_is_refused,
    rollups::a_rebuild_equals_the_fold,
    rollups::every_difference_is_found,
    rollups::verify_sees_one_state_while_the_log_grows,
    rollups::spent_equals_the_naive_sum,
    rollups::spent_counts_models_that_cost_nothing,
    rollups::sums_are_exact_beyond_floating_point,
    traps::ids_are_compared_by_their_bytes,
    traps::texts_of_all_kinds_come_back,
    traps::wildcards_in_ids_match_themselves_only,
    traps::times_and_amounts_come_back_to_the_last_digit,
    opening::a_second_server_is_refused_until_the_first_closes,
    opening::data_survives_closing,
    opening::reading_beside_a_live_server,
    opening::reading_an_empty_database_is_refused,
    opening::tables_of_another_version_are_refused,
    opening::two_servers_that_start_at_once,
    opening::a_closed_store_says_so,
}
