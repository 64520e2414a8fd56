//! What a ledger is asked beside checks, and what it forgets by itself.

use crate::script::check;

#[test]
fn the_revision_grows_with_each_committed_change_and_nothing_else() {
    check(
        "revision                          => 0
         plan 100
         revision                          => 1
         model a 1000/1000
         revision                          => 2
         quota q user each 5 per day
         quota q user each 6 per day
         revision                          => 4
         no-quota absent
         revision                          => 4
         boost b q +3 for=1d
         boost e envelope +3 for=1d
         revision                          => 6
         no-quota q
         revision                          => 7
         rate-limit l key each rpm=5
         no-rate-limit l
         revision                          => 9
         key k1 in g
         revision                          => 11
         no-key k1
         no-group g
         revision                          => 13
         check r1 a in=1k out=0            => allowed
         release r1                        => released 1
         revision                          => 13
         record r2 a in=1k                 => cost 1
         revision                          => 14
         erase ada
         revision                          => 15
         restart
         revision                          => 1",
    );
}

#[test]
fn traces_of_a_user_are_counted_by_what_names_it() {
    check(
        "plan 100
         model a 1000/1000
         traces ada => 0 quotas; 0 rate limits; 0 boosts; unknown
         quota q user ada 5 per day
         traces ada => 1 quotas; 0 rate limits; 0 boosts; known
         traces bob => 0 quotas; 0 rate limits; 0 boosts; unknown
         rate-limit l user ada rpm=5 tpm=1k
         quota q2 user ada 5 per week
         traces ada => 2 quotas; 1 rate limits; 0 boosts; known
         rate-limit l2 user ada rpm=5 only=a
         traces ada => 2 quotas; 2 rate limits; 0 boosts; known
         quota each user each 5 per month
         boost b1 each +1 for=1d subject_id=ada
         boost b2 each +1 for=1d subject_id=bob
         boost b3 each +1 for=1d
         boost b4 q +1 for=1d
         traces ada => 2 quotas; 2 rate limits; 1 boosts; known
         traces bob => 0 quotas; 0 rate limits; 1 boosts; known
         traces eve => unknown",
    );
}

#[test]
fn a_user_is_known_by_a_quota_a_rate_limit_or_a_boost_alone() {
    check(
        "plan 100
         quota q user ada 5 per day
         traces ada                        => known
         rate-limit l user bob rpm=5
         traces bob                        => 0 quotas; 1 rate limits; known",
    );
}

#[test]
fn a_user_is_known_by_its_department_its_holds_or_its_usage_alone() {
    check(
        "plan 100
         model a 1000/1000
         belongs ada sales
         traces ada                        => 0 quotas; known
         belongs ada
         traces ada                        => unknown
         check r1 a in=1k out=0 user=bob hold=1m => allowed
         traces bob                        => 0 quotas; known
         traces eve                        => unknown
         wait 1m
         holds                             => 0 live; 1 expired
         traces bob                        => known
         quota q user each 5 per day
         record r2 a in=1k user=eve        => cost 1
         traces eve                        => 0 quotas; known",
    );
}

#[test]
fn models_are_listed_while_they_are_set_held_or_spent_on() {
    check(
        "plan 100
         model b 1000/1000
         model a 1000/1000
         model c 1000/1000 unset
         models                            => 2 models; a: spent 0 held 0; b: spent 0 held 0
         check r1 a in=2k out=0            => allowed
         record r2 c in=3k                 => cost 3
         models                            => 3 models; a: spent 0 held 2; c: spent 3 held 0
         disable a
         disable b
         models                            => 2 models; a: spent 0 held 2; c: spent 3 held 0
         release r1                        => released 2
         models                            => 1 models; c: spent 3 held 0
         cap b 5
         models                            => 2 models; b: spent 0 held 0
         model-of a                        => a: spent 0 held 0
         model-of nobody                   => nobody: spent 0 held 0
         models                            => 2 models
         at 2026-02-01T00:00
         models                            => 1 models; b: spent 0 held 0",
    );
}

#[test]
fn a_group_has_its_keys() {
    check(
        "group g                           => 0 keys; absent
         key k1 in g
         key k2 in g
         key k3
         group g                           => 2 keys; there
         key k1 in g
         group g                           => 2 keys
         key k2 in h
         group g                           => 1 keys
         group h                           => 1 keys; there
         no-key k1
         group g                           => 0 keys; there
         no-group g
         group g                           => 0 keys; absent",
    );
}

#[test]
fn rules_say_whom_they_name() {
    check(
        "naming user ada                   => nothing
         quota q user ada 5 per day
         rate-limit l user bob rpm=5
         naming user ada                   => quota \"q\"
         naming user bob                   => rate limit \"l\"
         naming project ada                => nothing
         quota each user each 5 per day
         naming user eve                   => nothing
         no-quota q
         naming user ada                   => nothing",
    );
}

#[test]
fn a_scope_has_one_quota_of_a_unit_and_period_and_one_rate_limit() {
    check(
        "model a 1000/1000
         quota q user each 5 per day
         rival quota q user each 6 per day               => nothing
         rival quota q2 user each 6 per day              => q
         rival quota q2 user each 6 per week             => nothing
         rival quota q2 user each 6 tokens per day       => nothing
         rival quota q2 user each 6 per day only=a       => nothing
         rival quota q2 user ada 6 per day               => nothing
         rival quota q2 project each 6 per day           => nothing
         quota q3 user ada 5 per day
         rival quota q4 user ada 6 per day               => q3
         rival quota q4 user bob 6 per day               => nothing
         rate-limit l user each rpm=5
         rival rate-limit l user each tpm=5              => nothing
         rival rate-limit l2 user each tpd=5             => l
         rival rate-limit l2 user each rpm=5 only=a      => nothing
         rival rate-limit l2 user ada rpm=5              => nothing
         no-rate-limit l
         rival rate-limit l2 user each rpm=5             => nothing",
    );
}

/// 64 rules for each subject of a kind, and 64 that name one.
#[test]
fn rules_of_a_scope_are_bounded() {
    let mut script = String::from("model a 1000/1000\n");
    let rules = |script: &mut String, scope: &str, count: usize| {
        for number in 0..count {
            *script += &format!("quota {scope}-{number} user {scope} 5 per day only=m-{number}\n");
        }
    };
    rules(&mut script, "each", 63);
    script += "room user each => room\n";
    rules(&mut script, "ada", 63);
    script += "room user ada => room\n";
    script += "quota each-last user each 5 per day\nquota ada-last user ada 5 per day\n";
    script += "room user each => error rules for each member of a kind is at most 64\n";
    script += "room user ada => error rules that name one member is at most 64\n";
    script += "room user bob => room\nroom project each => room\n";
    script += "no-quota each-last\nno-quota ada-last\n";
    script += "room user each => room\nroom user ada => room\n";
    check(&script);
}

#[test]
fn subjects_are_forgotten_when_nothing_counts_for_them() {
    check(
        "plan 100
         model a 1000/1000
         quota q user each 5 per day
         sweep                             => 0 subjects
         check r1 a in=1k out=0 user=ada   => allowed
         sweep                             => 1 subjects
         release r1                        => released 1
         sweep                             => 0 subjects
         record r2 a in=1k user=bob        => cost 1
         sweep                             => 1 subjects
         at 2026-01-16T00:00
         sweep                             => 0 subjects
         check r3 a in=1k out=0 user=ada hold=2d => allowed
         at 2026-01-17T00:00
         sweep                             => 1 subjects
         release r3                        => released 1
         sweep                             => 0 subjects",
    );
}

#[test]
fn subjects_that_a_rule_names_are_kept_as_long_as_one_does() {
    check(
        "plan 100
         model a 1000/1000
         quota q user ada 5 per day
         quota q2 user ada 5 per week
         sweep                             => 1 subjects
         check r1 a in=1k out=0 user=bob   => allowed
         sweep                             => 1 subjects
         no-quota q
         sweep                             => 1 subjects
         no-quota q2
         sweep                             => 0 subjects",
    );
}

#[test]
fn a_rate_limit_counts_until_its_last_bucket_is_over() {
    check(
        "plan 100
         model a 1000/1000
         rate-limit l user each rpm=1
         check r1 a in=1k out=0 user=ada   => allowed
         release r1                        => released 1
         wait 1m
         sweep                             => 1 subjects
         check r2 a in=1k out=0 user=ada   => blocked; RateLimited; retry 1s
         wait 1s
         sweep                             => 0 subjects
         check r2 a in=1k out=0 user=ada   => allowed
         sweep                             => 1 subjects
         check r3 a in=1k out=0 user=ada   => blocked",
    );
}

#[test]
fn the_order_of_usage_follows_boosts_that_begin_and_end_by_the_clock() {
    check(
        "plan 100
         model a 1000/1000
         quota q user each 10 per month
         record r1 a in=6k user=ada        => cost 6
         record r2 a in=5k user=bob        => cost 5
         boost b q +10 from=2026-01-15T13:00 for=1h subject_id=ada
         boost b2 q +10 from=2026-01-15T15:00 for=1h subject_id=ada
         usage
         => 1. q of user ada: 6 of 10, held 0, 600000 ppm
         => 2. q of user bob: 5 of 10, held 0, 500000 ppm
         at 2026-01-15T13:00
         usage
         => 1. q of user bob: 5 of 10, held 0, 500000 ppm
         => 2. q of user ada: 6 of 20, held 0, 300000 ppm
         at 2026-01-15T14:00
         usage
         => 1. q of user ada: 6 of 10, held 0, 600000 ppm
         => 2. q of user bob: 5 of 10, held 0, 500000 ppm
         at 2026-01-15T14:30
         usage                             => 1. q of user ada: 6 of 10, held 0, 600000 ppm
         at 2026-01-15T15:30
         usage
         => 1. q of user bob: 5 of 10, held 0, 500000 ppm
         => 2. q of user ada: 6 of 20, held 0, 300000 ppm",
    );
}

#[test]
fn usage_is_listed_page_by_page() {
    let mut script = String::from(
        "plan 100
         model a 1000/1000
         quota q user each 10 per day
         quota p project each 10 per day
         quota w user each 20 per week
         record r1 a in=6k user=ada project=x  => cost 6
         record r2 a in=2k user=bob project=y  => cost 2
         record r3 a in=6k user=eve project=z  => cost 6
         check r4 a in=1k out=0 user=ada project=x => allowed\n",
    );
    let all = [
        "p of project x: 6 of 10, held 1, 600000 ppm",
        "p of project z: 6 of 10, held 0, 600000 ppm",
        "q of user ada: 6 of 10, held 1, 600000 ppm",
        "q of user eve: 6 of 10, held 0, 600000 ppm",
        "w of user ada: 6 of 20, held 1, 300000 ppm",
        "w of user eve: 6 of 20, held 0, 300000 ppm",
        "p of project y: 2 of 10, held 0, 200000 ppm",
        "q of user bob: 2 of 10, held 0, 200000 ppm",
        "w of user bob: 2 of 20, held 0, 100000 ppm",
    ];
    let mut expect = |usage: &str, is_listed: &dyn Fn(&str) -> bool| {
        let listed: Vec<&str> = all.into_iter().filter(|entry| is_listed(entry)).collect();
        for size in ["", " by=1", " by=2", " by=3", " by=4"] {
            script += &format!("usage {usage}{size} => {} entries\n", listed.len());
            for (place, entry) in listed.iter().enumerate() {
                script += &format!("=> {}. {entry}\n", place + 1);
            }
        }
    };
    expect("", &|_| true);
    expect("of q", &|entry| entry.starts_with("q "));
    expect("each project", &|entry| entry.contains(" project "));
    expect("each user of w", &|entry| entry.starts_with("w "));
    expect("each project of w", &|_| false);
    expect("of absent", &|_| false);
    expect("user=ada", &|entry| entry.contains(" ada:"));
    expect("user=ada of w", &|entry| entry.contains(" ada:") && entry.starts_with("w "));
    check(&script);
}

#[test]
fn a_cycle_that_is_over_is_forgotten_unless_something_is_held_in_it() {
    check(
        "plan 100
         model a 1000/1000
         model b 1000/1000
         record r1 a in=1k                 => cost 1
         check r2 b in=2k out=0 hold=60d   => allowed
         metered                           => 4 windows
         => all in 2026-01-01T00:00: spent 1 held 2; a in 2026-01-01T00:00: spent 1 held 0
         => b in 2026-01-01T00:00: spent 0 held 2
         at 2026-02-01T00:00
         metered                           => 3 windows; all in 2026-02-01T00:00: spent 0 held 0
         => all in 2026-01-01T00:00: spent 1 held 2; b in 2026-01-01T00:00: spent 0 held 2
         release r2                        => released 2
         at 2026-03-01T00:00
         metered                           => 0 windows",
    );
}

#[test]
fn a_record_is_priced_again_at_its_time() {
    check(
        "plan 100
         unpriced allow
         model a unpriced alias spelt
         model b 1000/1000
         record r1 spelt in=3k             => cost 0; unpriced
         record r2 unheard in=3k           => cost 0; unpriced
         record r3 b in=3k                 => cost 3; price b-0
         reprice r1                        => unpriced
         price a 2000/2000 usd
         reprice r1                        => unpriced
         rate USD EUR 0.5
         price b 9000/9000 from 2026-01-15T12:01
         reprice r1                        => cost 3; price a-1; counts as a; rate 0.5
         reprice r2                        => unpriced
         wait 1h
         reprice r3                        => cost 3; price b-0; counts as b; rate 1",
    );
}
