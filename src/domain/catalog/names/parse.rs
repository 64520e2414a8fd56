//! Parts of a name that say who serves the model: paths, a provider before the slash or behind
//! the colon.

use std::borrow::Cow;

use smallvec::{SmallVec, smallvec};

use super::providers::{is_gateway, normal, vendor};

/// A name taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// What the model may be called, the likelier first; nothing if the name is that of
    /// something else.
    pub names: Spellings<'a>,
    pub place: Place<'a>,
}

pub type Spellings<'a> = SmallVec<[Cow<'a, str>; 2]>;

/// Where the name itself says that the model is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    Unsaid,
    /// By this provider and no other.
    Provider(&'a str),
    /// This is who makes it, and maybe who serves it; the name without it follows.
    Maker {
        head: &'a str,
        rest: &'a str,
    },
}

/// Reads a form of names; none if it is another form.
type Form = fn(&str) -> Option<Parsed<'_>>;

/// Forms that say who serves the model, with an example, in the order in which they are tried.
const FORMS: [(&str, Form); 5] = [
    ("arn:aws:bedrock:eu-west-1:1:inference-profile/eu.amazon.nova-lite-v1:0", arn),
    ("bedrock/converse/amazon.nova-lite-v1:0", bedrock_route),
    ("projects/p/locations/l/publishers/google/models/gemini-2.5-pro", vertex_path),
    ("models/gemini-2.5-pro", gemini_path),
    ("accounts/fireworks/models/kimi-k2p5", fireworks_path),
];

/// Takes a name apart. `is_provider` says whether what stands before the first slash, or behind
/// the last colon as in `openai/gpt-oss-120b:groq`, is a provider.
pub fn parse<'a>(name: &'a str, is_provider: impl Fn(&str) -> bool) -> Parsed<'a> {
    let name = without_gateway(name.trim());
    if let Some(parsed) = FORMS.iter().find_map(|(_, form)| form(name)) {
        return parsed;
    }
    let Some((head, rest)) = name.split_once('/') else { return one(name, Place::Unsaid) };
    if let Some((model, host)) = name.rsplit_once(':')
        && is_provider(host)
    {
        return one(model, Place::Provider(host));
    }
    if vendor(head).is_some() {
        return one(name, Place::Maker { head, rest });
    }
    if is_provider(head) {
        return one(rest, Place::Provider(head));
    }
    one(name, Place::Unsaid)
}

fn one<'a>(name: &'a str, place: Place<'a>) -> Parsed<'a> {
    Parsed { names: smallvec![Cow::Borrowed(name)], place }
}

/// A gateway passes on what is behind it.
fn without_gateway(mut name: &str) -> &str {
    while let Some((head, rest)) = name.split_once('/') {
        if !is_gateway(&normal(head)) {
            break;
        }
        name = rest;
    }
    name
}

/// In its region, which may have a price of its own, or in any. Application profiles, imported
/// models and the like say nothing of the model.
fn arn(name: &str) -> Option<Parsed<'_>> {
    const MODELS: [&str; 2] = ["foundation-model", "inference-profile"];
    let (_, rest) = strip_prefix(name, "arn:aws")?.split_once(":bedrock:")?;
    let (region, rest) = rest.split_once(':')?;
    let (_account, resource) = rest.split_once(':')?;
    let names = match resource.split_once('/') {
        Some((kind, id)) if MODELS.contains(&kind) => {
            smallvec![Cow::Owned(format!("{region}/{id}")), Cow::Borrowed(id)]
        }
        _ => SmallVec::new(),
    };
    Some(Parsed { names, place: Place::Provider("bedrock") })
}

/// LiteLLM's choice of an API of Bedrock.
fn bedrock_route(name: &str) -> Option<Parsed<'_>> {
    let rest = strip_prefix(name, "bedrock/")?;
    let model = strip_prefix(rest, "converse/").or_else(|| strip_prefix(rest, "invoke/"))?;
    Some(one(model, Place::Provider("bedrock")))
}

/// With its publisher, as models that Vertex serves for others are called, or without.
fn vertex_path(name: &str) -> Option<Parsed<'_>> {
    let rest = match strip_prefix(name, "projects/") {
        Some(rest) => rest.split_once("/publishers/")?.1,
        None => strip_prefix(name, "publishers/")?,
    };
    let (publisher, model) = rest.split_once("/models/")?;
    let names = smallvec![Cow::Owned(format!("{publisher}/{model}")), Cow::Borrowed(model)];
    Some(Parsed { names, place: Place::Provider("vertex_ai") })
}

fn gemini_path(name: &str) -> Option<Parsed<'_>> {
    Some(one(strip_prefix(name, "models/")?, Place::Provider("gemini")))
}

/// The path stays: it belongs to some ids, and the canonical form has none.
fn fireworks_path(name: &str) -> Option<Parsed<'_>> {
    strip_prefix(name, "accounts/fireworks/models/")?;
    Some(one(name, Place::Provider("fireworks_ai")))
}

fn strip_prefix<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let head = name.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &name[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_who_serves_the_model() {
        let is_provider = |name: &str| ["azure", "groq", "bedrock"].contains(&name);
        let check = |name: &str, names: &[&str], place: Place| {
            let parsed = parse(name, is_provider);
            assert_eq!(parsed.names.as_slice(), names, "{name}");
            assert_eq!(parsed.place, place, "{name}");
        };
        check("gpt-4o", &["gpt-4o"], Place::Unsaid);
        check(" azure/eu/gpt-4o", &["eu/gpt-4o"], Place::Provider("azure"));
        check("openrouter/litellm/gpt-4o", &["gpt-4o"], Place::Unsaid);
        check("house/gpt-4o", &["house/gpt-4o"], Place::Unsaid);
        let maker = Place::Maker { head: "OpenAI", rest: "gpt-oss-120b" };
        check("OpenAI/gpt-oss-120b", &["OpenAI/gpt-oss-120b"], maker);
        let names = ["openai/gpt-oss-120b"];
        check("openai/gpt-oss-120b:groq", &names, Place::Provider("groq"));
        check("a:groq", &["a:groq"], Place::Unsaid);
        let bedrock = Place::Provider("bedrock");
        check("bedrock/us.amazon.x-v1:0", &["us.amazon.x-v1:0"], bedrock);
        check("bedrock/invoke/amazon.x", &["amazon.x"], bedrock);
        check(
            "arn:aws:bedrock:eu-west-1::foundation-model/a.b",
            &["eu-west-1/a.b", "a.b"],
            bedrock,
        );
        let profile = "arn:aws-us-gov:bedrock:r:123:inference-profile/us-gov.a.b";
        check(profile, &["r/us-gov.a.b", "us-gov.a.b"], bedrock);
        check("arn:aws:bedrock:r:1:application-inference-profile/x", &[], bedrock);
        check(
            "arn:aws:sagemaker:r:1:endpoint/x",
            &["arn:aws:sagemaker:r:1:endpoint/x"],
            Place::Unsaid,
        );
        let vertex = Place::Provider("vertex_ai");
        check("publishers/google/models/g", &["google/g", "g"], vertex);
        check("projects/p/locations/l/publishers/meta/models/m", &["meta/m", "m"], vertex);
        check("projects/p/endpoints/1", &["projects/p/endpoints/1"], Place::Unsaid);
        check("models/gemini-2.5-pro", &["gemini-2.5-pro"], Place::Provider("gemini"));
        let fireworks = Place::Provider("fireworks_ai");
        let path = "accounts/fireworks/models/x";
        check(path, &[path], fireworks);
        check("accounts/me/models/x", &["accounts/me/models/x"], Place::Unsaid);
        check("", &[""], Place::Unsaid);
    }
}
