//! Rate limits: they slide, and say exactly how long to wait.

use crate::script::check;

#[test]
fn a_caller_that_waits_as_told_passes() {
    check(
        "plan 100
         model a 0/0
         rate-limit l key k rpm=2
         check r1 a in=1 out=0 key=k       => allowed
         wait 30s
         check r2 a in=1 out=0 key=k       => allowed
         check r3 a in=1 out=0 key=k
         => blocked; RateLimited; retry 31s
         => l of key k says RateLimited: limit 2 spent 2 held 0 need 1 for 31s
         check r4 a in=1 out=0 key=other   => allowed
         wait 250us
         check r3 a in=1 out=0 key=k       => blocked; retry 30.999750s
         wait 30s
         wait 999749us
         check r3 a in=1 out=0 key=k       => blocked; retry 0.000001s
         wait 1us
         check r3 a in=1 out=0 key=k       => allowed
         check r5 a in=1 out=0 key=k       => blocked; retry 30s",
    );
}

#[test]
fn what_was_admitted_is_never_given_back() {
    check(
        "plan 100
         model a 0/0
         rate-limit l user each rpm=1
         check r1 a in=1 out=0 user=ada    => allowed
         release r1                        => released 0
         check r2 a in=1 out=0 user=ada    => blocked; RateLimited
         check r1 a in=1 out=0 user=ada    => blocked",
    );
}

#[test]
fn tokens_are_corrected_when_they_are_known() {
    check(
        "plan 100
         model a 0/0
         rate-limit l user each tpm=10k
         check r1 a in=4k out=4k user=ada  => allowed
         check r2 a in=4k out=0 user=ada   => blocked; RateLimited; retry 61s
         record r1 a in=4k out=1k          => cost 0
         check r2 a in=5k out=0 user=ada   => allowed
         check r3 a in=1 out=0 user=ada    => blocked
         release r2                        => released 0
         check r3 a in=5k out=1 user=ada   => blocked
         check r3 a in=5k out=0 user=ada hold=1s => allowed
         wait 1s
         check r4 a in=1 out=0 user=ada    => blocked
         check r5 a in=11k out=0 user=ada  => blocked; RequestTooLarge; no retry",
    );
}

#[test]
fn a_day_slides_in_buckets_of_24_minutes() {
    check(
        "plan 100
         model a 0/0
         at 2026-01-15T12:10
         rate-limit l workspace rpd=1
         check r1 a in=1 out=0             => allowed
         at 2026-01-16T12:10
         check r2 a in=1 out=0             => blocked; RateLimited; retry 840s
         at 2026-01-16T12:24
         check r2 a in=1 out=0             => allowed",
    );
}

#[test]
fn records_without_a_check_count_when_they_are_charged() {
    check(
        "plan 100
         model a 0/0
         rate-limit l user each rpm=2 tpm=10k
         record r1 a in=9k user=ada        => cost 0
         check r2 a in=2k out=0 user=ada   => blocked; RateLimited
         check r2 a in=1k out=0 user=ada   => allowed
         wait 61s
         record r3 a in=9k user=ada start=2026-01-15T11:00 => cost 0
         check r4 a in=9k out=0 user=ada   => allowed",
    );
}

#[test]
fn a_new_limit_knows_what_was_sent_before() {
    check(
        "plan 100
         model a 0/0
         record r1 a in=1k user=ada        => cost 0
         check r2 a in=2k out=0 user=ada   => allowed
         wait 10s
         rate-limit l user each rpm=2 tpm=4k
         check r3 a in=2k out=0 user=ada
         => blocked; l of user ada says RateLimited: limit 2 spent 2 held 0 need 1 for 51s
         => l of user ada says RateLimited: limit 4000 spent 3000 held 0 need 2000 for 51s
         rate-limit l user each rpm=3
         check r3 a in=2k out=0 user=ada   => allowed
         check r4 a in=2k out=0 user=ada   => blocked
         no-rate-limit l
         check r4 a in=2k out=0 user=ada   => allowed",
    );
}

#[test]
fn counts_outlive_a_stop_and_a_crash_uses_the_minute_up() {
    check(
        "plan 100
         model a 0/0
         rate-limit l user each rpm=2
         check r1 a in=1 out=0 user=ada    => allowed
         release r1                        => released 0
         restart
         check r2 a in=1 out=0 user=ada    => allowed
         check r3 a in=1 out=0 user=ada    => blocked; retry 61s
         wait 10s
         crash
         check r4 a in=1 out=0 user=bob    => blocked; RateLimited; retry 61s
         wait 30s
         restart
         check r4 a in=1 out=0 user=bob    => blocked; RateLimited; retry 31s
         wait 31s
         check r4 a in=1 out=0 user=bob    => allowed",
    );
}

#[test]
fn only_limits_that_were_there_count_as_used_up() {
    check(
        "plan 100
         model a 0/0
         rate-limit old user each rpm=2
         crash
         wait 1s
         rate-limit new workspace rpm=1
         no-rate-limit old
         check r1 a in=1 out=0 user=ada    => allowed",
    );
}

#[test]
fn a_shadow_counts_and_lets_pass() {
    check(
        "plan 100
         model a 0/0
         rate-limit l workspace rpm=1 shadow
         check r1 a in=1 out=0             => allowed; no l of
         check r2 a in=1 out=0
         => allowed; l of acme says RateLimited: limit 1 spent 1 held 0 need 1, and lets it pass",
    );
}

#[test]
fn hours_and_days_bound_requests_and_tokens() {
    check(
        "plan 100
         model a 0/0
         rate-limit h user each rph=2 tpd=10k
         check r1 a in=4k out=0 user=ada   => allowed
         wait 30m
         check r2 a in=4k out=0 user=ada   => allowed
         check r3 a in=1k out=0 user=ada
         => blocked; RateLimited; retry 1860s
         => h of user ada says RateLimited: limit 2 spent 2 held 0 need 1 for 1860s
         wait 1859s
         check r3 a in=1k out=0 user=ada   => blocked
         wait 1s
         check r3 a in=3k out=0 user=ada   => blocked; RateLimited; retry 84180s
         check r3 a in=2k out=0 user=ada   => allowed
         check r4 a in=1 out=0 user=ada    => blocked
         check r5 a in=11k out=0 user=bob  => blocked; RequestTooLarge; no retry",
    );
}

/// As providers count tokens per minute. On another model the cache is cold.
#[test]
fn cache_reads_may_be_left_out() {
    check(
        "plan 100
         model a 2/8 cached=0.2
         model b 1/4
         rate-limit l user each upm=10k
         check r1 a in=100 cached=9k out=500 user=ada => allowed
         check r2 a in=100 cached=9k out=500 user=ada => allowed
         check r3 a in=9k out=0 user=ada   => blocked; RateLimited; retry 61s
         record r1 a in=1k cached=8k out=200 => cost 0.0052
         check r3 a in=8200 out=0 user=ada => allowed
         release r3                        => released 0.0164
         cap a 0.000001
         check r4 a in=100 cached=9k out=0 user=ada => blocked
         crash
         wait 2m
         check r5 a in=100 cached=9k out=0 user=bob => blocked",
    );
}

#[test]
fn after_a_crash_a_request_that_fits_waits_for_the_end_of_the_penalty_alone() {
    check(
        "plan 100
         model a 1000/1000
         rate-limit l user each rpm=2
         crash
         wait 30s
         record r1 a in=1k user=ada        => cost 1
         check r2 a in=1k out=0 user=ada   => blocked; RateLimited; retry 31s
         record r3 a in=1k user=ada        => cost 1
         check r4 a in=1k out=0 user=ada   => blocked; RateLimited; retry 61s",
    );
}
