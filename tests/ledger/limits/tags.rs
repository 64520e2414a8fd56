//! Limits of tags: of all requests that have a key with one value.

use crate::script::check;

#[test]
fn requests_with_a_tag_count_together() {
    check(
        "plan 100
         model a 1000/1000
         quota q tag team:search 2 per day
         check r1 a in=1k out=0 tag:team=search user=ada => allowed
         check r2 a in=1k out=0 tag:team=search tag:env=x => allowed
         check r3 a in=1k out=0 tag:team=search
         => blocked; HeldInFlight
         => q of tag team=search says HeldInFlight: limit 2 spent 0 held 2 need 1 \
            until 2026-01-16T00:00
         check r4 a in=1k out=0 tag:team=Search => allowed
         check r5 a in=1k out=0 tag:env=search  => allowed
         check r6 a in=1k out=0                 => allowed
         record r1 a in=1k                      => cost 1
         record r2 a in=2k                      => cost 2
         usage => 1. q of tag team=search: 3 of 2, held 0, 1500000 ppm; 1 entries
         usage tag=team:search => 1 entries
         usage tag=team:other => 0 entries
         check r3 a in=1k out=0 tag:team=search => blocked; Exhausted; retry 43200s",
    );
}

#[test]
fn each_of_several_tags_is_asked() {
    check(
        "plan 100
         model a 1000/1000
         quota env tag env:test 5 per day
         quota team tag team:search 2 per day
         quota both tag team:search 9 requests per day
         check r1 a in=2k out=0 tag:team=search tag:env=test tag:x=y => allowed
         check r2 a in=4k out=0 tag:team=search tag:env=test
         => blocked; HeldInFlight; no retry
         => env of tag env=test says HeldInFlight: limit 5 spent 0 held 2 need 4 \
            until 2026-01-16T00:00
         => team of tag team=search says RequestTooLarge: limit 2 spent 0 held 2 need 4 \
            until 2026-01-16T00:00
         check r3 a in=3k out=0 tag:env=test => allowed
         release r3 => released 3
         record r1 a in=1k tag:team=search   => cost 1
         usage of env => 1. env of tag env=test: 0 of 5, held 0, 0 ppm
         usage of team => 1. team of tag team=search: 1 of 2, held 0, 500000 ppm
         usage of both => 1. both of tag team=search: 1 of 9, held 0, 111111 ppm",
    );
}

#[test]
fn a_new_limit_counts_what_the_log_and_the_holds_say() {
    check(
        "plan 100
         model a 1000/1000
         model b 500/500
         record r1 a in=1k tag:team=search tag:env=x => cost 1
         record r2 b in=1k tag:team=search           => cost 0.5
         record r3 a in=1k tag:team=other            => cost 1
         record r4 a in=9k tag:team=search start=2026-01-14T23:59 => cost 9
         check r5 a in=3k out=0 tag:team=search tag:env=x => allowed
         quota q tag team:search 5 per day
         quota only tag team:search 9k tokens per day only=b
         quota env tag env:x 5 per week
         usage of q => 1. q of tag team=search: 1.5 of 5, held 3, 300000 ppm
         usage of only => 1. only of tag team=search: 1000 of 9000, held 0, 111111 ppm
         usage of env => 1. env of tag env=x: 1 of 5, held 3, 200000 ppm
         no-quota env
         quota env tag env:x 5 per week
         usage of env => 1. env of tag env=x: 1 of 5, held 3, 200000 ppm
         restart
         usage of q => 1. q of tag team=search: 1.5 of 5, held 3, 300000 ppm
         usage of env => 1. env of tag env=x: 1 of 5, held 3, 200000 ppm
         record r5 a in=1k => cost 1
         crash
         usage of q => 1. q of tag team=search: 2.5 of 5, held 0, 500000 ppm
         usage of env => 1. env of tag env=x: 2 of 5, held 0, 400000 ppm",
    );
}

#[test]
fn many_limits_are_asked_of_the_log_at_once() {
    let mut script = String::from("plan 100\nmodel a 1000/1000\n");
    for number in 0..12 {
        script += &format!("quota q{number} tag team:t{number} 9 per day\n");
        script += &format!("record r{number} a in=1k tag:team=t{number} tag:a=b => cost 1\n");
    }
    script += "crash\n";
    for number in 0..12 {
        script += &format!("usage of q{number} => ");
        script += &format!("1. q{number} of tag team=t{number}: 1 of 9, held 0, 111111 ppm\n");
    }
    check(&script);
}

#[test]
fn an_expired_hold_is_charged_and_refunded_to_its_tags() {
    check(
        "plan 100
         expiry charge
         model a 1000/1000
         quota q tag team:search 5 per day
         check r1 a in=2k out=0 hold=10s tag:team=search => allowed
         wait 11s
         charge-due                        => charged 1
         usage => 1. q of tag team=search: 2 of 5, held 0, 400000 ppm
         record r1 a in=1k tag:team=search => cost 1
         usage => 1. q of tag team=search: 1 of 5, held 0, 200000 ppm",
    );
}

#[test]
fn a_limit_that_is_gone_leaves_holds_alone() {
    check(
        "plan 100
         model a 1000/1000
         quota q tag team:search 2 per day
         check r1 a in=1k out=0 tag:team=search => allowed
         no-quota q
         sweep 100
         check r2 a in=1k out=0 tag:team=search => allowed
         record r1 a in=1k                      => cost 1
         release r2                             => released 1
         sweep 100
         check r3 a in=9k out=0 tag:team=search => allowed
         quota q tag team:search 20 per day
         usage => 1. q of tag team=search: 1 of 20, held 9, 50000 ppm",
    );
}

#[test]
fn rates_and_downgrades_of_a_tag_are_as_of_others() {
    check(
        "plan 100
         model a 1000/1000
         model b 500/500
         rate-limit l tag team:search rpm=2
         quota q tag team:search 2 per day downgrade
         check r1 a in=2k out=0 tag:team=search => allowed
         check r2 a in=1k out=0 tag:team=search => routed b; Downgrade
         check r3 b in=1 out=0 tag:team=search
         => blocked; l of tag team=search says RateLimited: limit 2 spent 2 held 0 need 1 for 61s
         crash
         check r4 b in=1 out=0 tag:team=search  => blocked; RateLimited
         wait 2m
         check r4 b in=1 out=0 tag:team=search  => allowed",
    );
}
