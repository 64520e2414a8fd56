//! Spellings of names: one canonical form for what is written in different ways, and the parts of
//! a name that may be missing, as an ordered table.
//!
//! Nothing here looks at the catalog.

use chrono::NaiveDate;
use smallvec::SmallVec;

use super::providers::{is_bedrock_name, without_bedrock_region};

/// What is left when a part of a name is cut off, if the part is there.
type Cut = fn(&str) -> Option<&str>;

/// What a cut means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The same entry of the catalog.
    Same,
    /// Its family: a snapshot, a version or a region of it.
    Family,
}

/// Parts of names, in the order in which they are cut off: what is left is looked up after each,
/// with all cuts before it and without, so that an entry of its own always comes first.
pub const CUTS: [(&str, Reach, Cut); 9] = [
    ("organisation and id of a fine-tuned model: `:org::id`", Reach::Family, fine_tuned),
    ("variant of a gateway: `:thinking`", Reach::Family, variant),
    ("context of a Bedrock model: `:200k`", Reach::Family, context_size),
    ("region of a Bedrock model: `eu-west-1/`", Reach::Family, region_path),
    ("version of a Bedrock model: `-v1:0`", Reach::Same, bedrock_version),
    ("region of a Bedrock profile: `eu.`", Reach::Family, without_bedrock_region),
    ("date of a snapshot: `-2024-08-06`, `-20240806`", Reach::Family, date),
    ("version of a Gemini model: `-001`", Reach::Family, gemini_version),
    ("pointer to the newest: `-latest`", Reach::Family, latest),
];

/// Variants of a model at a gateway that cost the same per token. Others (`:free`, `:nitro`) do
/// not, or need not.
const VARIANTS: [&str; 3] = [":thinking", ":beta", ":online"];

/// Sizes of Claude models: once named after the version, now before it.
const CLAUDE_SIZES: [&str; 4] = ["opus", "sonnet", "haiku", "fable"];

/// The canonical form of a name. Two names that only differ in one of these are the same:
///
/// 1. case: `GPT-4o`;
/// 2. `@` before a version: `claude-sonnet-4-5@20250929`, and the version `@default`;
/// 3. a dot between digits: `claude-sonnet-4.5`, `gpt-4.1`;
/// 4. the order of version and size of Claude: `claude-4.5-sonnet`, `claude-sonnet-4-5`;
/// 5. `gpt-35`, as Azure writes `gpt-3.5`;
/// 6. the path of the models of Fireworks: `accounts/fireworks/models/`.
pub fn canonical(name: &str) -> String {
    let name = name.trim().to_lowercase();
    let name = name.strip_suffix("@default").unwrap_or(&name);
    let name = name.strip_prefix("accounts/fireworks/models/").unwrap_or(name);
    let mut canonical = dashed(name);
    if let Some(rest) = canonical.strip_prefix("gpt-35-") {
        canonical = format!("gpt-3-5-{rest}");
    }
    size_before_version(&canonical).unwrap_or(canonical)
}

/// With `-` before versions and between numbers.
fn dashed(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut dashed = name.to_owned();
    for (index, mark) in name.match_indices(['@', '.']) {
        let before = index.checked_sub(1).map(|before| bytes[before]);
        let is_separator = match mark {
            "@" => before.is_some_and(|byte| byte.is_ascii_alphanumeric()),
            _ => {
                let after = bytes.get(index + 1);
                [before.as_ref(), after]
                    .into_iter()
                    .all(|byte| byte.is_some_and(u8::is_ascii_digit))
            }
        };
        if is_separator {
            dashed.replace_range(index..=index, "-");
        }
    }
    dashed
}

/// `claude-3-5-sonnet` as `claude-sonnet-3-5`; none if it is not written so.
fn size_before_version(name: &str) -> Option<String> {
    const CLAUDE: &str = "claude-";
    let start = name.find(CLAUDE)?;
    if name[..start].ends_with(|before: char| before.is_ascii_alphanumeric()) {
        return None;
    }
    let (head, rest) = name.split_at(start + CLAUDE.len());
    let is_version =
        |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut length = 0;
    for part in rest.split('-').take(2).take_while(|part| is_version(part)) {
        length += part.len() + 1;
    }
    let version = rest.get(..length)?.strip_suffix('-')?;
    let after = &rest[length..];
    let size = CLAUDE_SIZES.into_iter().find(|size| after.starts_with(size))?;
    let tail = &after[size.len()..];
    if tail.starts_with(|next: char| next.is_ascii_alphanumeric()) {
        return None;
    }
    Some(format!("{head}{size}-{version}{tail}"))
}

/// A canonical name and what is left of it after the cuts of `reach`, each once, the longest
/// first.
pub fn candidates(name: &str, reach: Reach) -> SmallVec<[&str; 8]> {
    let mut candidates = SmallVec::new();
    candidates.push(name);
    for (_, needed, cut) in CUTS {
        if needed > reach {
            continue;
        }
        for index in 0..candidates.len() {
            let Some(rest) = cut(candidates[index]) else { continue };
            if !rest.is_empty() && !candidates.contains(&rest) {
                candidates.push(rest);
            }
        }
    }
    candidates
}

/// What is left is a name of its own, never the base: `ft:gpt-4o-2024-08-06`.
fn fine_tuned(name: &str) -> Option<&str> {
    const MARK: &str = "ft:";
    let base = name.strip_prefix(MARK)?.find(':')?;
    Some(&name[..MARK.len() + base])
}

fn variant(name: &str) -> Option<&str> {
    VARIANTS.iter().find_map(|variant| name.strip_suffix(variant))
}

fn context_size(name: &str) -> Option<&str> {
    let (rest, size) = name.rsplit_once(':')?;
    let thousands = size.strip_suffix('k')?;
    (is_number(thousands) && is_bedrock_name(rest)).then_some(rest)
}

fn region_path(name: &str) -> Option<&str> {
    let (region, rest) = name.split_once('/')?;
    let (area, number) = region.rsplit_once('-')?;
    let is_area = area.contains('-') && area.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    (is_area && is_number(number) && is_bedrock_name(rest)).then_some(rest)
}

/// Also where a name ends in `-1:0`. Not where it is all that tells two models apart, as in
/// `anthropic.claude-v2:1`.
pub fn bedrock_version(name: &str) -> Option<&str> {
    let (rest, minor) = name.rsplit_once(':')?;
    let (rest, major) = rest.rsplit_once('-')?;
    let major = major.strip_prefix('v').unwrap_or(major);
    let is_version = is_number(minor) && is_number(major) && is_bedrock_name(rest);
    let is_first = (major, minor) == ("1", "0");
    let has_number = || rest.bytes().any(|byte| byte.is_ascii_digit());
    (is_version && (is_first || has_number())).then_some(rest)
}

fn date(name: &str) -> Option<&str> {
    let is_date = |year: &str, month: &str, day: &str| {
        (year.len(), month.len(), day.len()) == (4, 2, 2)
            && [year, month, day].into_iter().all(is_number)
            && matches!(year.as_bytes(), [b'2', b'0', b'2'..=b'9', _])
            && NaiveDate::from_ymd_opt(
                year.parse().unwrap_or_default(),
                month.parse().unwrap_or_default(),
                day.parse().unwrap_or_default(),
            )
            .is_some()
    };
    let (rest, last) = name.rsplit_once('-')?;
    if last.len() == 8 && last.is_ascii() {
        return is_date(&last[..4], &last[4..6], &last[6..]).then_some(rest);
    }
    let (rest, month) = rest.rsplit_once('-')?;
    let (rest, year) = rest.rsplit_once('-')?;
    is_date(year, month, last).then_some(rest)
}

fn gemini_version(name: &str) -> Option<&str> {
    let (rest, number) = name.rsplit_once('-')?;
    (rest.starts_with("gemini-") && number.len() == 3 && is_number(number)).then_some(rest)
}

fn latest(name: &str) -> Option<&str> {
    name.strip_suffix("-latest")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_for_each_spelling() {
        let check = |name: &str, expected: &str| {
            assert_eq!(canonical(name), expected, "{name}");
            assert_eq!(canonical(expected), expected, "the form of a form is itself");
        };
        check(" GPT-4o ", "gpt-4o");
        check("gpt-4.1", "gpt-4-1");
        check("gpt-35-turbo-16k", "gpt-3-5-turbo-16k");
        check("gpt-350", "gpt-350");
        check("claude-sonnet-4-5@20250929", "claude-sonnet-4-5-20250929");
        check("claude-opus-4-7@default", "claude-opus-4-7");
        check("@cf/openai/gpt-oss-120b", "@cf/openai/gpt-oss-120b");
        check("anthropic/claude-4.5-sonnet-20250929", "anthropic/claude-sonnet-4-5-20250929");
        check(
            "anthropic.claude-3-5-haiku-20241022-v1:0",
            "anthropic.claude-haiku-3-5-20241022-v1:0",
        );
        check("claude-3-opus-20240229", "claude-opus-3-20240229");
        check("claude-3-5-sonnets", "claude-3-5-sonnets");
        check("claude-2.1", "claude-2-1");
        check("claude-", "claude-");
        check("claude-3-", "claude-3-");
        check("notclaude-3-opus", "notclaude-3-opus");
        check("accounts/fireworks/models/Kimi-K2P5", "kimi-k2p5");
        check("deepseek.v3.2", "deepseek.v3-2");
        check("é.1", "é.1");
        check("1.é", "1.é");
    }

    #[test]
    fn parts_are_cut_in_order() {
        let check = |name: &str, expected: &[&str]| {
            assert_eq!(candidates(name, Reach::Family)[1..], *expected, "{name}");
        };
        check("gpt-4o", &[]);
        check("gpt-4o-2024-08-06", &["gpt-4o"]);
        check("gpt-4o-20240806", &["gpt-4o"]);
        check("gpt-4o-2024-08-32", &[]);
        check("gpt-4o-2023-02-29", &[]);
        check("gpt-4o-1924-08-06", &[]);
        check("gpt-4o-0613", &[]);
        check("-20240806", &[]);
        check("gemini-2-0-flash-001", &["gemini-2-0-flash"]);
        check("text-embedding-004", &[]);
        check("claude-sonnet-4-5-latest", &["claude-sonnet-4-5"]);
        check("anthropic/claude-opus-4-5:thinking", &["anthropic/claude-opus-4-5"]);
        check("google/gemini-2-0-flash-exp:free", &[]);
        check(
            "eu.anthropic.claude-x-20251001-v1:0",
            &[
                "eu.anthropic.claude-x-20251001",
                "anthropic.claude-x-20251001-v1:0",
                "anthropic.claude-x-20251001",
                "eu.anthropic.claude-x",
                "anthropic.claude-x",
            ],
        );
        check("openai.gpt-oss-120b-1:0", &["openai.gpt-oss-120b"]);
        check("anthropic.claude-x-v1:0:200k", &["anthropic.claude-x-v1:0", "anthropic.claude-x"]);
        check("eu-west-1/meta.llama3-8b", &["meta.llama3-8b"]);
        check("us-gov-west-1/meta.llama3-8b", &["meta.llama3-8b"]);
        check("anthropic.claude-v2:1", &[]);
        check("amazon.titan-embed-text-v2:0", &[]);
        check("eu/gpt-4o", &[]);
        check("llama3:8b", &[]);
        check("ft:gpt-4o", &[]);
        check("ft:gpt-4o-2024-08-06:org:suffix:id", &["ft:gpt-4o-2024-08-06", "ft:gpt-4o"]);
        check("gpt-4o-2024-08-06.ft-0e208cf33a6a466994aff31a08aba678", &[]);
        check("house-v1:0", &[]);
        assert_eq!(candidates("gpt-4o-2024-08-06", Reach::Same).len(), 1);
        assert_eq!(candidates("meta.llama3-8b-v1:0", Reach::Same).len(), 2);
    }
}
