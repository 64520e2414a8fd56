//! Tables of providers: which of the catalog belong together, what callers and lists call them,
//! and which models only their maker sells.
//!
//! A new provider needs a row only if its names are special: every provider of the catalog is
//! known by its own name.

use smallvec::SmallVec;

/// Providers of the catalog that are one to a caller: one account, one set of names. Of a name
/// that several have, the first of the row counts.
const FAMILIES: [(&str, &[&str]); 7] = [
    ("openai", &["openai", "text-completion-openai"]),
    ("azure", &["azure", "azure_text", "azure_ai"]),
    ("bedrock", &["bedrock", "bedrock_converse", "bedrock_mantle"]),
    ("cohere", &["cohere", "cohere_chat"]),
    ("fireworks_ai", &["fireworks_ai", "fireworks_ai-embedding-models"]),
    ("inception", &["inception", "text-completion-inception"]),
    // Also `vertex_ai-` with the kind of models, for example `vertex_ai-anthropic_models`.
    (VERTEX, &[VERTEX, "vertex_ai-language-models"]),
];

const VERTEX: &str = "vertex_ai";

/// What callers, SDKs, OpenTelemetry and price lists call a provider, in lower case with `-` for
/// `_`, `.` and blanks; with the families that it may mean, the likelier first.
const SPELLINGS: [(&[&str], &[&str]); 20] = [
    (&["google", "gcp-gen-ai", "google-genai", "google-generative-ai"], &["gemini", VERTEX]),
    (&["gemini", "google-gla", "google-ai", "google-ai-studio", "gcp-gemini"], &["gemini"]),
    (&["vertex", "vertexai", "google-vertex", "google-vertex-anthropic"], &[VERTEX]),
    (&["vertex-ai", "gcp-vertex-ai", "vertex-ai-beta", "vertex-anthropic"], &[VERTEX]),
    (&["openai-chat", "openai-responses", "open-ai"], &["openai"]),
    (&["azure-openai", "azure-ai-openai", "az-ai-openai", "azureopenai"], &["azure"]),
    (&["azure-ai-foundry", "azure-ai-inference", "az-ai-inference", "foundry"], &["azure"]),
    (&["microsoft"], &["azure"]),
    (&["aws", "amazon", "amazon-bedrock", "aws-bedrock", "bedrock-runtime"], &["bedrock"]),
    (&["claude"], &["anthropic"]),
    (&["x-ai", "grok"], &["xai"]),
    (&["mistralai", "mistral-ai"], &["mistral"]),
    (&["together", "togetherai"], &["together_ai"]),
    (&["fireworks", "fireworks-ai"], &["fireworks_ai"]),
    (&["moonshotai", "kimi"], &["moonshot"]),
    (&["z-ai", "zai-org", "zhipu", "zhipuai"], &["zai"]),
    (&["alibaba", "alibaba-cloud", "qwen"], &["dashscope"]),
    (&["deepseek-ai"], &["deepseek"]),
    (&["voyageai"], &["voyage"]),
    // Servers that operators run themselves: models without a provider.
    (&["hosted-vllm", "vllm", "openai-like", "lm-studio", "llamafile", "xinference"], &[""]),
];

/// Providers that pass a model on under the name of its maker, at the price of its maker. They
/// say nothing about which entry of the catalog is meant.
const GATEWAYS: [&str; 7] =
    ["openrouter", "litellm", "litellm-proxy", "custom-openai", "helicone", "portkey", "requesty"];

/// Providers whose name is also that of an API which others offer: a caller that names one may
/// mean the API. Where such a provider does not have the model, it is left out of account.
const DIALECTS: [&str; 2] = ["openai", "anthropic"];

/// Makers as they are written before a slash, by gateways, hosts and model hubs:
/// `anthropic/claude-sonnet-4.5`, `meta-llama/Llama-3.3-70B-Instruct`. The maker need not be who
/// serves the model. With the families whose price is meant where the caller says nothing else;
/// none for makers of models that anyone may serve.
const VENDORS: [(&str, &[&str]); 23] = [
    ("openai", &["openai"]),
    ("anthropic", &["anthropic"]),
    ("google", &["gemini", VERTEX]),
    ("x-ai", &["xai"]),
    ("xai", &["xai"]),
    ("z-ai", &["zai"]),
    ("zai", &["zai"]),
    ("mistralai", &["mistral"]),
    ("mistral", &["mistral"]),
    ("cohere", &["cohere"]),
    ("deepseek", &["deepseek"]),
    ("perplexity", &["perplexity"]),
    ("minimax", &["minimax"]),
    ("moonshot", &["moonshot"]),
    ("alibaba", &[]),
    ("deepseek-ai", &[]),
    ("meta", &[]),
    ("meta-llama", &[]),
    ("minimaxai", &[]),
    ("moonshotai", &[]),
    ("nvidia", &[]),
    ("qwen", &[]),
    ("zai-org", &[]),
];

/// By the beginning of a canonical name: the provider that makes the model and sells it itself.
/// None for models that anyone may serve: their price depends on who does. The first row counts.
const MAKERS: [(&[&str], &[&str]); 17] = [
    (&["gpt-oss"], &[]),
    (&["gpt-", "chatgpt-", "o1", "o3", "o4", "codex-", "computer-use-"], &["openai"]),
    (&["text-embedding-3-", "text-embedding-ada-", "davinci-", "babbage-"], &["openai"]),
    (&["omni-moderation", "whisper-1", "tts-1", "dall-e-"], &["openai"]),
    (&["claude-"], &["anthropic"]),
    (&["gemini-"], &["gemini", VERTEX]),
    (&["grok-"], &["xai"]),
    (&["mistral-", "magistral-", "ministral-", "codestral", "devstral"], &["mistral"]),
    (&["pixtral-", "voxtral-", "open-mistral", "open-mixtral"], &["mistral"]),
    (&["deepseek-chat", "deepseek-reasoner", "deepseek-coder"], &["deepseek"]),
    (&["command-", "embed-", "rerank-", "c4ai-"], &["cohere"]),
    (&["glm-"], &["zai"]),
    (&["kimi-", "moonshot-"], &["moonshot"]),
    (&["minimax-"], &["minimax"]),
    (&["sonar"], &["perplexity"]),
    (&["qwen-max", "qwen-plus", "qwen-turbo", "qwen-flash", "qwen3-max"], &["dashscope"]),
    (
        &["llama", "meta-llama", "gemma", "phi-", "mixtral", "qwen", "qwq", "deepseek", "hermes"],
        &[],
    ),
];

/// Makers as Bedrock writes them before the dot, as in `anthropic.claude-opus-4-8`.
const BEDROCK_VENDORS: [&str; 20] = [
    "ai21",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "google",
    "luma",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "moonshotai",
    "nvidia",
    "openai",
    "qwen",
    "stability",
    "twelvelabs",
    "writer",
    "xai",
    "zai",
];

/// What stands before the maker in the name of an inference profile of Bedrock.
const BEDROCK_REGIONS: [&str; 12] =
    ["us", "eu", "apac", "global", "us-gov", "au", "jp", "ca", "in", "sa", "me", "af"];

/// Families, the one to prefer first.
pub type Families<'a> = SmallVec<[&'a str; 2]>;

/// Who sets the price of a model, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// These families of providers, the first that has it.
    Sells(&'static [&'static str]),
    /// Of any provider.
    Open,
    Unknown,
}

/// The family of a provider of the catalog, which is given in lower case.
pub fn family_of(provider: &str) -> &str {
    if provider.starts_with("vertex_ai-") {
        return VERTEX;
    }
    let row = FAMILIES.iter().find(|(_, members)| members.contains(&provider));
    row.map_or(provider, |(family, _)| family)
}

/// The place of a provider in its family; providers that no row names come last.
pub fn order_of(provider: &str) -> usize {
    let mut rows = FAMILIES.iter();
    rows.find_map(|(_, members)| members.iter().position(|member| *member == provider))
        .unwrap_or(usize::MAX)
}

/// The name of a provider as the tables spell it.
pub fn normal(provider: &str) -> String {
    provider
        .trim()
        .chars()
        .map(|character| match character {
            '_' | '.' | ' ' => '-',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

/// The families that a provider's name of the tables may mean.
pub fn families_named(normal: &str) -> Option<&'static [&'static str]> {
    let row = SPELLINGS.iter().find(|(spellings, _)| spellings.contains(&normal));
    row.map(|(_, families)| *families)
}

/// The provider of the catalog that a name means in the first place; the name itself if no table
/// has it.
pub fn provider_named(name: &str) -> &str {
    let spelt = normal(name);
    match families_named(&spelt) {
        Some([first, ..]) => first,
        _ => {
            let row = FAMILIES.iter().find(|(family, _)| normal(family) == spelt);
            row.map_or(name, |(family, _)| family)
        }
    }
}

pub fn is_gateway(normal: &str) -> bool {
    GATEWAYS.contains(&normal)
}

pub fn is_dialect(normal: &str) -> bool {
    DIALECTS.contains(&normal)
}

/// The families that may be meant by a maker before the slash; none if it is no maker.
pub fn vendor(head: &str) -> Option<&'static [&'static str]> {
    let row = VENDORS.iter().find(|(vendor, _)| head.eq_ignore_ascii_case(vendor));
    row.map(|(_, families)| *families)
}

/// The maker of a model, by its canonical name.
pub fn maker_of(key: &str) -> Maker {
    if is_bedrock_name(key) {
        return Maker::Sells(&["bedrock"]);
    }
    let name = key.strip_prefix("ft:").unwrap_or(key);
    let row = MAKERS.iter().find(|(begins, _)| begins.iter().any(|begin| name.starts_with(begin)));
    match row {
        Some((_, [])) => Maker::Open,
        Some((_, families)) => Maker::Sells(families),
        None => Maker::Unknown,
    }
}

/// Whether a name is one of Bedrock: with its maker, and maybe the region, before a dot.
pub fn is_bedrock_name(key: &str) -> bool {
    without_bedrock_vendor(without_bedrock_region(key).unwrap_or(key)).is_some()
}

/// A name of Bedrock without its maker: `claude-opus-4-8`.
pub fn without_bedrock_vendor(key: &str) -> Option<&str> {
    let (vendor, rest) = key.split_once('.')?;
    BEDROCK_VENDORS.contains(&vendor).then_some(rest)
}

/// The name of an inference profile without its region: `anthropic.claude-opus-4-8`.
pub fn without_bedrock_region(key: &str) -> Option<&str> {
    let (region, rest) = key.split_once('.')?;
    let is_profile = BEDROCK_REGIONS.contains(&region) && without_bedrock_vendor(rest).is_some();
    is_profile.then_some(rest)
}

/// A canonical name without the maker before its slash.
pub fn without_vendor(key: &str) -> Option<&str> {
    let (head, rest) = key.split_once('/')?;
    (vendor(head).is_some() && !rest.is_empty()).then_some(rest)
}

/// An id without its provider: `gpt-4o` of `azure/gpt-4o`. Ids of a few providers have none.
pub fn name_of<'a>(id: &'a str, provider: &str) -> &'a str {
    let Some((head, rest)) = id.split_once('/') else { return id };
    let is_same = |other: &str| {
        let same = |(a, b): (char, char)| {
            a.eq_ignore_ascii_case(&b) || (matches!(a, '-' | '_') && matches!(b, '-' | '_'))
        };
        head.len() == other.len() && head.chars().zip(other.chars()).all(same)
    };
    let has_provider = !rest.is_empty()
        && (is_same(provider) || is_same(family_of(&provider.to_ascii_lowercase())));
    if has_provider { rest } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_id_without_its_provider() {
        let check = |id: &str, provider: &str, expected: &str| {
            assert_eq!(name_of(id, provider), expected, "{id} of {provider}");
        };
        check("gpt-4o", "openai", "gpt-4o");
        check("azure/eu/gpt-4o", "azure", "eu/gpt-4o");
        check("azure/gpt-35-turbo-instruct", "azure_text", "gpt-35-turbo-instruct");
        check("groq/openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b");
        check(
            "vertex_ai/claude-opus-4-7@default",
            "vertex_ai-anthropic_models",
            "claude-opus-4-7@default",
        );
        check("amazon-nova/nova-lite-v1", "amazon_nova", "nova-lite-v1");
        check("eu.anthropic.claude-opus-4-8", "bedrock_converse", "eu.anthropic.claude-opus-4-8");
        check("low/1024-x-1024/gpt-image-1", "openai", "low/1024-x-1024/gpt-image-1");
        check("House/private", "house", "private");
        check("house/", "house", "house/");
        check("/x", "", "x");
        check("", "", "");
    }

    #[test]
    fn makers_are_told_by_the_name() {
        let check = |key: &str, expected: Maker| assert_eq!(maker_of(key), expected, "{key}");
        check("gpt-4o", Maker::Sells(&["openai"]));
        check("ft:gpt-4o-2024-08-06", Maker::Sells(&["openai"]));
        check("gpt-oss-120b", Maker::Open);
        check("mixtral-8x7b-32768", Maker::Open);
        check("qwen-max", Maker::Sells(&["dashscope"]));
        check("qwen3-32b", Maker::Open);
        check("eu.anthropic.claude-opus-4-8", Maker::Sells(&["bedrock"]));
        check("us.acme.model", Maker::Unknown);
        check("house-model", Maker::Unknown);
        check("openai/gpt-4o", Maker::Unknown);
    }

    #[test]
    fn rows_of_the_tables_are_reachable() {
        let mut seen = Vec::new();
        for (spellings, families) in SPELLINGS {
            assert!(!families.is_empty());
            for spelling in spellings {
                assert_eq!(normal(spelling), *spelling);
                assert!(!seen.contains(spelling), "{spelling} is there twice");
                seen.push(spelling);
            }
        }
        for name in GATEWAYS.iter().chain(&DIALECTS) {
            assert!(!seen.contains(name), "{name} is a spelling");
        }
        for (index, (begins, families)) in MAKERS.iter().enumerate() {
            for begin in *begins {
                let first = MAKERS
                    .iter()
                    .position(|(others, _)| others.iter().any(|other| begin.starts_with(other)));
                assert_eq!(first, Some(index), "{begin} of {families:?} is never reached");
            }
        }
    }
}
