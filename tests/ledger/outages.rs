//! Checks while storage takes no writes.

use crate::script::check;

#[test]
fn checks_go_on_for_as_long_as_the_workspace_says() {
    check(
        "plan 1000
         model a 1000/1000
         outage 5m
         storage                          => takes writes
         storage out                      => since 2026-01-15T12:00; until 2026-01-15T12:05
                                          => held 0 of 100; decides
         wait 299s
         check r1 a in=5k out=0           => allowed
         wait 1s
         check r2 a in=1k out=0           => error storage takes no writes, and \
outage_duration_limit is reached
         check r2 a dry in=1k out=0       => allowed
         check r1 a in=5k out=0           => allowed; held 5
         storage                          => held 5 of 100; has refused
         figures                          => 1 holds; held 5
         outage 6m
         check r2 a in=1k out=0           => allowed
         outage 0s
         check r3 a in=1k out=0           => error storage takes no writes, and \
outage_duration_limit is reached
         storage back                     => takes writes
         check r3 a in=1k out=0           => allowed",
    );
}

#[test]
fn what_checks_hold_meanwhile_is_bounded_also_when_these_holds_end() {
    check(
        "plan 90 + 10
         model a 1000/1000
         model free 0/0
         check r0 a in=8k out=0           => allowed
         storage out                      => held 0 of 10
         check r1 a in=4k out=0 hold=1m   => allowed
         check r2 a in=4k out=0           => allowed
         check r3 a in=3k out=0           => error storage takes no writes, and \
outage_held_limit is reached
         holds                            => 3 live
         check r3 a in=2k out=0           => allowed
         check r4 a in=1 out=0            => error storage takes no writes, and \
outage_held_limit is reached
         check r5 free in=1k out=0        => allowed
         wait 2m
         release r2                       => released 4
         storage                          => held 10 of 10; has refused
         budget                           => held 10
         check r4 a in=1 out=0            => error storage takes no writes, and \
outage_held_limit is reached
         outage 10m for 12
         check r4 a in=2k out=0           => allowed
         storage back                     => takes writes
         check r6 a in=9k out=0           => allowed
         storage out                      => held 0 of 12; decides
         outage 10m for 0
         check r7 a in=1k out=0           => error storage takes no writes, and \
outage_held_limit is reached
         check r8 free in=1k out=0        => allowed",
    );
}

#[test]
fn an_outage_is_told_once_a_day_when_it_is_over() {
    check(
        "plan 100
         model a 1000/1000
         storage out
         check r1 a in=1k out=0           => allowed
         wait 10s
         check r2 a in=1k out=0           => allowed
         storage back
         alerts                           => 0 alerts
         storage out
         check r3 a in=1k out=0           => allowed
         wait 11s
         check r4 a in=2k out=0           => allowed
         alerts                           => 0 alerts
         storage back
         alerts                           => 1 alerts; 1. StorageOutage of the workspace: 3 of 10
         storage out
         check r5 a in=9k out=0           => allowed
         check r6 a in=9k out=0           => error storage takes no writes, and \
outage_held_limit is reached
         storage back
         alerts                           => 1 alerts; 1. StorageOutage of the workspace: 9 of 10
         restart
         storage out
         check r7 a in=9k out=0           => allowed
         check r8 a in=9k out=0           => error storage takes no writes, and \
outage_held_limit is reached
         storage back
         alerts                           => 0 alerts
         at 2026-01-16T00:00
         storage out
         wait 11m
         check r9 a in=1k out=0           => error storage takes no writes, and \
outage_duration_limit is reached
         storage back
         alerts                           => 2 alerts; 2. StorageOutage of the workspace: 0 of 10",
    );
}
