//! At what price, as which model.

use crate::script::check;

#[test]
fn billed_at_the_price_of_the_check() {
    check(
        "plan 100
         model a 1000/1000
         check r1 a in=1k out=0           => held 1
         price a 3000/3000
         check r2 a in=1k out=0           => held 3
         record r1 a in=2k                => cost 2; price a-0
         record r2 a in=1k                => cost 3; price a-1
         record r3 a in=1k                => cost 3",
    );
}

#[test]
fn also_after_a_restart() {
    check(
        "plan 100
         model a 1000/1000
         check r1 a in=1k out=0           => held 1
         price a 3000/3000
         restart
         record r1 a in=2k                => cost 2; price a-0",
    );
}

#[test]
fn prices_have_dates() {
    check(
        "plan 100
         model a 1000/1000
         price a 2000/2000 from 2026-01-20T00:00
         at 2026-01-19T23:59
         check r1 a in=1k out=0           => held 1
         at 2026-01-20T00:00
         check r2 a in=1k out=0           => held 2
         record r3 a in=1k start=2026-01-19T23:00 => cost 1
         record r4 a in=1k start=2026-01-20T00:00 => cost 2",
    );
}

#[test]
fn a_workspace_may_have_its_own_price() {
    check(
        "plan 100
         model a 1000/1000
         price a 400/400 own
         check r1 a in=1k out=0           => held 0.4
         price a 9000/9000
         check r2 a in=1k out=0           => held 0.4
         record r1 a in=1k                => cost 0.4",
    );
}

#[test]
fn an_alias_counts_as_its_model() {
    check(
        "plan 100
         model a 1000/1000 cap 2 alias a-2026-01-01
         check r1 a-2026-01-01 in=1k out=0 => allowed; held 1
         holds                            => r1 live on a 1
         record r1 a-2026-01-01 in=2k     => cost 2; priced; counts as a; price a-0
         budget                           => a spent 2",
    );
}

#[test]
fn a_snapshot_of_the_model_of_a_hold_counts_for_it_at_its_own_price() {
    check(
        "plan 100
         model a 1000/1000 cap 5
         model a-2026-01-05 3000/3000 unset
         model a-2026-01-06 1000/1000 unset
         check r1 a in=1k out=0           => held 1
         record r1 a-2026-01-05 in=1k     => cost 3; priced; counts as a; price a-2026-01-05-1
         check r2 a in=1k out=0           => held 1
         record r2 a-2026-01-06 in=1k     => cost 1; priced; counts as a; price a-0
         check r3 a in=1k out=0           => held 1
         record r3 a-2026-01-07 in=1k     => cost 1; priced; counts as a; price a-0
         record r4 a-2026-01-05 in=1k     => cost 3; counts as a-2026-01-05
         record r5 a-2026-01-07 in=1k     => cost 1; counts as a
         budget                           => spent 9; held 0; a spent 6",
    );
}

#[test]
fn the_provider_of_a_hold_says_whose_model_answers() {
    check(
        "plan 100
         model gpt-4o 1000/1000 by openai
         model azure/gpt-4o 2000/2000 by azure
         check r1 azure/gpt-4o in=1k out=0 => held 2
         record r1 gpt-4o-2024-08-06 in=1k => cost 2; counts as azure/gpt-4o
         check r2 azure/gpt-4o in=1k out=0 => held 2
         record r2 gpt-4o in=1k           => cost 2; counts as azure/gpt-4o
         record r3 gpt-4o in=1k           => cost 1; counts as gpt-4o
         check r4 openai/GPT-4o in=1k out=0 => allowed; held 1
         record r4 openai/gpt-4o in=1k    => cost 1; counts as gpt-4o",
    );
}

#[test]
fn a_workspace_names_its_deployments() {
    check(
        "plan 100
         model gpt-4o 1000/1000 by openai
         model azure/gpt-4o 2000/2000 by azure
         check r1 chat in=1k out=0        => blocked; ModelUnknown
         alias chat azure/gpt-4o
         alias gpt-4o azure/gpt-4o
         check r1 chat in=1k out=0        => allowed; held 2
         record r1 chat in=1k             => cost 2; counts as azure/gpt-4o
         check r2 gpt-4o in=1k out=0      => allowed; held 2
         record r3 gpt-4o in=1k           => cost 2; counts as azure/gpt-4o
         restart
         check r4 chat in=1k out=0        => allowed; held 2
         alias chat gpt-4o
         check r5 chat in=1k out=0        => allowed; held 1",
    );
}

#[test]
fn an_unknown_model_is_billed_as_that_of_its_hold() {
    check(
        "plan 100
         model a 1000/1000
         check r1 a in=1k out=0           => held 1
         record r1 a-preview in=1k        => cost 1; unpriced; counts as a
         record r2 a-preview in=1k        => cost 0; unpriced; counts as a-preview
         budget                           => spent 1",
    );
}

#[test]
fn a_model_that_answers_instead_is_billed_as_itself() {
    check(
        "plan 100
         model a 1000/1000
         model b 3000/3000
         model c unpriced
         check r1 a in=1k out=0           => held 1
         record r1 b in=1k                => cost 3; counts as b; price b-1
         check r2 a in=1k out=0           => held 1
         record r2 c in=1k                => cost 1; unpriced; counts as c; price a-0
         budget                           => held 0; b spent 3; c spent 1",
    );
}

#[test]
fn amounts_are_rounded_once_half_to_even() {
    check(
        "plan 100
         model a 0.0005/0.0015
         record r1 a in=1                 => cost 0
         record r2 a out=1                => cost 0.000000002
         record r3 a in=3                 => cost 0.000000002
         record r4 a in=2                 => cost 0.000000001",
    );
}

#[test]
fn changes_of_limits_never_change_what_was_spent() {
    check(
        "plan 10
         model a 1000/1000 cap 5
         check r1 a in=2k out=0           => allowed
         record r0 a in=2k                => spent 2
         cap a 1
         plan 3
         budget                           => spent 2; held 2; remaining -1; a spent 2
         record r1 a in=2k                => spent 4; exhausted
         cap a none
         plan 10
         budget                           => spent 4; held 0; within plan
         check r2 a in=6k out=0           => allowed",
    );
}
