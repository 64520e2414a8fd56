//! The rules of resolution on a small catalog, one by one. What the built-in catalog makes of the
//! names of the real world is tested in `tests/names.rs`.

use super::*;
use crate::domain::Time;
use crate::domain::catalog::Catalog;
use crate::domain::catalog::price::Source;

fn model(provider: &str, id: &str, aliases: &[&str]) -> Model {
    Model {
        id: Arc::from(id),
        provider: provider.to_owned(),
        display_name: String::new(),
        context_window: None,
        max_input: None,
        max_output: None,
        capabilities: Vec::new(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        source: Source::Builtin,
        update_time: Time::EARLIEST,
    }
}

const MODELS: [(&str, &str); 38] = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-2024-05-13"),
    ("openai", "gpt-4.1"),
    ("openai", "ft:gpt-4.1-2025-04-14"),
    ("openai", "ft:gpt-3.5-turbo"),
    ("text-completion-openai", "davinci-002"),
    ("azure", "azure/gpt-4o"),
    ("azure", "azure/eu/gpt-4o"),
    ("azure", "azure/gpt-35-turbo"),
    ("azure_ai", "azure_ai/gpt-4o"),
    ("azure_ai", "azure_ai/claude-opus-4-8"),
    ("anthropic", "claude-opus-4-8"),
    ("anthropic", "claude-sonnet-4-5-20250929"),
    ("bedrock_converse", "anthropic.claude-opus-4-8"),
    ("bedrock_converse", "eu.anthropic.claude-opus-4-8"),
    ("bedrock_mantle", "bedrock_mantle/anthropic.claude-opus-4-8"),
    ("bedrock_converse", "anthropic.claude-haiku-4-5-20251001-v1:0"),
    ("bedrock_converse", "anthropic.claude-haiku-4-5@20251001"),
    ("bedrock", "bedrock/eu-west-1/meta.llama3-8b-instruct-v1:0"),
    ("bedrock", "meta.llama3-8b-instruct-v1:0"),
    ("bedrock", "amazon.titan-embed-v1:0"),
    ("bedrock", "amazon.titan-embed-v2:0"),
    ("vertex_ai-language-models", "gemini-2.5-pro"),
    ("gemini", "gemini/gemini-2.5-pro"),
    ("vertex_ai", "vertex_ai/gemini-2.0-flash"),
    ("vertex_ai-anthropic_models", "vertex_ai/claude-opus-4-8"),
    ("vertex_ai-llama_models", "vertex_ai/meta/llama-4-scout-maas"),
    ("groq", "groq/openai/gpt-oss-120b"),
    ("cerebras", "cerebras/gpt-oss-120b"),
    ("together_ai", "together_ai/openai/gpt-oss-120b"),
    ("together_ai", "together_ai/google/gemma-4-31B-it"),
    ("together_ai", "together_ai/pearl-ai/gemma-4-31b-it"),
    ("together_ai", "together_ai/deepcogito/cogito-v2"),
    ("fireworks_ai", "fireworks_ai/accounts/fireworks/models/kimi-k2p5"),
    ("fireworks_ai", "fireworks_ai/kimi-k2p5"),
    ("mistral", "mistral/mistral-large-latest"),
    ("azure_ai", "azure_ai/mistral-large-latest"),
    ("wally", "wally/house-special"),
];

fn catalog() -> Catalog {
    let models = MODELS.iter().map(|(provider, id)| model(provider, id, &[])).collect();
    Catalog::default().with_models_and_prices(models, Vec::new()).unwrap()
}

/// The id that a name of a provider resolves to; "-" for none.
fn resolved(catalog: &Catalog, name: &str, provider: &str) -> String {
    let found = catalog.model_of(name, Hint::Named(provider));
    found.map_or("-".to_owned(), |entry| entry.model().id.to_string())
}

#[track_caller]
fn check(catalog: &Catalog, name: &str, provider: &str, expected: &str) {
    assert_eq!(resolved(catalog, name, provider), expected, "{name:?} of {provider:?}");
}

#[test]
fn an_id_is_always_itself() {
    let catalog = catalog();
    for (provider, id) in MODELS {
        check(&catalog, id, "", id);
        check(&catalog, id, provider, id);
        check(&catalog, &id.to_uppercase(), "", id);
        let name = providers::name_of(id, provider);
        check(&catalog, &format!("{provider}/{name}"), "", id);
        assert_eq!(resolved(&catalog, name, provider), id);
    }
}

#[test]
fn a_provider_decides_where_two_would_fit() {
    let catalog = catalog();
    let check = |name: &str, provider: &str, expected: &str| {
        check(&catalog, name, provider, expected);
    };
    check("gpt-4o", "", "gpt-4o");
    check("gpt-4o", "azure", "azure/gpt-4o");
    check("gpt-4o", "Azure OpenAI", "azure/gpt-4o");
    check("gpt-4o", "azure_ai", "azure_ai/gpt-4o");
    check("openai/gpt-4o", "azure", "azure/gpt-4o");
    check("azure/gpt-4o", "openai", "azure/gpt-4o");
    check("eu/gpt-4o", "azure", "azure/eu/gpt-4o");
    check("claude-opus-4-8", "aws.bedrock", "anthropic.claude-opus-4-8");
    check("anthropic.claude-opus-4-8", "bedrock_mantle", MODELS[15].1);
    check("gemini-2.5-pro", "", "gemini-2.5-pro");
    check("gemini-2.5-pro", "google", "gemini-2.5-pro");
    check("gemini-2.5-pro", "gemini", "gemini/gemini-2.5-pro");
    check("gemini-2.0-flash", "google", "vertex_ai/gemini-2.0-flash");
    check("gemini-2.0-flash", "gemini", "-");
    check("openai/gpt-oss-120b", "groq", "groq/openai/gpt-oss-120b");
    check("openai/gpt-oss-120b", "together", "together_ai/openai/gpt-oss-120b");
    check("openai/gpt-oss-120b", "Cerebras", "cerebras/gpt-oss-120b");
    check("gpt-oss-120b", "groq", "groq/openai/gpt-oss-120b");
    check("openai/gpt-oss-120b:groq", "", "groq/openai/gpt-oss-120b");
    // A provider that is known not to have it is no reason to take another's.
    check("gpt-4o", "groq", "-");
    check("claude-opus-4-8", "groq", "-");
    // One whose API others speak may be named for the API; a gateway, or an unknown one, says
    // nothing.
    check("mistral-large-latest", "openai", "mistral/mistral-large-latest");
    check("gpt-4o", "openrouter", "gpt-4o");
    check("openrouter/openai/gpt-4o", "", "gpt-4o");
    check("gpt-4o", "acme-proxy", "gpt-4o");
    check("openai/gpt-oss-120b", "openai", "-");
}

#[test]
fn an_inferred_provider_only_decides_between_models_of_one_name() {
    let catalog = catalog();
    let check = |name: &str, provider: &str, expected: &str| {
        let found = catalog.model_of(name, Hint::Inferred(provider));
        let found = found.map_or("-", |entry| &entry.model().id);
        assert_eq!(found, expected, "{name:?} of {provider:?}");
    };
    check("gemini-2.5-pro", "gemini", "gemini/gemini-2.5-pro");
    check("claude-opus-4-8", "bedrock", "anthropic.claude-opus-4-8");
    // The provider has none of that name: the id counts, then the maker of the model.
    check("vertex_ai/gemini-2.0-flash", "gemini", "vertex_ai/gemini-2.0-flash");
    check("gemini-2.0-flash", "gemini", "vertex_ai/gemini-2.0-flash");
    check("gpt-4o", "mistral", "gpt-4o");
    check("wally/house-special", "cohere", "wally/house-special");
    check("azure_ai/mistral-large-latest", "mistral", "azure_ai/mistral-large-latest");
    // The model of the very id, and not the family of its name.
    check("gpt-4o-2024-05-13", "azure", "gpt-4o-2024-05-13");
    check("gpt-4o-2024-11-20", "azure", "azure/gpt-4o");
    check("gpt-4o", "", "gpt-4o");
}

#[test]
fn the_maker_decides_where_nothing_else_does() {
    let catalog = catalog();
    let check = |name: &str, expected: &str| check(&catalog, name, "", expected);
    check("openai/gpt-4o", "gpt-4o");
    check("anthropic/claude-opus-4.8", "claude-opus-4-8");
    check("google/gemini-2.5-pro", "gemini/gemini-2.5-pro");
    check("mistral-large-latest", "mistral/mistral-large-latest");
    check("mistralai/mistral-large-latest", "mistral/mistral-large-latest");
    check("gemini-2.0-flash", "vertex_ai/gemini-2.0-flash");
    // Only hosts sell it, each at its own price.
    check("openai/gpt-oss-120b", "-");
    check("gpt-oss-120b", "-");
    // The only one of that name; not the only one of a name of which another maker is known.
    check("house-special", "wally/house-special");
    check("deepcogito/cogito-v2", "together_ai/deepcogito/cogito-v2");
    check("gemma-4-31b-it", "-");
    assert_eq!(resolved(&catalog, "gemma-4-31b-it", "together_ai"), "-", "two makers");
}

#[test]
fn a_snapshot_stands_for_its_family_where_it_has_no_entry() {
    let catalog = catalog();
    let check = |name: &str, expected: &str| check(&catalog, name, "", expected);
    check("gpt-4o-2024-05-13", "gpt-4o-2024-05-13");
    check("gpt-4o-2024-08-06", "gpt-4o");
    check("gpt-4o-20240806", "gpt-4o");
    check("gpt-4o-latest", "gpt-4o");
    check("azure/gpt-4o-2024-05-13", "azure/gpt-4o");
    check("gpt-4o-2024-13-06", "-");
    check("gpt-4o-0806", "-");
    check("gpt-4o-mini", "-");
    check("my-gpt-4o", "-");
    check("anthropic/claude-4.8-opus-20260217", "claude-opus-4-8");
    // Not the other way round: which snapshot is meant is not said.
    check("claude-sonnet-4-5", "-");
    check("claude-sonnet-4-5@20250929", "claude-sonnet-4-5-20250929");
    check("gemini-2.5-pro-001", "gemini-2.5-pro");
    check("gemini-2.5-pro-preview-05-06", "-");
    check("anthropic/claude-opus-4.8:thinking", "claude-opus-4-8");
    check("anthropic/claude-opus-4.8:free", "-");
}

#[test]
fn a_fine_tuned_model_never_costs_what_its_base_does() {
    let catalog = catalog();
    let check = |name: &str, expected: &str| check(&catalog, name, "", expected);
    check("ft:gpt-4.1-2025-04-14:acme::B7R9VjQK", "ft:gpt-4.1-2025-04-14");
    check("openai/ft:gpt-4.1-2025-04-14:acme:suffix:id:ckpt-step-90", "ft:gpt-4.1-2025-04-14");
    check("ft:gpt-3.5-turbo-2026-01-25:acme::id", "ft:gpt-3.5-turbo");
    check("ft:gpt-4o-2024-08-06:acme::id", "-");
    check("ft:gpt-4o:acme::id", "-");
    check("gpt-4o-2024-08-06.ft-0e208cf33a6a466994aff31a08aba678", "-");
}

#[test]
fn names_of_clouds() {
    let catalog = catalog();
    let check = |name: &str, expected: &str| check(&catalog, name, "", expected);
    let haiku = "anthropic.claude-haiku-4-5-20251001-v1:0";
    check("bedrock/converse/us.anthropic.claude-opus-4-8", "anthropic.claude-opus-4-8");
    check("eu.anthropic.claude-opus-4-8", "eu.anthropic.claude-opus-4-8");
    check("us.anthropic.claude-haiku-4-5-20251001-v1:0", haiku);
    check("apac.anthropic.claude-haiku-4-5-20251001", "anthropic.claude-haiku-4-5@20251001");
    check("anthropic.claude-haiku-4-5-20251001-v1:0:200k", haiku);
    check(&format!("arn:aws:bedrock:us-east-1::foundation-model/{haiku}"), haiku);
    let eu = "bedrock/eu-west-1/meta.llama3-8b-instruct-v1:0";
    let arn = |region| format!("arn:aws:bedrock:{region}::foundation-model/{}", MODELS[19].1);
    check(&arn("eu-west-1"), eu);
    check(&arn("eu-west-9"), MODELS[19].1);
    check("bedrock/eu-west-9/meta.llama3-8b-instruct-v1:0", MODELS[19].1);
    let profile = "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-opus-4-8";
    check(profile, "eu.anthropic.claude-opus-4-8");
    check("arn:aws:bedrock:eu-west-1:1:application-inference-profile/gpt-4o", "-");
    check("amazon.titan-embed", "amazon.titan-embed-v1:0");
    check("amazon.titan-embed-v3:0", "-");
    check("publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro");
    check("projects/p/locations/l/publishers/meta/models/llama-4-scout-maas", MODELS[26].1);
    check("projects/p/locations/l/endpoints/123", "-");
    check("models/gemini-2.5-pro", "gemini/gemini-2.5-pro");
    check("vertex_ai/claude-opus-4-8@default", "vertex_ai/claude-opus-4-8");
    check("azure/gpt-3.5-turbo", "azure/gpt-35-turbo");
    check("azure/my-deployment", "-");
    check("azure/us/gpt-4o", "-");
    check("accounts/fireworks/models/kimi-k2p5", MODELS[33].1);
    check("fireworks_ai/Kimi-K2P5", "fireworks_ai/kimi-k2p5");
    check("accounts/acme/models/kimi-k2p5", "-");
}

#[test]
fn administrators_name_a_model_and_not_its_family() {
    let catalog = catalog();
    let named = |name: &str| catalog.named(name).map(|entry| entry.model().id.to_string());
    assert_eq!(named("OpenAI/GPT-4o").as_deref(), Some("gpt-4o"));
    assert_eq!(named("meta.llama3-8b-instruct").as_deref(), Some(MODELS[19].1));
    assert_eq!(named("gpt-4o-2024-08-06"), None);
    assert_eq!(named("us.anthropic.claude-opus-4-8"), None);
    assert_eq!(named("ft:gpt-4.1-2025-04-14:acme::id"), None);
}

#[test]
fn what_is_near_is_told() {
    let catalog = catalog();
    let near = |name: &str| catalog.resolve(name, "").unwrap_err().near;
    let ids = |near: Vec<Arc<str>>| near.iter().map(ToString::to_string).collect::<Vec<_>>();
    let hosts = ["groq/openai/gpt-oss-120b", "together_ai/openai/gpt-oss-120b"];
    assert_eq!(ids(near("openai/gpt-oss-120b"))[..2], hosts);
    assert!(ids(near("claude-sonnet-4-5")).contains(&"claude-sonnet-4-5-20250929".to_owned()));
    assert!(ids(near("gpt-4o-mini")).contains(&"gpt-4o".to_owned()));
    assert_eq!(ids(near("")), Vec::<String>::new());
    assert_eq!(ids(near("zzz")), Vec::<String>::new());
    for (_, id) in MODELS {
        assert!(catalog.near(&format!("{id}-x")).len() <= NEAR_MAX);
    }
}

#[test]
fn what_an_operator_serves_has_no_provider() {
    let catalog = catalog().with_model(model("", "house-70b", &["big"])).unwrap();
    for name in ["house-70b", "openai/house-70b", "hosted_vllm/House-70B", "azure/big"] {
        check(&catalog, name, "", "house-70b");
    }
    check(&catalog, "house-70b", "vllm", "house-70b");
    check(&catalog, "house-70b", "groq", "-");
    check(&catalog, "hosted_vllm/gpt-4o", "", "-");
}

#[test]
fn the_index_follows_changes() {
    let catalog = catalog();
    let renamed = model("Azure", "gpt-4o", &["Deployment 7"]);
    let changed = catalog.with_model(renamed).unwrap();
    check(&changed, "deployment 7", "", "gpt-4o");
    check(&changed, "openai/gpt-4o", "", "-");
    check(&catalog, "deployment 7", "", "-");
    check(&catalog, "openai/gpt-4o", "", "gpt-4o");
    let again = changed.with_model(model("openai", "gpt-4o", &[])).unwrap();
    check(&again, "deployment 7", "", "-");
    check(&again, "openai/gpt-4o", "", "gpt-4o");
    assert_eq!(again.near("deployment 7"), []);
}
