//! Durations of calls by method and status, by OpenTelemetry's conventions for RPC metrics.
//!
//! A method's histogram for a status is made when it is first needed, and found by index after
//! that.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use prometheus_client::encoding::MetricEncoder;
use tonic::Code;

use super::values::{Histogram, Kind, NANOS, Value};

/// In nanoseconds: from 50 µs to 30 s.
const BOUNDS: [u64; 18] = [
    50_000,
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
    10_000_000_000,
    30_000_000_000,
];
/// The statuses of gRPC, in the order of their numbers.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
/// Every method that is not of the API, as the conventions want it.
const OTHER: &str = "_OTHER";

/// Position of a method among those that were declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodIndex(usize);

impl MethodIndex {
    /// That of a method that was not declared.
    pub const OTHER: MethodIndex = MethodIndex(0);
}

type ByCode = [OnceLock<Box<Histogram<18>>>; CODES.len()];

struct Method {
    name: &'static str,
    by_code: ByCode,
}

/// A histogram for each method and status that occur.
pub struct RpcDurations {
    methods: OnceLock<Vec<Method>>,
}

impl RpcDurations {
    pub const fn new() -> RpcDurations {
        RpcDurations { methods: OnceLock::new() }
    }

    /// Declares the methods of the process, by name: package, service, slash, method. Returns their
    /// positions; a second call must name the same.
    pub fn declare(&self, names: &[&'static str]) -> Vec<MethodIndex> {
        let method = |name| Method { name, by_code: [const { OnceLock::new() }; CODES.len()] };
        let all = [OTHER].into_iter().chain(names.iter().copied());
        let methods = self.methods.get_or_init(|| all.map(method).collect());
        let position = |name: &&'static str| {
            let found = methods.iter().position(|method| method.name == *name);
            MethodIndex(found.unwrap_or_default())
        };
        names.iter().map(position).collect()
    }

    pub fn name(&self, method: MethodIndex) -> &'static str {
        let methods = self.methods.get().map_or(&[] as &[Method], Vec::as_slice);
        methods.get(method.0).map_or(OTHER, |method| method.name)
    }

    /// Counts a call that has ended.
    pub fn observe(&self, method: MethodIndex, code: Code, duration: Duration) {
        let Some(method) = self.methods.get().and_then(|methods| methods.get(method.0)) else {
            return;
        };
        let histogram = &method.by_code[code as usize];
        let histogram = histogram.get_or_init(|| Box::new(Histogram::new(BOUNDS, NANOS)));
        histogram.observe_duration(duration);
    }
}

/// A status as the conventions, and the documents of gRPC, spell it: `INVALID_ARGUMENT`.
pub fn code_name(code: Code) -> &'static str {
    CODES[code as usize]
}

impl Value for RpcDurations {
    const KIND: Kind = Kind::Histogram;

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for method in self.methods.get().into_iter().flatten() {
            for (code, histogram) in CODES.iter().zip(&method.by_code) {
                let Some(histogram) = histogram.get() else { continue };
                let labels = [
                    ("rpc_system_name", "grpc"),
                    ("rpc_method", method.name),
                    ("rpc_response_status_code", *code),
                ];
                histogram.encode_into(&mut encoder, &labels)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_the_order_of_their_numbers() {
        for (number, name) in (0..).zip(CODES) {
            let code = Code::from_i32(number);
            let spelt = format!("{code:?}").to_uppercase();
            assert_eq!(name.replace('_', ""), spelt);
            assert_eq!(code_name(code), name);
        }
    }

    #[test]
    fn methods_are_found_by_what_was_declared() {
        let durations = RpcDurations::new();
        let indexes = durations.declare(&["a.A/X", "a.A/Y"]);
        assert_eq!(durations.declare(&["a.A/Y"]), [indexes[1]]);
        assert_eq!(durations.name(indexes[0]), "a.A/X");
        assert_eq!(durations.name(MethodIndex::OTHER), OTHER);
        assert_eq!(durations.declare(&["a.A/Z"]), [MethodIndex::OTHER]);
    }
}
