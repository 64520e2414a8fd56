//! The table itself: every path leads through what is kept.

use super::super::path::{Path, Paths, Step};
use super::super::reduce;
use super::super::shapes::{
    COSTS, FACTORS, GROUNDED, IDS, MODELS, OWNERS, PLACES, SHAPES, STATUSES, TIERS, UNITS,
};

/// JSON in which a path of the table leads to `value`, as deep in an answer as it is written.
fn json_of(path: &str, value: &str) -> String {
    let path = path.trim_start_matches('^');
    let Some((first, rest)) = split_at_dot(path) else { return value.to_owned() };
    let inside = json_of(rest, value);
    if first.starts_with('!') {
        return format!(r#"{{"some_other_tokens":{inside}}}"#);
    }
    let Some((name, brackets)) = first.split_once('[') else {
        return format!(r#"{{"{first}":{inside}}}"#);
    };
    let conditions = brackets.split(['[', ']']).filter(|c| c.contains('=') && !c.contains('!'));
    let members = conditions.map(|c| c.replacen('=', "\":\"", 1)).map(|c| format!("\"{c}\""));
    let mut members: Vec<String> = members.collect();
    if inside.starts_with('{') {
        members.push(inside[1..inside.len() - 1].to_owned());
    }
    format!(r#"{{"{name}":[{{{}}}]}}"#, members.join(","))
}

fn split_at_dot(path: &str) -> Option<(&str, &str)> {
    if path.is_empty() {
        return None;
    }
    let mut depth = 0;
    let end = path.find(|c| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c == '.' && depth == 0
    });
    Some(end.map_or((path, ""), |end| (&path[..end], &path[end + 1..])))
}

fn alternatives(paths: &'static str) -> impl Iterator<Item = &'static str> {
    paths.split('|').map(str::trim).filter(|path| !path.is_empty())
}

/// Whether what a path leads to survives the reduction of this answer.
fn survives(json: &str, value: &str) -> bool {
    reduce(&[json]).unwrap().contains(value)
}

#[test]
fn every_figure_of_the_table_is_kept() {
    let of_shapes = SHAPES.iter().flat_map(|shape| {
        let units = shape.units.iter().map(|(_, paths)| *paths);
        shape.figures.iter().map(|(_, paths)| *paths).chain(units).chain([shape.known_by])
    });
    let others = UNITS.iter().map(|(_, paths)| *paths).chain(COSTS.iter().map(|(path, _)| *path));
    let mut paths = 0;
    for path in of_shapes.chain(others).flat_map(alternatives) {
        let json = json_of(path, "7.5");
        let json = if path.starts_with('^') { json } else { format!(r#"{{"usage":{json}}}"#) };
        let expected = if path.ends_with(']') { "type" } else { "7.5" };
        assert!(survives(&json, expected), "{path}: {json}");
        paths += 1;
    }
    assert!(paths > 150, "only {paths} paths");
}

/// Without an object around them, which is how many libraries hand usage over.
#[test]
fn figures_of_usage_alone_are_kept() {
    for shape in &SHAPES {
        for (_, paths) in shape.figures {
            for path in alternatives(paths) {
                let json = json_of(path, "7.5");
                assert!(survives(&json, "7.5"), "{}: {json}", shape.name);
            }
        }
    }
}

#[test]
fn every_text_and_every_place_of_the_table_is_kept() {
    let factors = FACTORS.iter().map(|(_, path, _)| *path);
    let texts = [MODELS, IDS, STATUSES].into_iter().chain(TIERS).chain(factors);
    for path in texts.flat_map(alternatives) {
        let json = json_of(path, r#""seven""#);
        let json = match path.strip_prefix('^') {
            None if factors_are_in_usage(path) => format!(r#"{{"usage":{json}}}"#),
            _ => json,
        };
        assert!(survives(&json, "seven"), "{path}: {json}");
    }
    let usage = r#"{"prompt_tokens":7}"#;
    for (owner, _) in OWNERS {
        for (place, _) in PLACES {
            let inside = json_of(place, usage);
            let json = json_of(owner, &inside);
            assert!(survives(&json, "prompt_tokens"), "{owner} {place}: {json}");
        }
    }
    assert!(survives(&json_of(GROUNDED, r#"["a","b"]"#), "2"));
}

fn factors_are_in_usage(path: &str) -> bool {
    ["speed", "inference_geo", "search_context_size", "service_tier", "traffic_type"]
        .contains(&path)
}

#[test]
fn a_path_is_written_with_conditions_lists_and_exceptions() {
    let mut names = Vec::new();
    let mut number = |name: &'static str| {
        names.push(name);
        u16::try_from(names.len()).unwrap()
    };
    let paths = Paths::read("^a.b[k.l=v][m!=w].c | d[] | e.!f", &mut number);
    let paths: Vec<&Path> = paths.iter().collect();
    assert_eq!(names, ["a", "b", "k", "l", "m", "c", "d", "e", "f"]);
    assert!(paths[0].from_owner && !paths[1].from_owner);
    assert!(matches!(&paths[0].steps[2], Step::Elements(conditions) if conditions.len() == 2));
    assert!(matches!(&paths[1].steps[1], Step::Elements(conditions) if conditions.is_empty()));
    assert!(matches!(paths[2].steps[1], Step::Others(9)));
}
