//! Cycles, and what moves their ends.

use crate::script::check;

#[test]
fn a_cycle_begins_at_zero_by_itself() {
    check(
        "plan 10 from 2026-01-10
         model a 1000/1000 cap 5
         budget                  => cycle 2026-01-10T00:00 to 2026-02-10T00:00; 26 days left
         record r1 a in=5k       => spent 5
         check r2 a in=1k out=0  => blocked; retry 2203200s
         at 2026-02-09T23:59:59
         check r2 a in=1k out=0  => blocked; retry 1s
         at 2026-02-10T00:00
         check r2 a in=5k out=0  => allowed
         budget                  => spent 0; cycle 2026-02-10T00:00 to 2026-03-10T00:00",
    );
}

#[test]
fn short_months_end_on_their_last_day() {
    check(
        "plan 10 from 2026-01-31
         at 2026-02-15T00:00
         budget                  => cycle 2026-01-31T00:00 to 2026-02-28T00:00
         at 2026-02-28T00:00
         budget                  => cycle 2026-02-28T00:00 to 2026-03-31T00:00
         at 2026-04-30T00:00
         budget                  => cycle 2026-04-30T00:00 to 2026-05-31T00:00
         at 2028-02-29T00:00
         budget                  => cycle 2028-02-29T00:00 to 2028-03-31T00:00",
    );
}

#[test]
fn a_new_start_date_cuts_the_windows_anew() {
    check(
        "plan 10
         model a 1000/1000 cap 8
         at 2026-02-05T00:00
         record r1 a in=3k       => spent 3
         at 2026-02-15T00:00
         record r2 a in=2k       => spent 5
         check r3 a in=1k out=0  => allowed
         plan 10 from 2026-01-10
         budget
         => spent 2; held 1; a spent 2; cycle 2026-02-10T00:00 to 2026-03-10T00:00
         record r3 a in=1k       => spent 3
         plan 10 from 2026-01-01
         budget                  => spent 6; held 0; cycle 2026-02-01T00:00 to 2026-03-01T00:00
         plan 10 from 2026-01-20
         budget                  => spent 6; cycle 2026-01-20T00:00 to 2026-02-20T00:00",
    );
}

#[test]
fn a_time_zone_cuts_them_as_well() {
    check(
        "plan 10
         model a 1000/1000
         at 2026-01-31T22:30
         record r1 a in=1k       => spent 1
         at 2026-01-31T23:30
         check r2 a in=2k out=0  => allowed
         zone Europe/Berlin
         budget                  => spent 0; held 2; cycle 2026-01-31T23:00 to 2026-02-28T23:00
         record r2 a in=2k       => spent 2
         at 2026-03-31T21:59
         budget                  => cycle 2026-02-28T23:00 to 2026-03-31T22:00
         zone UTC
         budget                  => spent 0
         zone America/New_York
         budget                  => cycle 2026-03-01T05:00 to 2026-04-01T04:00",
    );
}

#[test]
fn holds_across_the_end_stay_in_their_window() {
    check(
        "plan 10
         model a 1000/1000 cap 10
         at 2026-01-31T23:59
         check r1 a in=6k out=0 hold=1h  => allowed
         check r2 a in=4k out=0 hold=1h  => allowed
         at 2026-02-01T00:05
         check r3 a in=10k out=0         => allowed
         budget                          => held 10
         release r1                      => released 6
         record r2 a in=9k               => spent 0; charged at 2026-01-31T23:59
         budget                          => held 10; spent 0
         record r3 a in=10k              => spent 10",
    );
}

#[test]
fn a_late_record_says_which_cycle_is_charged() {
    check(
        "plan 10
         model a 1000/1000
         at 2026-02-03T00:00
         record r1 a in=1k start=2026-01-31T23:59 => spent 0; charged at 2026-01-31T23:59
         record r2 a in=2k start=2026-02-01T00:00 => spent 2
         record r3 a in=4k                        => spent 6; charged at 2026-02-03T00:00
         at 2026-02-28T23:58
         record r4 a in=1k start=2026-03-01T00:02 => spent 6; charged at 2026-03-01T00:02
         at 2026-03-01T00:00
         budget                                   => spent 1",
    );
}

#[test]
fn a_plan_change_in_the_middle_takes_effect_at_once() {
    check(
        "plan 5
         model a 1000/1000
         record r1 a in=4k       => spent 4
         check r2 a in=1k out=0  => allowed
         check r3 a in=1k out=0  => blocked
         plan 5 + 1
         check r3 a in=1k out=0  => allowed
         plan 1
         check r4 a in=1 out=0   => blocked; Exhausted; exhausted
         budget                  => spent 4; held 2; remaining -5",
    );
}
