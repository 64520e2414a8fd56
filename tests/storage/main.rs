//! The conformance suite of the storage contract: every *must* of `tollgate::storage::Store` and
//! its parts, on SQLite and on Postgres. Each case is one generic function and gets a fresh
//! database. What the model of storage in the simulations must do as well is run on it too.

#[path = "../support/stored.rs"]
mod stored;
#[path = "../support/mod.rs"]
mod support;

mod access;
mod administration;
mod alerts;
mod changes;
mod directory;
mod fixtures;
mod insight;
mod limits;
mod log;
#[allow(dead_code, reason = "without its weather, and without a look at its disk")]
#[path = "../simulation/store/mod.rs"]
mod model;
mod opening;
mod reports;
mod retention;
mod secrets;
mod traps;
mod world;

use insight::{anomalies, recommendations};
use opening::{fencing, lost, migration, shutdown};
use reports::{people as reports_people, rollups, used};

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
    access::tokens_come_back_as_they_were_put,
    access::every_change_of_a_token_is_another_revision,
    access::the_latest_use_of_a_token_is_kept,
    access::tokens_are_written_beside_a_server,
    access::a_database_without_a_server_is_migrated_for_its_first_token,
    administration::an_empty_store_has_nothing,
    administration::the_catalog_comes_back_as_it_was_put,
    administration::prices_and_rates_come_in_the_order_of_their_create_time,
    administration::withdrawals_stay_beside_what_they_withdraw,
    administration::freezes_are_loaded_with_the_limits,
    administration::a_price_never_changes,
    administration::the_last_confirmation_of_a_price_counts,
    administration::an_exchange_rate_is_replaced,
    administration::workspaces_come_back_as_they_were_put,
    administration::workspaces_are_listed_by_id_in_pages,
    administration::models_of_a_workspace_are_its_own,
    administration::aliases_are_of_one_workspace_and_replace_by_name,
    administration::holds_come_back_until_they_are_deleted,
    administration::many_holds_and_prices_at_once,
    anomalies::anomalies_come_back_as_they_were_put,
    anomalies::an_anomaly_is_stored_once,
    anomalies::anomalies_are_listed_newest_first,
    anomalies::unsettled_anomalies_are_open_or_have_alerts_due,
    anomalies::false_anomalies_are_counted_from_a_time_on,
    anomalies::a_policy_of_anomalies_is_replaced_with_its_mutes,
    recommendations::recommendations_come_back_as_they_were_put,
    recommendations::a_recommendation_is_stored_once,
    recommendations::recommendations_are_listed_by_what_they_save,
    recommendations::it_is_noted_when_recommendations_were_made,
    log::holds_change_with_the_records_of_a_group,
    log::appended_records_come_back_whole,
    log::batches_of_any_size_are_appended,
    log::a_retry_of_the_same_records_is_new_again,
    log::a_duplicate_is_answered_with_the_entry_that_is_there,
    log::a_duplicate_within_a_batch_is_not_written,
    log::a_foreign_record_under_our_seq_is_corruption,
    log::a_refused_record_leaves_none_of_its_batch,
    log::request_records_come_by_attempt_and_revision,
    log::records_are_listed_in_both_orders_and_pages,
    log::a_log_is_exported_in_pages,
    log::late_records_are_found_by_the_time_they_were_written,
    log::records_are_filtered,
    log::records_are_filtered_by_whom_they_are_for_and_how_they_ended,
    log::large_records_are_listed_and_counted,
    log::records_after_a_seq_are_of_all_workspaces,
    log::the_last_entry_says_when_it_was_written,
    log::recent_outputs_are_the_latest_successes,
    log::recent_attempts_are_those_of_the_latest_usage,
    log::readers_see_whole_batches_only,
    log::a_dropped_append_leaves_all_or_nothing,
    log::a_dropped_write_never_comes_after_a_later_one,
    fencing::a_store_that_has_not_claimed_may_not_write,
    fencing::a_second_claim_fences_the_first_for_ever,
    fencing::a_lost_connection_is_replaced,
    fencing::claiming_again_keeps_the_store_writing,
    fencing::no_append_of_the_fenced_comes_after_a_claim,
    fencing::a_file_that_is_gone_takes_no_writes,
    lost::a_missing_database_is_created_on_request_alone,
    lost::an_empty_file_is_no_new_database,
    lost::an_older_copy_is_noticed,
    lost::a_write_ahead_log_that_is_gone_is_noticed,
    lost::a_mark_follows_what_is_written,
    rollups::folding_adds_and_moves_the_cursor,
    rollups::a_fold_from_elsewhere_is_refused,
    rollups::a_rebuild_equals_the_fold,
    rollups::every_difference_is_found,
    rollups::what_is_missing_and_what_is_too_much_is_found,
    rollups::verify_sees_one_state_while_the_log_grows,
    rollups::spent_equals_the_naive_sum,
    rollups::spent_counts_models_that_cost_nothing,
    rollups::sums_are_exact_beyond_floating_point,
    reports::sums_equal_the_naive_ones,
    reports::counts_equal_the_naive_ones,
    reports::answers_come_from_one_state_in_their_order,
    reports::what_is_not_folded_does_not_count,
    reports::windows_are_exact_at_both_ends,
    reports::dropped_days_count_where_they_begin,
    reports::values_are_told_apart_and_ordered_by_their_bytes,
    reports::questions_that_a_source_cannot_answer_are_refused,
    reports::too_many_rows_are_refused,
    reports_people::refusals_equal_the_naive_sums,
    reports_people::refusals_that_cost_too_much_are_bounded,
    reports_people::users_are_known_from_when_they_are_registered_or_seen,
    reports_people::sign_ups_come_with_first_value_and_last_use,
    reports_people::names_are_those_of_the_directory_keys_and_models,
    retention::what_is_derived_from_dropped_entries_stays,
    retention::what_is_not_dropped_is_still_verified,
    retention::entries_around_the_beginning_of_a_window_are_kept,
    retention::positions_of_dropped_entries_are_not_given_out_again,
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
    changes::a_change_writes_everything_with_its_events,
    changes::an_event_is_written_once,
    changes::an_entry_made_by_hand_comes_with_its_events,
    changes::a_refused_entry_leaves_no_events,
    changes::a_refused_change_leaves_nothing,
    changes::a_policy_is_read_from_one_state,
    changes::everything_is_replaced_and_deleted_within_its_workspace,
    changes::boosts_go_with_their_quota,
    changes::events_are_listed_and_filtered,
    directory::entries_come_back_as_they_were_put,
    directory::many_entries_at_once,
    directory::registered_and_seen_are_listed_together,
    directory::entries_are_found_by_their_words_and_counted,
    directory::a_search_that_finds_many_is_a_page_and_a_bounded_count,
    directory::what_was_seen_comes_with_its_times,
    directory::an_erased_user_leaves_every_sum,
    directory::a_user_whose_erasure_has_begun_is_gone,
    directory::rules_of_an_erased_user_go_with_it,
    directory::nothing_else_names_an_erased_user,
    directory::events_that_name_a_text_are_found,
    directory::entries_of_an_erased_user_are_found_by_their_hours,
    limits::quotas_of_all_kinds_come_back,
    limits::rate_limits_and_keys_come_back,
    limits::rules_are_listed_in_pages_and_filtered,
    limits::keys_and_groups_are_listed_in_pages,
    limits::boosts_come_back_and_those_that_are_over_are_left_out,
    limits::boosts_are_listed_by_target,
    used::used_equals_the_naive_sum,
    used::used_is_exact_at_both_ends_of_a_window,
    used::sent_equals_the_naive_sum,
    used::subjects_are_told_apart_and_summed_exactly,
    alerts::alerts_of_all_kinds_come_back,
    alerts::an_alert_is_stored_once_under_its_key,
    alerts::a_foreign_alert_under_our_seq_is_corruption,
    alerts::deliveries_are_stored_with_an_alert_that_is_there,
    alerts::many_alerts_and_deliveries_at_once,
    alerts::raised_keys_are_those_of_late_windows,
    alerts::the_latest_alert_about_a_large_record_is_found,
    alerts::alerts_are_listed_and_filtered,
    alerts::alerts_are_followed_from_a_position,
    alerts::the_first_acknowledgement_stays,
    alerts::receivers_come_back,
    alerts::one_delivery_is_due_for_each_receiver,
    alerts::a_delivery_is_replaced_if_it_is_there,
    alerts::deliveries_are_listed_and_filtered,
    secrets::secrets_of_all_webhooks_are_listed_and_replaced,
    secrets::a_plain_secret_is_known_of_until_it_is_wiped,
    secrets::nothing_is_left_of_a_secret_that_is_wiped,
    secrets::what_cannot_be_wiped_is_wiped_later,
    secrets::an_older_database_is_known_to_have_plain_secrets,
    secrets::an_older_database_that_had_a_webhook_is_known_to_have_had_a_secret,
    shutdown::counts_come_back_until_they_are_deleted,
    shutdown::a_workspace_is_listed_once_whatever_was_saved,
    shutdown::crashes_come_back_until_they_are_deleted,
    shutdown::one_crash_of_many_workspaces,
    shutdown::a_claim_says_how_the_owner_before_has_ended,
    shutdown::a_lost_connection_is_neither_a_stop_nor_a_crash,
    migration::an_older_database_keeps_what_is_in_it,
    migration::limits_keep_their_subjects_bounds_and_crashes,
}

/// The same of the model of storage that the simulations run on.
macro_rules! model_conformance {
    ($($module:ident::$case:ident,)*) => {
        mod of_the_model {
            $(
                #[tokio::test(start_paused = true)]
                async fn $case() {
                    super::$module::$case(&crate::world::World::model()).await;
                }
            )*
        }
    };
}

model_conformance! {
    administration::a_price_never_changes,
    administration::workspaces_come_back_as_they_were_put,
    administration::models_of_a_workspace_are_its_own,
    administration::aliases_are_of_one_workspace_and_replace_by_name,
    administration::holds_come_back_until_they_are_deleted,
    log::holds_change_with_the_records_of_a_group,
    changes::a_change_writes_everything_with_its_events,
    changes::an_event_is_written_once,
    changes::an_entry_made_by_hand_comes_with_its_events,
    changes::a_policy_is_read_from_one_state,
    changes::everything_is_replaced_and_deleted_within_its_workspace,
    changes::boosts_go_with_their_quota,
    changes::events_are_listed_and_filtered,
    directory::entries_come_back_as_they_were_put,
    directory::many_entries_at_once,
    directory::registered_and_seen_are_listed_together,
    directory::entries_are_found_by_their_words_and_counted,
    directory::a_search_that_finds_many_is_a_page_and_a_bounded_count,
    directory::what_was_seen_comes_with_its_times,
    directory::an_erased_user_leaves_every_sum,
    directory::a_user_whose_erasure_has_begun_is_gone,
    directory::rules_of_an_erased_user_go_with_it,
    directory::nothing_else_names_an_erased_user,
    directory::events_that_name_a_text_are_found,
    directory::entries_of_an_erased_user_are_found_by_their_hours,
    log::large_records_are_listed_and_counted,
    log::the_last_entry_says_when_it_was_written,
    limits::quotas_of_all_kinds_come_back,
    limits::rate_limits_and_keys_come_back,
    limits::rules_are_listed_in_pages_and_filtered,
    limits::keys_and_groups_are_listed_in_pages,
    limits::boosts_come_back_and_those_that_are_over_are_left_out,
    limits::boosts_are_listed_by_target,
    used::used_equals_the_naive_sum,
    used::sent_equals_the_naive_sum,
    used::subjects_are_told_apart_and_summed_exactly,
    alerts::alerts_of_all_kinds_come_back,
    alerts::an_alert_is_stored_once_under_its_key,
    alerts::deliveries_are_stored_with_an_alert_that_is_there,
    alerts::raised_keys_are_those_of_late_windows,
    alerts::the_latest_alert_about_a_large_record_is_found,
    alerts::alerts_are_listed_and_filtered,
    alerts::alerts_are_followed_from_a_position,
    alerts::the_first_acknowledgement_stays,
    alerts::receivers_come_back,
    alerts::one_delivery_is_due_for_each_receiver,
    alerts::a_delivery_is_replaced_if_it_is_there,
    alerts::deliveries_are_listed_and_filtered,
    secrets::secrets_of_all_webhooks_are_listed_and_replaced,
    secrets::a_plain_secret_is_known_of_until_it_is_wiped,
    shutdown::counts_come_back_until_they_are_deleted,
    shutdown::a_workspace_is_listed_once_whatever_was_saved,
    shutdown::crashes_come_back_until_they_are_deleted,
    shutdown::one_crash_of_many_workspaces,
    shutdown::a_claim_says_how_the_owner_before_has_ended,
}
