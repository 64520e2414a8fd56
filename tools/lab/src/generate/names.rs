//! Names of invented people, assistants and workflows.

const FIRST: [&str; 40] = [
    "Ada", "Ben", "Chen", "Dina", "Emil", "Farah", "Georg", "Hana", "Ivan", "Jana", "Kofi", "Lena",
    "Marco", "Nadia", "Omar", "Paula", "Quinn", "Rosa", "Samir", "Tara", "Umut", "Vera", "Wei",
    "Xenia", "Yuki", "Zoe", "Anton", "Bela", "Carla", "David", "Elif", "Finn", "Greta", "Hugo",
    "Ines", "Jonas", "Kira", "Luis", "Mila", "Noah",
];
/// As many as are prime to the step below, so that no two people have the same name.
const LAST: [&str; 30] = [
    "Novak", "Okafor", "Petersen", "Rossi", "Schmidt", "Tanaka", "Umarov", "Varga", "Weber",
    "Young", "Zhang", "Almeida", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia",
    "Horvat", "Ionescu", "Jansen", "Kowalski", "Larsen", "Moreau", "Nguyen", "Olsen", "Patel",
    "Ricci", "Silva", "Thomas",
];
const LAST_STEP: usize = 7;
const ASSISTANTS: [&str; 16] = [
    "Contract Reviewer",
    "Support Copilot",
    "Code Reviewer",
    "Sales Coach",
    "Research Analyst",
    "Invoice Reader",
    "Meeting Notes",
    "Policy Finder",
    "Data Explorer",
    "Release Writer",
    "Ticket Router",
    "Translation Desk",
    "Onboarding Guide",
    "Incident Helper",
    "Brand Voice",
    "Spend Watcher",
];
const WORKFLOWS: [&str; 16] = [
    "Invoice Triage",
    "Lead Scoring",
    "Nightly Summaries",
    "Contract Intake",
    "Bug Deduplication",
    "Churn Signals",
    "Email Drafts",
    "Alert Grouping",
    "Candidate Screening",
    "Claims Intake",
    "Catalog Enrichment",
    "Call Transcripts",
    "Survey Coding",
    "Report Assembly",
    "Risk Review",
    "Vendor Checks",
];

/// The name of one of a kind; none if there are too few.
pub fn name(kind: &str, index: usize) -> Option<String> {
    match kind {
        "User" if index < FIRST.len() * LAST.len() => {
            let first = index % FIRST.len();
            let last = (index / FIRST.len() + LAST_STEP * index) % LAST.len();
            Some(format!("{} {}", FIRST[first], LAST[last]))
        }
        "Assistant" => ASSISTANTS.get(index).map(|name| (*name).to_owned()),
        "Workflow" => WORKFLOWS.get(index).map(|name| (*name).to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_people_have_the_same_name() {
        let names: HashSet<String> = (0..1_200).filter_map(|index| name("User", index)).collect();
        assert_eq!(names.len(), 1_200);
        assert_eq!(name("User", 1_200), None);
    }
}
