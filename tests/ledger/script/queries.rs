//! What a ledger is asked, in the words of the scripts: questions that change nothing, and the
//! sweep for idle subjects.
//!
//! ```text
//! revision                                 => 3
//! sweep                                    => 2 subjects
//! traces ada                               => 1 quotas; 0 rate limits; 0 boosts; known
//! models                                   => a: spent 1 held 2
//! model-of a                               => a: spent 1 held 2
//! metered                                  => a in 2026-01-01T00:00: spent 1 held 2
//! reprice r1                               => cost 1; price a-0; counts as a; rate 1
//! figures                                  => 1 holds; held 3; 2 expired; 1 settled; 0 exceeded
//! storage out                              => held 1 of 2; until 2026-01-15T12:10; decides
//! storage back                             => takes writes
//! group g                                  => 2 keys; there
//! naming user ada                          => quota "q"
//! room user each                           => room
//! rival quota q2 user each 5 per day       => q
//! rival rate-limit l user each rpm=1       => nothing
//! ```

use tollgate::domain::Amount;
use tollgate::domain::quota::Scope;
use tollgate::domain::record::Record;
use tollgate::ledger::{ModelView, OutageView, UserTraces};

use crate::script::rules::kind_of;
use crate::script::{Case, Words, clock, money};

impl Case {
    pub fn query(&mut self, words: &Words) -> Vec<String> {
        let now = self.world.now;
        let ledger = &mut self.world.ledger;
        match words.word(0) {
            "revision" => vec![ledger.revision().to_string()],
            "sweep" => vec![format!("{} subjects", ledger.sweep(now, 1_000))],
            "traces" => traces(ledger.traces_of_user(words.word(1))),
            "models" => {
                let views = ledger.model_views(now);
                let mut said = vec![format!("{} models", views.len())];
                said.extend(views.iter().map(model));
                said
            }
            "model-of" => vec![model(&ledger.model_view_of(now, words.word(1)))],
            "metered" => {
                let mut said = Vec::new();
                for (id, start, totals) in ledger.metered() {
                    let (spent, held) = (money(totals.spent), money(totals.held));
                    let id = id.unwrap_or_else(|| "all".into());
                    said.push(format!("{id} in {}: spent {spent} held {held}", clock(start)));
                }
                said.push(format!("{} windows", said.len()));
                said
            }
            "reprice" => {
                let mut log = self.world.log.iter();
                let record = log.find(|record| *record.request_id == *words.word(1));
                repriced(ledger.reprice(record.expect("it is in the log")).as_ref())
            }
            "figures" => {
                let figures = ledger.live_figures();
                let settled = figures.settled;
                vec![
                    format!("{} holds", figures.holds),
                    format!("held {}", money(figures.held)),
                    format!("{} expired", figures.expired),
                    format!("{} settled", settled.holds),
                    format!("{} exceeded", settled.exceeded),
                    format!("settled holds of {}", money(settled.held)),
                    format!("at a cost of {}", money(settled.cost)),
                ]
            }
            "storage" => {
                match words.plain(1) {
                    Some("out") => drop(ledger.note_outage(now, Some(now))),
                    Some("back") => drop(ledger.note_outage(now, None)),
                    _ => {}
                }
                outage(ledger.budget(now).outage)
            }
            "group" => {
                let id = words.word(1);
                let is_there = if ledger.key_group(id).is_some() { "there" } else { "absent" };
                vec![format!("{} keys", ledger.keys_in_group(id)), is_there.to_owned()]
            }
            "naming" => {
                let rule = ledger.limit_naming(kind_of(words.word(1)), words.word(2));
                vec![rule.unwrap_or_else(|| "nothing".to_owned())]
            }
            "room" => {
                let subject_id = Some(words.word(2)).filter(|id| *id != "each");
                let (kind, subject_id) = (kind_of(words.word(1)), subject_id.map(Into::into));
                match ledger.room_for_rule(&Scope { kind, subject_id, model_id: None }) {
                    Ok(()) => vec!["room".to_owned()],
                    Err(error) => vec![format!("error {error}")],
                }
            }
            _ => vec![self.rival(words).unwrap_or_else(|| "nothing".to_owned())],
        }
    }

    /// Id of the quota or rate limit that leaves no place for another.
    fn rival(&self, words: &Words) -> Option<String> {
        let ledger = &self.world.ledger;
        let words = Words { plain: words.plain[1..].to_vec(), named: words.named.clone() };
        let rival = match words.word(0) {
            "quota" => ledger.conflicting_quota(&self.quota(&words)),
            _ => ledger.conflicting_rate_limit(&self.rate_limit(&words)),
        };
        rival.map(|id| id.to_string())
    }
}

fn traces(traces: UserTraces) -> Vec<String> {
    let UserTraces { quotas, rate_limits, boosts, is_known, is_frozen } = traces;
    let mut traces = vec![
        format!("{quotas} quotas"),
        format!("{rate_limits} rate limits"),
        format!("{boosts} boosts"),
        if is_known { "known" } else { "unknown" }.to_owned(),
    ];
    if is_frozen {
        traces.push("frozen".to_owned());
    }
    traces
}

fn repriced(record: Option<&Record>) -> Vec<String> {
    let Some(record) = record else { return vec!["unpriced".to_owned()] };
    assert!(!record.unpriced, "what is priced again has a price");
    vec![
        format!("cost {}", money(record.cost)),
        format!("price {}", record.price_id.as_deref().unwrap_or("none")),
        format!("counts as {}", record.metered_model_id),
        format!("rate {}", money(Amount::from_nanos(record.exchange_rate.nanos()))),
    ]
}

fn model(view: &ModelView) -> String {
    format!("{}: spent {} held {}", view.model_id, money(view.spent), money(view.held))
}

fn outage(view: Option<OutageView>) -> Vec<String> {
    let Some(view) = view else { return vec!["takes writes".to_owned()] };
    vec![
        format!("since {}", clock(view.since)),
        format!("held {} of {}", money(view.held), money(view.held_limit)),
        format!("until {}", clock(view.end_of_checks)),
        if view.has_refused { "has refused" } else { "decides" }.to_owned(),
    ]
}
