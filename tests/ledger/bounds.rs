//! Bounds of what a workspace takes of the server.

use crate::script::check;

#[test]
fn holds_are_bounded_by_their_bytes() {
    check(
        "plan 100
         model a 1000/1000
         figures                            => 0 bytes
         bound hold-bytes=1
         check r1 a in=1k out=0 user=ada    => allowed
         check r2 a in=1k out=0             => error bytes of live holds of a workspace is at most 1
         check r2 a dry in=1k out=0         => allowed
         check r1 a in=1k out=0 user=ada    => allowed
         erase ada
         record r1 a in=1k                  => new
         figures                            => 0 holds; 0 bytes
         check r2 a in=1k out=0             => allowed
         release r2                         => released 1
         figures                            => 0 bytes
         check r3 a in=1k out=0 hold=1m     => allowed
         wait 1m
         check r4 a in=1k out=0             => allowed",
    );
}

#[test]
fn values_beyond_the_bound_of_a_day_are_recorded_as_others() {
    check(
        "plan 100
         model a 1000/1000
         bound values=2
         record r1 a in=1k user=ada session=s1   => for ada; session s1
         record r2 a in=1k user=bob session=s1   => for bob; session s1
         record r3 a in=1k user=cy session=s2    => for (other); session s2
         record r4 a in=1k user=ada session=s3   => for ada; session (other)
         record r5 a in=1k user=ada tag:k=v tag:l=w tag:m=x
         => for ada; tags {\"(other)\": \"(other)\", \"k\": \"v\", \"l\": \"w\"}
         figures                                 => 3 other values
         record r3 a in=1k user=cy session=s2    => duplicate
         record r6 a in=1k user=(other)          => for (other)
         budget                                  => spent 6
         at 2026-01-16T00:00
         record r7 a in=1k user=cy session=s2    => for cy; session s2
         record r8 a in=1k user=cy session=s2 start=2026-01-15T12:00 => for cy; session s2
         record r9 a in=1k user=cy session=s2 start=2026-01-14T12:00
         => for (other); session (other)",
    );
}

#[test]
fn what_a_limit_counts_keeps_its_value() {
    check(
        "plan 100
         model a 1000/1000
         quota q user each 2 per day
         quota t tag team:ads 2 per day
         bound values=1
         record r1 a in=1k user=ada session=s1   => for ada; session s1
         record r2 a in=2k user=bob session=s2   => for bob; session (other)
         check r3 a in=1k out=0 user=bob         => blocked
         record r4 a in=2k user=cy tag:team=ads tag:x=y tag:z=w
         => for cy; tags {\"(other)\": \"(other)\", \"team\": \"ads\", \"x\": \"y\"}
         check r5 a in=1k out=0 user=dora tag:team=ads => blocked",
    );
}
