//! Quotas: whom they bound, in which unit, over which window.

use crate::script::check;

#[test]
fn every_user_has_a_day_of_their_own() {
    check(
        "plan 100
         model a 1000/1000
         quota q user each 2 per day
         check r1 a in=2k out=0 user=ada   => allowed
         check r2 a in=1 out=0 user=ada
         => blocked; HeldInFlight; retry 1s
         => q of user ada says HeldInFlight: limit 2 spent 0 held 2 need 0.001 \
            until 2026-01-16T00:00
         check r3 a in=2k out=0 user=bob   => allowed
         check r4 a in=3k out=0            => allowed
         check r5 a in=2001 out=0 user=cy  => blocked; RequestTooLarge; no retry
         record r1 a in=2k                 => cost 2
         check r2 a in=1 out=0 user=ada    => blocked; Exhausted; retry 43200s
         at 2026-01-16T00:00
         check r2 a in=2k out=0 user=ada   => allowed",
    );
}

#[test]
fn a_named_subject_is_an_exception() {
    check(
        "plan 100
         model a 1000/1000
         quota every user each 2 per day
         quota ada user ada 5 per day
         quota bob user bob none per day
         quota other user cy 1k tokens per day
         check r1 a in=4k out=0 user=ada   => allowed
         check r2 a in=9k out=0 user=bob   => allowed
         check r3 a in=2k out=0 user=cy
         => blocked; other of user cy says RequestTooLarge: limit 1000 spent 0 held 0 need 2000 \
            until 2026-01-16T00:00
         => no every of
         check r4 a in=3k out=0 user=cy    => blocked; RequestTooLarge
         record r1 a in=4k                 => cost 4
         no-quota ada
         check r5 a in=1 out=0 user=ada    => blocked; Exhausted
         no-quota every
         check r5 a in=1 out=0 user=ada    => allowed",
    );
}

#[test]
fn spend_before_a_quota_counts() {
    check(
        "plan 100
         model a 1000/1000
         record r0 a in=9k user=ada start=2026-01-14T23:59 => cost 9
         record r1 a in=2k user=ada        => cost 2
         check r2 a in=1k out=0 user=ada   => allowed
         quota day user ada 4 per day
         quota week user each 20 per week
         usage => 1. week of user ada: 11 of 20, held 1, 550000 ppm
         => 2. day of user ada: 2 of 4, held 1, 500000 ppm
         check r3 a in=2k out=0 user=ada   => blocked; HeldInFlight
         check r3 a in=1k out=0 user=ada   => allowed",
    );
}

#[test]
fn each_kind_of_subject_counts_its_own() {
    check(
        "plan 100
         model a 1000/1000
         key k1 in g
         quota all workspace 9 per month
         quota d department law 1 per month
         quota u user each 2 per month
         quota k key k1 3 per month
         quota g group g 4 per month
         quota p project p 5 per month
         quota s assistant s 6 per month
         check r1 a in=7k out=0 user=ada department=law key=k1 project=p assistant=s
         => blocked; RequestTooLarge
         => d of department law says RequestTooLarge: limit 1 spent 0 held 0 need 7 \
            until 2026-02-01T00:00
         => s of assistant s says RequestTooLarge: limit 6 spent 0 held 0 need 7 \
            until 2026-02-01T00:00
         => no all of
         usage                             => 6 entries; no 1. u
         check r2 a in=1k out=0 user=ada department=law key=k1 project=p assistant=s => allowed
         usage                             => 7 entries
         check r3 a in=1k out=0 department=law => blocked; HeldInFlight
         check r4 a in=1k out=0 department=tax => allowed",
    );
}

/// Caps for a run of an agent: each workflow, feature and session has its own.
#[test]
fn workflows_features_and_sessions_have_quotas() {
    check(
        "plan 100
         model a 1000/1000
         quota w workflow each 3 per day
         quota f feature search 2 per day
         quota s session each 2 requests per day
         check r1 a in=2k out=0 workflow=w1 feature=search session=s1 => allowed
         check r2 a in=2k out=0 workflow=w1 session=s1
         => blocked; w of workflow w1 says HeldInFlight: limit 3 spent 0 held 2 need 2 \
            until 2026-01-16T00:00
         check r2 a in=1k out=0 workflow=w2 feature=search session=s1
         => blocked; f of feature search says HeldInFlight: limit 2 spent 0 held 2 need 1 \
            until 2026-01-16T00:00
         check r2 a in=1k out=0 workflow=w2 feature=chat session=s1 => allowed
         check r3 a in=1k out=0 session=s1
         => blocked; s of session s1 says HeldInFlight: limit 2 spent 0 held 2 need 1 \
            until 2026-01-16T00:00
         check r3 a in=1k out=0 session=s2                          => allowed",
    );
}

#[test]
fn tokens_and_requests_are_units_as_well() {
    check(
        "plan 100
         model a 1000/1000
         model free 0/0
         quota t user each 10k tokens per day
         quota n user each 3 requests per day
         check r1 free in=4k out=2k user=ada  => allowed
         check r2 free in=4k out=1 user=ada   => blocked; HeldInFlight
         record r1 free in=1k out=500         => cost 0
         check r2 free in=8k out=500 user=ada => allowed
         check r3 free in=0 out=0 user=ada    => allowed
         check r4 free in=0 out=0 user=ada
         => blocked; n of user ada says HeldInFlight: limit 3 spent 1 held 2 need 1 \
            until 2026-01-16T00:00
         record r2 free attempt=0 failed      => cost 0
         record r2 free attempt=1 user=ada    => cost 0
         release r3                           => released 0
         check r4 free in=0 out=0 user=ada    => blocked; Exhausted
         usage of t => 1. t of user ada: 1500 of 10000, held 0, 150000 ppm
         usage of n => 1. n of user ada: 3 of 3, held 0, 1000000 ppm",
    );
}

#[test]
fn a_quota_may_count_one_model_only() {
    check(
        "plan 100
         model a 1000/1000
         model b 500/500
         quota q user each 1 per day only=a
         check r1 a in=1k out=0 user=ada   => allowed
         check r2 a in=1 out=0 user=ada    => blocked; no routed
         check r3 b in=9k out=0 user=ada   => allowed
         usage => 1. q of user ada: 0 of 1, held 1, 0 ppm",
    );
}

#[test]
fn soft_and_shadow_let_pass_and_say_so() {
    check(
        "plan 100
         model a 1000/1000
         quota warn user each 1 per day soft
         quota would workspace 1 per day shadow
         check r1 a in=2k out=0 user=ada
         => allowed; no retry; no RequestTooLarge
         => warn of user ada says RequestTooLarge: limit 1 spent 0 held 0 need 2 \
            until 2026-01-16T00:00, and lets it pass
         => would of acme says RequestTooLarge: limit 1 spent 0 held 0 need 2 \
            until 2026-01-16T00:00, and lets it pass
         usage => 2 entries; 1. warn of user ada: 0 of 1, held 2, 0 ppm",
    );
}

#[test]
fn every_limit_in_the_way_is_named() {
    check(
        "plan 1
         model a 1000/1000 cap 1
         quota b user each 1 per day
         quota a user each 1k tokens per week
         rate-limit l user each rpm=0
         check r1 a in=2k out=0 user=ada
         => blocked; RequestTooLarge; no retry
         => envelope of acme says RequestTooLarge: limit 1 spent 0 held 0 need 2 \
            until 2026-02-01T00:00
         => cap of a says RequestTooLarge: limit 1 spent 0 held 0 need 2 until 2026-02-01T00:00
         => a of user ada says RequestTooLarge: limit 1000 spent 0 held 0 need 2000 \
            until 2026-01-19T00:00
         => b of user ada says RequestTooLarge: limit 1 spent 0 held 0 need 2 \
            until 2026-01-16T00:00
         => l of user ada says RequestTooLarge: limit 0 spent 0 held 0 need 1
         budget                            => held 0
         usage                             => 0 entries",
    );
}

#[test]
fn the_longest_wait_of_all_counts() {
    check(
        "plan 100
         model a 1000/1000
         quota day user each 1 per day
         quota week workspace 1 per week
         quota hand workspace 1 requests per reset
         record r0 a in=1k user=ada        => cost 1
         check r1 a in=1 out=0 user=ada    => blocked; Exhausted; no retry
         no-quota hand
         check r1 a in=1 out=0 user=ada    => blocked; Exhausted; retry 302400s",
    );
}

#[test]
fn a_window_is_reset_by_hand() {
    check(
        "plan 100
         model a 1000/1000
         record r0 a in=1k user=ada start=2026-01-10T00:00 => cost 1
         quota q user ada 3 per reset since=2026-01-09T00:00
         check r1 a in=2k out=0 user=ada hold=1h => allowed
         check r2 a in=1 out=0 user=ada
         => blocked; q of user ada says HeldInFlight: limit 3 spent 1 held 2 need 0.001
         wait 1m
         reset q
         usage => 1. q of user ada: 0 of 3, held 0, 0 ppm
         check r2 a in=3k out=0 user=ada   => allowed
         record r1 a in=2k                 => cost 2
         usage => 1. q of user ada: 0 of 3, held 3, 0 ppm
         release r2                        => released 3
         usage => 1. q of user ada: 0 of 3, held 0, 0 ppm",
    );
}

#[test]
fn what_is_held_is_given_back_to_its_own_day() {
    check(
        "plan 100
         model a 1000/1000
         quota q user each 2 per day
         at 2026-01-15T23:59
         check r1 a in=2k out=0 user=ada   => allowed
         check r2 a in=0 out=2k user=bob   => allowed
         at 2026-01-16T00:00
         check r3 a in=1k out=0 user=ada   => allowed
         release r1                        => released 2
         record r2 a out=2k                => cost 2
         usage => 1 entries; 1. q of user ada: 0 of 2, held 1, 0 ppm
         check r4 a in=2k out=0 user=bob   => allowed",
    );
}

#[test]
fn corrections_count_and_expired_holds_are_charged() {
    check(
        "plan 100
         expiry charge
         model a 1000/1000
         quota m user each 5 per day
         quota n user each 5 requests per day
         check r1 a in=3k out=0 user=ada hold=1m => allowed
         wait 1m
         check r2 a in=3k out=0 user=ada   => blocked; HeldInFlight
         charge-due                        => charged 1
         usage of m => 1. m of user ada: 3 of 5, held 0, 600000 ppm
         usage of n => 0 entries
         record r1 a in=1k user=ada        => cost 1
         usage of m => 1. m of user ada: 1 of 5, held 0, 200000 ppm
         usage of n => 1. n of user ada: 1 of 5, held 0, 200000 ppm",
    );
}

#[test]
fn an_expired_hold_gives_back_what_it_took() {
    check(
        "plan 100
         model a 1000/1000
         quota m user each 3 per day
         quota n user each 1 requests per day
         check r1 a in=3k out=0 user=ada hold=1m => allowed
         wait 1m
         usage                             => 0 entries
         check r2 a in=3k out=0 user=ada   => allowed",
    );
}

#[test]
fn a_record_counts_for_whom_it_names() {
    check(
        "plan 100
         model a 1000/1000
         quota q user each 3 per day
         check r1 a in=3k out=0 user=ada   => allowed
         record r1 a in=2k user=bob        => cost 2
         usage => 1 entries; 1. q of user bob: 2 of 3, held 0, 666666 ppm",
    );
}

#[test]
fn days_of_23_and_25_hours() {
    check(
        "plan 100
         zone Europe/Berlin
         model a 1000/1000
         quota q user each 1 per day
         at 2026-03-28T23:00
         record r1 a in=1k user=ada        => cost 1
         check r2 a in=1 out=0 user=ada    => blocked; Exhausted; retry 82800s
         at 2026-03-29T21:59:59
         check r2 a in=1 out=0 user=ada    => blocked; retry 1s
         at 2026-03-29T22:00
         check r2 a in=1k out=0 user=ada   => allowed
         at 2026-10-24T22:00
         record r3 a in=1k user=ada        => cost 1
         check r4 a in=1 out=0 user=ada    => blocked; retry 90000s
         zone Australia/Lord_Howe
         at 2026-10-03T13:30
         at 2027-04-03T13:00
         record r5 a in=1k user=ada        => cost 1
         check r6 a in=1 out=0 user=ada    => blocked; retry 88200s",
    );
}

#[test]
fn weeks_begin_on_monday_in_the_zone() {
    check(
        "plan 100
         zone Asia/Kathmandu
         model a 1000/1000
         quota q workspace 1 per week
         at 2026-01-18T18:14:59
         record r1 a in=1k                 => cost 1
         check r2 a in=1 out=0             => blocked; retry 1s
         at 2026-01-18T18:15
         check r2 a in=1k out=0            => allowed",
    );
}

#[test]
fn another_time_zone_cuts_days_anew() {
    check(
        "plan 100
         model a 1000/1000
         quota q user each 5 per day
         at 2026-01-15T22:30
         record r1 a in=1k user=ada        => cost 1
         at 2026-01-15T23:30
         check r2 a in=2k out=0 user=ada   => allowed
         usage => 1. q of user ada: 1 of 5, held 2, 200000 ppm
         zone Europe/Berlin
         usage => 1. q of user ada: 0 of 5, held 2, 0 ppm
         zone UTC
         usage => 1. q of user ada: 1 of 5, held 2, 200000 ppm",
    );
}

#[test]
fn quotas_live_on_over_a_restart() {
    check(
        "plan 100
         model a 1000/1000
         quota q user each 5 per day
         record r1 a in=1k user=ada        => cost 1
         check r2 a in=2k out=0 user=ada   => allowed
         restart
         usage => 1. q of user ada: 1 of 5, held 2, 200000 ppm
         crash
         usage => 1. q of user ada: 1 of 5, held 0, 200000 ppm",
    );
}

#[test]
fn explained_with_every_limit_that_applies() {
    check(
        "plan 100
         model a 1000/1000 cap 50
         quota q user each 5 per day
         quota other user each 5 per day only=b
         rate-limit l workspace rpm=2
         check r1 a in=6k out=0 user=ada dry explain
         => blocked; RequestTooLarge
         => envelope of acme applies, says nothing: limit 100 spent 0 held 0 need 6 \
            until 2026-02-01T00:00
         => cap of a applies, says nothing: limit 50 spent 0 held 0 need 6 until 2026-02-01T00:00
         => l of acme applies, says nothing: limit 2 spent 0 held 0 need 1
         => q of user ada applies, says RequestTooLarge: limit 5 spent 0 held 0 need 6 \
            until 2026-01-16T00:00
         => no other of
         disable a
         check r1 a in=6k out=0 user=ada dry explain => blocked; no q of",
    );
}

#[test]
fn a_new_quota_counts_live_holds_of_its_subjects_alone() {
    check(
        "plan 100
         model a 1000/1000
         check r1 a in=1k out=0            => allowed
         quota q user each 5 per day
         usage                             => 0 entries
         sweep                             => 0 subjects
         quota w workspace 5 per day
         usage                             => 1 entries; 1. w of workspace: 0 of 5, held 1, 0 ppm
         release r1                        => released 1
         usage                             => 1. w of workspace: 0 of 5, held 0, 0 ppm",
    );
}
