//! API keys and their groups.

use crate::script::check;

#[test]
fn a_group_shares_a_budget() {
    check(
        "plan 100
         model a 1000/1000
         key k1 in g
         key k2 in g
         key k3
         quota shared group g 3 per cycle
         quota own key k1 2 per cycle
         check r1 a in=2k out=0 key=k2     => allowed
         check r2 a in=2k out=0 key=k1     => blocked; HeldInFlight
         check r2 a in=1k out=0 key=k1     => allowed
         check r3 a in=9k out=0 key=k3     => allowed
         check r4 a in=9k out=0 key=k4     => allowed",
    );
}

#[test]
fn a_key_that_moves_leaves_its_use_behind() {
    check(
        "plan 100
         model a 1000/1000
         key k1 in g
         quota g group each 3 per cycle
         record r1 a in=1k key=k1          => cost 1
         check r2 a in=1k out=0 key=k1     => allowed
         key k1 in h
         check r3 a in=3k out=0 key=k1     => allowed
         record r2 a in=1k                 => cost 1
         usage => 2 entries; 1. g of group g: 2 of 3, held 0, 666666 ppm
         => 2. g of group h: 0 of 3, held 3, 0 ppm
         record r3 a in=3k key=k1          => cost 3
         record r4 a in=1k key=k1          => cost 1
         usage => 1. g of group h: 4 of 3, held 0, 1333333 ppm
         restart
         usage => 2 entries; 1. g of group h: 4 of 3, held 0, 1333333 ppm
         => 2. g of group g: 2 of 3, held 0, 666666 ppm",
    );
}

#[test]
fn rules_about_a_key_come_first() {
    check(
        "plan 0
         model a 1000/1000
         key off off
         key old expires=2026-01-15T13:00
         unknown-keys deny
         check r1 a in=1k out=0 key=off    => blocked; KeyDisabled; no retry
         => key off says KeyDisabled
         check r2 a in=1k out=0 key=old    => blocked; RequestTooLarge
         check r3 nobody in=1k out=0 key=x => blocked; KeyUnknown; key x says KeyUnknown
         check r4 a in=1k out=0            => blocked; RequestTooLarge
         at 2026-01-15T13:00
         check r5 a in=1k out=0 key=old    => blocked; KeyExpired
         unknown-keys accept
         check r6 a in=1k out=0 key=x      => blocked; RequestTooLarge
         no-key off
         check r7 a in=1k out=0 key=off    => blocked; RequestTooLarge",
    );
}

#[test]
fn a_key_keeps_to_its_models() {
    check(
        "plan 100
         model a 1000/1000 cap 1
         model b 800/800
         model c 500/500
         key k models=a,c
         check r1 b in=1k out=0 key=k      => blocked; ModelNotAllowed; b says ModelNotAllowed
         check r2 a in=2k out=0 key=k      => routed c; b says ModelNotAllowed
         check r3 a in=2k out=0 key=other  => routed b",
    );
}
