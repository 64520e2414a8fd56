//! Departments of users as the directory knows them, and users who are to be forgotten.

use crate::script::check;

/// What takes ada's place: 43 characters, which no other line has room for.
fn about(script: &str) {
    check(&script.replace("GHOST", crate::script::rules::PSEUDONYM));
}

#[test]
fn a_user_counts_in_the_department_of_the_directory() {
    check(
        "plan 100
         model a 1000/1000
         quota q department each 3 per cycle
         belongs ada sales
         check r1 a in=2k out=0 user=ada                  => allowed
         check r2 a in=2k out=0 user=ada                  => blocked; HeldInFlight
         check r3 a in=2k out=0 user=ada department=law   => allowed
         check r4 a in=2k out=0 user=bob                  => allowed
         record r1 a in=2k                                => for ada of sales
         usage => 1. q of department sales: 2 of 3, held 0, 666666 ppm
         => 2. q of department law: 0 of 3, held 2, 0 ppm
         record r3 a in=1k user=ada                       => for ada of law
         record r4 a in=1k                                => for bob
         record r5 a in=1k user=ada                       => for ada of sales
         record r6 a in=1k                                => for nobody
         usage => 1. q of department sales: 3 of 3, held 0, 1000000 ppm
         => 2. q of department law: 1 of 3, held 0, 333333 ppm",
    );
}

#[test]
fn another_department_counts_from_the_next_request_on() {
    check(
        "plan 100
         model a 1000/1000
         quota q department each 9 per cycle
         belongs ada sales
         check r1 a in=1k out=0 user=ada                  => allowed
         check r2 a in=1k out=0 user=ada                  => allowed
         record r0 a in=1k user=ada                       => for ada of sales
         belongs ada law
         check r1 a in=1k out=0 user=ada                  => allowed
         record r1 a in=1k                                => for ada of sales
         record r2 a in=1k user=ada                       => for ada of sales
         record r3 a in=1k user=ada                       => for ada of law
         check r4 a in=2k out=0 user=ada                  => allowed
         usage => 1. q of department sales: 3 of 9, held 0, 333333 ppm
         => 2. q of department law: 1 of 9, held 2, 111111 ppm
         restart
         usage => 1. q of department sales: 3 of 9, held 0, 333333 ppm
         => 2. q of department law: 1 of 9, held 2, 111111 ppm
         record r5 a in=1k user=ada                       => for ada of law",
    );
}

#[test]
fn a_retry_is_the_same_request_after_a_change_of_department() {
    check(
        "plan 100
         model a 1000/1000
         belongs ada sales
         check r1 a in=1k out=0 user=ada                  => allowed
         belongs ada law
         check r1 a in=1k out=0 user=ada                  => allowed
         check r1 a in=1k out=0 user=ada department=law
         => error request_id is in use with other content
         record r1 a in=1k user=ada                       => new; for ada of sales
         record r1 a in=1k user=ada                       => duplicate",
    );
}

#[test]
fn the_hold_of_another_user_says_nothing_of_a_department() {
    check(
        "plan 100
         model a 1000/1000
         belongs ada sales
         check r1 a in=1k out=0 user=bob department=law   => allowed
         record r1 a in=1k user=ada                       => for ada of sales
         check r2 a in=1k out=0 user=bob department=law   => allowed
         record r2 a in=1k user=eve                       => for eve",
    );
}

#[test]
fn what_expires_is_charged_to_the_department_of_the_check() {
    check(
        "plan 100
         model a 1000/1000
         expiry charge
         quota q department each 9 per cycle
         belongs ada sales
         check r1 a in=2k out=0 user=ada hold=30s         => allowed
         belongs ada law
         wait 30s
         charge-due                                       => charged 1
         usage => 1. q of department sales: 2 of 9, held 0, 222222 ppm",
    );
}

#[test]
fn a_dry_run_asks_the_department_too() {
    check(
        "plan 100
         model a 1000/1000
         quota q department law 1 per cycle
         belongs ada law
         check r1 a in=2k out=0 user=ada dry              => blocked
         check r1 a in=2k out=0 user=bob dry              => allowed",
    );
}

#[test]
fn a_request_in_flight_is_recorded_under_the_pseudonym() {
    about(
        "plan 100
         model a 1000/1000
         belongs ada sales
         quota q user each 5 per cycle
         check r1 a in=1k out=0 user=ada                  => allowed
         check r2 a in=1k out=0 user=ada                  => allowed
         check r3 a in=1k out=0 user=ada                  => allowed
         record r0 a in=1k user=ada                       => for ada of sales
         erase ada
         usage => 1. q of user GHOST: 1 of 5, held 3, 200000 ppm
         check r1 a in=1k out=0 user=ada                  => allowed
         record r1 a in=1k                                => for GHOST of sales
         record r2 a in=1k user=ada                       => for GHOST of sales
         restart
         record r3 a in=1k user=ada department=law        => for GHOST of law
         usage => 1. q of user GHOST: 4 of 5, held 0, 800000 ppm; 1 entries",
    );
}

#[test]
fn an_erased_id_that_comes_again_is_a_new_user() {
    about(
        "plan 100
         model a 1000/1000
         belongs ada sales
         quota q user each 5 per cycle
         record r0 a in=4k user=ada                       => for ada of sales
         check r1 a in=4k out=0 user=ada                  => blocked
         erase ada
         check r1 a in=4k out=0 user=ada                  => allowed
         record r1 a in=3k user=ada                       => for ada
         usage => 1. q of user GHOST: 4 of 5, held 0, 800000 ppm
         => 2. q of user ada: 3 of 5, held 0, 600000 ppm
         restart
         usage => 1. q of user GHOST: 4 of 5, held 0, 800000 ppm
         => 2. q of user ada: 3 of 5, held 0, 600000 ppm",
    );
}

#[test]
fn rules_that_name_an_erased_user_go() {
    about(
        "plan 100
         model a 1000/1000
         quota each user each 5 per cycle
         quota own user ada 1 per cycle
         quota law department ada 1 per cycle
         rate-limit rpm user ada rpm=1
         boost b each +3 for=1d subject_id=ada
         check r1 a in=1k out=0 user=ada                  => allowed
         check r2 a in=1k out=0 user=ada                  => blocked
         erase ada
         record r1 a in=1k                                => for GHOST
         usage => 1. each of user GHOST: 1 of 5, held 0, 200000 ppm
         => 2. law of department ada: 0 of 1, held 0, 0 ppm; 2 entries
         check r2 a in=5k out=0 user=ada                  => allowed
         check r3 a in=1k out=0 user=ada                  => blocked
         restart
         usage => 3 entries",
    );
}

#[test]
fn alerts_and_rates_move_with_an_erased_user() {
    about(
        "plan 100
         model a 1000/1000
         quota q user each 4 per cycle alerts=50,80
         rate-limit rpm user each rpm=2
         record r0 a in=2k user=ada                       => for ada
         check r1 a in=1k out=0 user=ada                  => allowed
         check r2 a in=1k out=0 user=ada                  => blocked
         erase ada
         alerts                                           => 1. 50% of q for user GHOST: 2 of 4
         check r2 a in=1k out=0 user=GHOST                => blocked; RateLimited
         check r3 a in=1k out=0 user=ada                  => allowed
         record r1 a in=2k                                => for GHOST
         alerts                                           => 1. 80% of q for user GHOST: 4 of 4",
    );
}
