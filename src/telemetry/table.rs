//! The table of metrics: each one's handle, value, exported name with its unit, and help.
//!
//! docs/operations.md says what each one means and what to do; a test compares the two.

use strum::VariantNames;

use super::rpc::RpcDurations;
use super::values::{
    Amounts, BuildInfo, Counter, Counters, Exported, Gauge, Histogram, Label, Metric, NANOS, Named,
};
use crate::domain::check::{LimitKind, Reason};

/// Most reasons of errors that are counted apart.
const REASONS_MAX: usize = 48;
/// Most limits that are counted apart.
const LIMITS_MAX: usize = 64;

const DECISION: Label = Label { name: "decision", values: Decided::VARIANTS };
const DRY_RUN: Label = Label { name: "dry_run", values: &["false", "true"] };
const REFUSED: Label = Label { name: "decision", values: Refused::VARIANTS };
const REASON: Label = Label { name: "reason", values: Reason::VARIANTS };
const REASONS: usize = Reason::VARIANTS.len();
const LIMIT: Label = Label { name: "limit", values: VERDICTS };
/// The kinds of limits, and behind them what no limit but a rule says.
const VERDICTS: &[&str] = &["envelope", "model_limit", "quota", "rate_limit", "rule"];
pub(super) const RULE: usize = LimitKind::VARIANTS.len();
const RECORDED: Label = Label { name: "outcome", values: RecordOutcome::VARIANTS };
const WRITTEN: Label = Label { name: "outcome", values: WriteOutcome::VARIANTS };
const PREVIOUS: Label = Label { name: "previous", values: &["none", "stopped", "crashed"] };
const ALERT_TYPE: Label = Label {
    name: "type",
    values: &[
        "threshold",
        "in_overage",
        "exhausted",
        "fallback_began",
        "unpriced_model",
        "holds_expired",
        "cost_differs",
        "answer_unread",
        "large_record",
        "anomaly",
        "storage_outage",
    ],
};
const SPAN: Label = Label { name: "outcome", values: SpanOutcome::VARIANTS };
const DELIVERY: Label = Label { name: "state", values: DeliveryStep::VARIANTS };

/// In nanoseconds: from 100 µs to 30 s.
const WRITE_BOUNDS: [u64; 16] = [
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    30_000_000_000,
];
/// Records; the last is the most of one transaction.
const GROUP_BOUNDS: [u64; 12] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048];

/// What was decided.
#[derive(Clone, Copy, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Decided {
    Allowed,
    Routed,
    Blocked,
}

/// What was decided, where a limit or a rule spoke.
#[derive(Clone, Copy, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Refused {
    Routed,
    Blocked,
}

/// What became of a report of usage.
#[derive(Clone, Copy, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum RecordOutcome {
    /// It is durable now.
    Recorded,
    /// It was durable before.
    Duplicate,
    /// The report is wrong, or passes a bound.
    Refused,
    /// Storage failed.
    Failed,
}

/// How a write to storage ended.
#[derive(Clone, Copy, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum WriteOutcome {
    Applied,
    NotApplied,
    Unknown,
    /// Another server has the database.
    Fenced,
    /// The database is gone, or contradicts itself.
    Broken,
}

/// What became of a span.
#[derive(Clone, Copy, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum SpanOutcome {
    Sent,
    Lost,
}

/// A step of a delivery of an alert to one receiver.
#[derive(Clone, Copy, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryStep {
    Created,
    Delivered,
    /// An attempt failed, and another one follows.
    Retried,
    /// Given up.
    Dead,
}

macro_rules! table {
    ($($handle:ident: $value:ty = $new:expr, $name:literal, $help:literal;)+) => {
        $(
            #[doc = $help]
            pub static $handle: Metric<$value> = Metric::new($name, $help, $new);
        )+

        /// Every metric, in the order in which they are exported.
        pub static TABLE: &[&dyn Exported] = &[$(&$handle),+];
    };
}

table! {
    BUILD_INFO: BuildInfo = BuildInfo,
        "tollgate_build_info", "Version of the server.";
    RPC_DURATIONS: RpcDurations = RpcDurations::new(),
        "rpc_server_call_duration_seconds",
        "Time from the head of a call to its end, by method and status.";

    DECISIONS: Counters<2, 6> = Counters::new([DECISION, DRY_RUN]),
        "tollgate_decisions_total", "Answers to checks, by what was decided.";
    DECISION_REASONS: Counters<2, { 2 * REASONS }> = Counters::new([REFUSED, REASON]),
        "tollgate_decision_reasons_total",
        "Checks that were blocked or routed, by the reason of the decision.";
    BLOCKING_VERDICTS: Counters<1, 5> = Counters::new([LIMIT]),
        "tollgate_blocking_verdicts_total",
        "Limits and rules in the way of checks; several may be in the way of one.";

    HOLDS: Gauge = Gauge::new(),
        "tollgate_holds", "Live holds.";
    HELD_AMOUNT: Amounts<false> = Amounts::new(),
        "tollgate_held_amount", "Sum of the live holds of running cycles.";
    HOLDS_EXPIRED: Counter = Counter::new(),
        "tollgate_holds_expired_total", "Holds that expired without a record.";
    HOLDS_SETTLED: Counter = Counter::new(),
        "tollgate_holds_settled_total", "Holds that ended with a record.";
    HOLDS_EXCEEDED: Counter = Counter::new(),
        "tollgate_holds_exceeded_total", "Holds whose record cost more than they held.";
    SETTLED_HELD: Amounts<true> = Amounts::new(),
        "tollgate_settled_held_amount_total", "Sum of holds that ended with a record.";
    SETTLED_COST: Amounts<true> = Amounts::new(),
        "tollgate_settled_cost_amount_total", "Sum of what the records of these holds cost.";
    HOLDS_STORED: Gauge = Gauge::new(),
        "tollgate_holds_stored", "Live holds that storage has too: a crash does not lose them.";
    WORKSPACES_LOADED: Gauge = Gauge::new(),
        "tollgate_workspaces_loaded", "Workspaces in memory.";
    WORKSPACES_QUARANTINED: Gauge = Gauge::new(),
        "tollgate_workspaces_quarantined",
        "Workspaces whose ledger has failed and that are not loaded again yet.";
    QUARANTINES: Counter = Counter::new(),
        "tollgate_quarantines_total", "Ledgers of workspaces that have failed.";

    RECORDS: Counters<1, 4> = Counters::new([RECORDED]),
        "tollgate_records_total", "Reports of usage, by what became of them.";
    RECORDS_UNPRICED: Counter = Counter::new(),
        "tollgate_records_unpriced_total", "Records of usage that has no price.";
    RECORDS_UNREAD: Counter = Counter::new(),
        "tollgate_records_unread_total", "Records of a provider answer that could not be read.";

    WRITES: Counters<1, 5> = Counters::new([WRITTEN]),
        "tollgate_storage_writes_total", "Tries of writes to storage, by how they ended.";
    WRITE_DURATIONS: Histogram<16> = Histogram::new(WRITE_BOUNDS, NANOS),
        "tollgate_storage_write_duration_seconds", "Time that one try of a write took.";
    COMMIT_RECORDS: Histogram<12> = Histogram::new(GROUP_BOUNDS, 1.0),
        "tollgate_commit_records", "Entries of the usage log in one transaction.";
    QUEUE_COMMANDS: Gauge = Gauge::new(),
        "tollgate_writer_queue_commands", "Records and changes that wait for the writer.";
    QUEUE_COMMANDS_MAX: Gauge = Gauge::new(),
        "tollgate_writer_queue_commands_max",
        "Most that wait in all before workspaces are bounded by their share.";
    OLDEST_WRITE_AGE: Gauge = Gauge::new(),
        "tollgate_oldest_write_age_seconds",
        "How long the write under way has been waiting for storage, with all its tries; 0 without.";
    STORAGE_ANSWERS: Gauge = Gauge::new(),
        "tollgate_storage_answers", "1 if storage answered the last write.";
    OUTAGE_AGE: Gauge = Gauge::new(),
        "tollgate_storage_outage_seconds",
        "Time since the oldest write began that storage has not taken; 0 while it takes them.";
    OUTAGE_HELD: Amounts<false> = Amounts::new(),
        "tollgate_storage_outage_held_amount",
        "Sum of what checks have held since storage takes no writes.";
    READER_WAITS: Histogram<16> = Histogram::new(WRITE_BOUNDS, NANOS),
        "tollgate_storage_reader_wait_seconds", "Time that reads waited for a connection.";
    RECONNECTS: Counter = Counter::new(),
        "tollgate_storage_reconnects_total", "Times that the connection that writes was lost.";
    FOLD_LAG: Gauge = Gauge::new(),
        "tollgate_fold_lag_seconds", "Age of the newest moment that rollups are complete for.";
    FOLD_LAG_RECORDS: Gauge = Gauge::new(),
        "tollgate_fold_lag_records", "Entries of the usage log that no rollup has yet.";

    SERVING: Gauge = Gauge::new(),
        "tollgate_serving", "1 if this server decides and records.";
    LEASE_DURATION: Gauge = Gauge::new(),
        "tollgate_lease_duration_seconds", "Length of the lease of the database.";
    LEASE_REMAINING: Gauge = Gauge::new(),
        "tollgate_lease_remaining_seconds", "Time until the lease ends if it is not renewed.";
    OWNER_EPOCH: Gauge = Gauge::new(),
        "tollgate_owner_epoch", "Epoch in which this server owns the database.";
    CLAIMS: Counters<1, 3> = Counters::new([PREVIOUS]),
        "tollgate_claims_total",
        "Claims of the database, by how the server before ended; crashed is a take-over.";
    CLOCK_OFFSET: Gauge = Gauge::new(),
        "tollgate_clock_offset_seconds",
        "How far the clock of the machine is ahead of the server's, where it is not followed.";
    CLOCK_STEPS: Counter = Counter::new(),
        "tollgate_clock_steps_total", "Times that the clock of the machine was set.";

    ALERTS: Counters<1, 11> = Counters::new([ALERT_TYPE]),
        "tollgate_alerts_total", "Alerts that were stored, by type.";
    DELIVERIES: Counters<1, 4> = Counters::new([DELIVERY]),
        "tollgate_alert_deliveries_total", "Steps of deliveries of alerts to receivers.";

    ERRORS: Named<REASONS_MAX> = Named::new("reason"),
        "tollgate_errors_total", "Errors that callers got, by reason; of each item of a batch.";
    LIMITS_REACHED: Named<LIMITS_MAX> = Named::new("limit"),
        "tollgate_limit_refusals_total", "Calls refused because a limit of the server is reached.";
    TASKS: Gauge = Gauge::new(),
        "tollgate_background_tasks", "Background tasks that run.";
    TASKS_ENDED: Counter = Counter::new(),
        "tollgate_background_tasks_ended_total", "Background tasks that ended while it served.";
    LOG_LINES_LOST: Counter = Counter::new(),
        "tollgate_log_lines_lost_total", "Lines of the log that could not be written.";

    SPANS: Counters<1, 2> = Counters::new([SPAN]),
        "tollgate_spans_total", "Spans of calls that are traced, by what became of them.";

    PROCESS_CPU: Counter = Counter::new(),
        "process_cpu_seconds_total", "Time of processors that was used, in whole seconds.";
    PROCESS_RESIDENT: Gauge = Gauge::new(),
        "process_resident_memory_bytes", "Memory that is resident.";
    PROCESS_FDS: Gauge = Gauge::new(),
        "process_open_fds", "Open file descriptors.";
    PROCESS_FDS_MAX: Gauge = Gauge::new(),
        "process_max_fds", "Most file descriptors.";
    PROCESS_START: Gauge = Gauge::new(),
        "process_start_time_seconds", "When the process started, since 1970.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::AlertType;

    #[test]
    fn labels_are_in_the_order_of_their_enums() {
        let types = AlertType::ALL.map(AlertType::as_str);
        assert_eq!(ALERT_TYPE.values, types);
        assert_eq!(&VERDICTS[..RULE], LimitKind::VARIANTS);
        assert_eq!(VERDICTS.len(), RULE + 1);
    }
}
