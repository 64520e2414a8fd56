//! Checks the source itself: sizes, direction of dependencies, words that must not stay, and that
//! the documents name what exists.
//!
//! Reads files, and the descriptors of the protos. Code is looked at with its comments and literals
//! blanked, by a scanner that knows just enough Rust for that.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;
use prost_types::FileDescriptorSet;

/// Most lines of a file, tests aside.
const FILE_LINES_MAX: usize = 500;
/// Most entries of a folder of sources or tests, its `mod.rs` or `main.rs` aside.
const FOLDER_ENTRIES_MAX: usize = 15;
/// Most lines of a function, from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Most characters of a line.
const LINE_CHARACTERS_MAX: usize = 100;

/// Which top-level module may mention which others.
const MAY_MENTION: [(&str, &[&str]); 22] = [
    ("config", &["limits"]),
    ("domain", &[]),
    ("analytics", &["domain", "insight", "storage"]),
    ("answers", &["domain"]),
    ("backtest", &["domain", "ledger"]),
    ("admin", &["domain", "engine", "export", "prices", "storage"]),
    ("engine", &["answers", "backtest", "domain", "ledger", "prices", "storage", "telemetry"]),
    ("export", &["analytics", "domain", "storage"]),
    (
        "grpc",
        &[
            "analytics",
            "answers",
            "domain",
            "engine",
            "export",
            "identity",
            "insight",
            "limits",
            "proto",
            "storage",
            "telemetry",
            "transport",
        ],
    ),
    ("identity", &["domain", "engine", "outbound"]),
    ("insight", &["domain"]),
    ("ledger", &["domain"]),
    ("limits", &[]),
    ("logging", &["config", "telemetry"]),
    ("outbound", &["engine"]),
    ("prices", &["domain"]),
    ("proto", &[]),
    (
        "server",
        &[
            "config",
            "domain",
            "engine",
            "grpc",
            "identity",
            "limits",
            "logging",
            "prices",
            "proto",
            "storage",
            "tasks",
            "telemetry",
            "transport",
        ],
    ),
    ("storage", &["domain", "telemetry"]),
    (
        "tasks",
        &[
            "analytics",
            "config",
            "domain",
            "engine",
            "identity",
            "outbound",
            "storage",
            "telemetry",
        ],
    ),
    ("telemetry", &["domain"]),
    ("transport", &["config", "limits"]),
];

/// What the pure core must not know of.
const IMPURE: [&str; 12] = [
    "tokio",
    "sqlx",
    "tonic",
    "prost",
    "tracing",
    "rand",
    "SystemTime",
    "Instant",
    "async",
    "std::fs",
    "std::env",
    "std::net",
];

/// What only `tools/lab` and the command line need.
const LAB: [&str; 4] = ["tollgate_lab", "rand_distr", "StdRng", "indicatif"];

/// Words that say that something is not finished, put together here so that this file has none.
const UNFINISHED: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
];

#[test]
fn files_are_short() {
    let mut failures = Vec::new();
    for file in production_files() {
        let lines = file.code_lines();
        if !file.is_test && lines > FILE_LINES_MAX {
            failures.push(format!("{}: {lines} lines without tests", file.name()));
        }
    }
    report(&failures, &format!("at most {FILE_LINES_MAX} lines"));
}

#[test]
fn folders_are_small() {
    let mut failures = Vec::new();
    let mut folders = vec![PathBuf::from("src"), PathBuf::from("tests")];
    while let Some(folder) = folders.pop() {
        let mut entries = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            entries += usize::from(!path.ends_with("mod.rs") && !path.ends_with("main.rs"));
            if path.is_dir() {
                folders.push(path);
            }
        }
        // The roots have the modules of the library, and the suites.
        let is_root = folder.components().count() == 1;
        if entries > FOLDER_ENTRIES_MAX && !is_root {
            failures.push(format!("{}: {entries} entries", folder.display()));
        }
    }
    report(&failures, &format!("at most {FOLDER_ENTRIES_MAX} entries beside mod.rs"));
}

#[test]
fn functions_are_short() {
    let mut failures = Vec::new();
    for file in all_rust_files() {
        for (name, line, length) in functions(&blank_literals(&file.text)) {
            if length > FUNCTION_LINES_MAX {
                failures.push(format!("{}:{line}: fn {name} has {length} lines", file.name()));
            }
        }
    }
    report(&failures, &format!("at most {FUNCTION_LINES_MAX} lines for a function"));
}

#[test]
fn lines_are_short() {
    let mut failures = Vec::new();
    for file in all_rust_files() {
        for (index, line) in file.text.lines().enumerate() {
            if line.chars().count() > LINE_CHARACTERS_MAX {
                failures.push(format!("{}:{}", file.name(), index + 1));
            }
        }
    }
    report(&failures, &format!("at most {LINE_CHARACTERS_MAX} characters for a line"));
}

#[test]
fn every_file_says_what_it_is() {
    let mut failures = Vec::new();
    for file in all_rust_files() {
        if !file.text.starts_with("//! ") {
            failures.push(file.name());
        }
    }
    report(&failures, "a first line that begins with `//! `");
}

#[test]
fn dependencies_point_one_way() {
    let mut failures = Vec::new();
    for file in rust_files("src") {
        let Some(module) = file.module().filter(|_| !file.is_test) else { continue };
        let Some((_, allowed)) = MAY_MENTION.iter().find(|(name, _)| *name == module) else {
            failures.push(format!("{}: the module is not in the table of tidy.rs", file.name()));
            continue;
        };
        for mentioned in mentioned_modules(&file.code) {
            let known = MAY_MENTION.iter().any(|(name, _)| *name == mentioned);
            if known && mentioned != module && !allowed.contains(&mentioned.as_str()) {
                failures.push(format!("{}: {module} mentions {mentioned}", file.name()));
            }
        }
    }
    report(&failures, "only the modules that the table of tidy.rs allows");
}

#[test]
fn the_library_and_the_lab_do_not_know_each_other() {
    let mut failures = Vec::new();
    let library = rust_files("src").into_iter().filter(|file| file.module().is_some());
    for (files, words) in [
        (library.collect(), &LAB[..]),
        (rust_files("tools/lab/src"), &["tollgate", "tonic", "sqlx"]),
    ] {
        for file in files {
            let mentioned = words.iter().filter(|word| mentions_word(&file.code, word));
            failures.extend(mentioned.map(|word| format!("{}: {word}", file.name())));
        }
    }
    report(&failures, "that only src/cli/ connects the library and tools/lab");
}

#[test]
fn what_decides_is_pure() {
    let mut failures = Vec::new();
    for file in ["src/answers", "src/backtest", "src/domain", "src/insight", "src/ledger"]
        .into_iter()
        .flat_map(rust_files)
    {
        for word in IMPURE {
            if !file.is_test && mentions_word(&file.code, word) {
                failures.push(format!("{}: {word}", file.name()));
            }
        }
    }
    report(&failures, "no clock, runtime, log, database or transport in what reads and decides");
}

/// Other modules have types of their own for what the protos name.
#[test]
fn only_grpc_names_values_of_the_protos() {
    let compiled = FileDescriptorSet::decode(tollgate::proto::DESCRIPTORS).expect("descriptors");
    let own = compiled.file.iter().filter(|file| file.package() == "tollgate.v1");
    let enums = own.flat_map(|file| &file.enum_type);
    let values: BTreeSet<&str> = enums.flat_map(|it| &it.value).map(|value| value.name()).collect();
    assert!(values.contains("LIMIT_KIND_ENVELOPE"));
    let mut failures = Vec::new();
    for file in rust_files("src") {
        let code = file.lines_without_tests();
        let code = code.iter().filter(|line| !line.trim_start().starts_with("//"));
        let words = code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
        if !file.is_test && file.module().is_some_and(|module| module != "grpc") {
            let named = words.filter(|word| values.contains(word));
            failures.extend(named.map(|word| format!("{}: {word}", file.name())));
        }
    }
    report(&failures, "values of the enums of the protos in grpc/ alone");
}

#[test]
fn nothing_is_left_unfinished() {
    let mut failures = Vec::new();
    let mut files: Vec<PathBuf> = all_rust_files().into_iter().map(|file| file.path).collect();
    files.extend(files_below("proto", "proto"));
    files.extend(files_below("migrations", "sql"));
    for path in files {
        let text = read(&path);
        for word in UNFINISHED {
            if mentions_word(&text, word) {
                failures.push(format!("{}: {word}", path.display()));
            }
        }
    }
    report(&failures, "no word for unfinished work");
}

#[test]
fn errors_are_handled_outside_of_tests() {
    let mut failures = Vec::new();
    for file in production_files() {
        for (index, line) in file.code.lines().enumerate() {
            if !file.is_test && line.contains(".unwrap()") {
                failures.push(format!("{}:{}", file.name(), index + 1));
            }
        }
    }
    report(&failures, "no `.unwrap()`; `.expect(\"why it cannot fail\")` for true invariants");
}

#[test]
fn no_test_is_switched_off() {
    let mut failures = Vec::new();
    for file in all_rust_files() {
        for attribute in [concat!("#[", "ignore"), concat!("#[", "should_panic")] {
            if file.text.contains(attribute) {
                failures.push(format!("{}: {attribute}", file.name()));
            }
        }
    }
    report(&failures, "no ignored test, and none that passes by any panic");
}

#[test]
fn paths_in_the_architecture_exist() {
    let text = read(Path::new("ARCHITECTURE.md"));
    let mut failures = Vec::new();
    for (index, token) in text.split('`').enumerate() {
        let exists = Path::new(token).exists() || Path::new("src").join(token).exists();
        if index % 2 == 1 && is_path(token) && !exists {
            failures.push(token.to_owned());
        }
    }
    report(&failures, "paths in backticks that exist, from the root or from src/");
}

#[test]
fn modules_of_the_source_are_in_the_architecture() {
    let text = read(Path::new("ARCHITECTURE.md"));
    let modules: BTreeSet<String> =
        rust_files("src").iter().filter_map(|file| file.module().map(str::to_owned)).collect();
    let missing: Vec<String> = modules
        .into_iter()
        .filter(|module| {
            let names = [format!("`src/{module}/"), format!("`src/{module}.rs`")];
            !names.iter().any(|name| text.contains(name))
        })
        .collect();
    report(&missing, "each module of src/ in the code map of ARCHITECTURE.md");
}

#[test]
fn the_build_is_described_completely() {
    let compiled = FileDescriptorSet::decode(tollgate::proto::DESCRIPTORS).expect("descriptors");
    let mut failures = Vec::new();
    for path in files_below("proto", "proto") {
        let name = path.strip_prefix("proto").expect("is below proto").display().to_string();
        if !compiled.file.iter().any(|file| file.name() == name) {
            failures.push(format!("build.rs does not compile {}", path.display()));
        }
    }
    if !Path::new("Cargo.lock").exists()
        || read(Path::new(".gitignore"))
            .lines()
            .any(|line| line == "Cargo.lock" || line == "/Cargo.lock")
    {
        failures.push("Cargo.lock is not part of the tree".to_owned());
    }
    report(&failures, "every proto compiled, every version locked");
}

#[test]
fn dependencies_have_their_reason() {
    let text = read(Path::new("docs/dependencies.md"));
    let mut missing = Vec::new();
    for manifest in ["Cargo.toml", "tools/lab/Cargo.toml"] {
        let manifest: toml::Table = toml::from_str(&read(Path::new(manifest))).expect("TOML");
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let named = manifest.get(kind).and_then(toml::Value::as_table).into_iter().flatten();
            let names = named.map(|(name, _)| name.clone());
            missing.extend(names.filter(|name| !text.contains(&format!("`{name}`"))));
        }
    }
    report(&missing, "each direct dependency in docs/dependencies.md");
}

/// One file of Rust.
struct RustFile {
    path: PathBuf,
    text: String,
    /// The text with comments, literals and test items blanked.
    code: String,
    /// Whether it is compiled for tests alone.
    is_test: bool,
}

impl RustFile {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The top-level module of the library that it belongs to; none for the root and the binary.
    fn module(&self) -> Option<&str> {
        let first = self.path.iter().nth(1)?.to_str()?;
        let module = first.strip_suffix(".rs").unwrap_or(first);
        (!["lib", "main", "cli"].contains(&module)).then_some(module)
    }

    /// Lines of the text that do not belong to test items.
    fn lines_without_tests(&self) -> Vec<&str> {
        let blanked = blank_test_items(&blank_literals(&self.text), '\u{1}');
        let lines = self.text.lines().zip(blanked.lines());
        lines.filter(|(_, blanked)| !blanked.starts_with('\u{1}')).map(|(line, _)| line).collect()
    }

    fn code_lines(&self) -> usize {
        self.lines_without_tests().len()
    }
}

fn all_rust_files() -> Vec<RustFile> {
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches", "tools/catalog", "tools/fuzz", "tools/lab"] {
        files.extend(rust_files(folder));
    }
    files
}

/// The service, its command line, and the library of `tollgate replay` and `tollgate generate`.
fn production_files() -> Vec<RustFile> {
    let mut files = rust_files("src");
    files.extend(rust_files("tools/lab/src"));
    files
}

fn rust_files(folder: &str) -> Vec<RustFile> {
    let mut files = Vec::new();
    for path in files_below(folder, "rs") {
        let text = read(&path);
        let code = blank_test_items(&blank_literals(&text), ' ');
        let is_test = path.iter().any(|part| part == "tests" || part == "tests.rs");
        files.push(RustFile { path, text, code, is_test });
    }
    files
}

/// Files with this extension in a folder and all below it, by name; none if there is no folder.
fn files_below(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|known| known == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn report(failures: &[String], expected: &str) {
    assert!(failures.is_empty(), "expected {expected}, but:\n  {}", failures.join("\n  "));
}

/// Whether a text in backticks is meant as a path.
fn is_path(token: &str) -> bool {
    let plain = token.bytes().all(|b| b.is_ascii_alphanumeric() || b"_./-".contains(&b));
    let extension = Path::new(token).extension().and_then(|extension| extension.to_str());
    let file = ["rs", "md", "toml", "proto", "yaml", "sql", "json"];
    plain && (token.contains('/') || extension.is_some_and(|known| file.contains(&known)))
}

/// Whether `word` stands in the text with no letter or digit beside it.
fn mentions_word(text: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        let open_end = word.ends_with(part_of_word);
        !before.is_some_and(part_of_word) && (!open_end || !after.is_some_and(part_of_word))
    })
}

/// Top-level modules that are named after `crate::`, also in braces.
fn mentioned_modules(code: &str) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for (start, path) in code.match_indices("crate::") {
        let rest = &code[start + path.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            modules.insert(identifier(rest));
            continue;
        };
        let mut depth = 0;
        let mut at_name = true;
        for (index, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => at_name = true,
                _ if at_name && depth == 0 && !letter.is_whitespace() => {
                    modules.insert(identifier(&group[index..]));
                    at_name = false;
                }
                _ => {}
            }
        }
    }
    modules
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Name, line and length in lines of each function with a body.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (start, keyword) in code.match_indices("fn ") {
        let name = identifier(&code[start + keyword.len()..]);
        let inside_word = code[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if name.is_empty() || inside_word {
            continue;
        }
        let Some(end) = item_end(code, start) else { continue };
        let line = code[..start].matches('\n').count() + 1;
        found.push((name, line, code[start..end].matches('\n').count() + 1));
    }
    found
}

/// Where the item that begins at `start` ends: behind its closing brace, or its semicolon.
fn item_end(code: &str, start: usize) -> Option<usize> {
    let (mut braces, mut others) = (0, 0);
    for (index, letter) in code[start..].char_indices() {
        match letter {
            '(' | '[' => others += 1,
            ')' | ']' => others -= 1,
            '{' => braces += 1,
            '}' => braces -= 1,
            _ => {}
        }
        let closed = letter == '}' || letter == ';';
        if closed && braces == 0 && others == 0 {
            return Some(start + index + letter.len_utf8());
        }
    }
    None
}

/// The code with every item under `#[cfg(test)]` replaced, line by line, by `mark`.
fn blank_test_items(code: &str, mark: char) -> String {
    let mut text = code.to_owned();
    let attribute = "#[cfg(test)]";
    while let Some(start) = text.find(attribute) {
        let end = item_end(&text, start + attribute.len()).unwrap_or(text.len());
        // The whole line, so that its indentation does not count as code.
        let start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let blank = |c: char| if c == '\n' { '\n' } else { mark };
        let blanked: String = text[start..end].chars().map(blank).collect();
        text.replace_range(start..end, &blanked);
    }
    text
}

/// The text with the inside of comments, strings and characters replaced by blanks; lines stay.
fn blank_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_word = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '"' {
            1 + quoted_length(&rest[1..], '"')
        } else if let Some(quote) = raw_quote(rest).filter(|_| !after_word) {
            let close = format!("\"{}", "#".repeat(quote.matches('#').count()));
            let inside = &rest[quote.len()..];
            quote.len() + inside.find(&close).map_or(inside.len(), |end| end + close.len())
        } else if let Some(length) = character_length(rest) {
            length
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        code.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[length..];
    }
    code
}

/// What opens a raw string here, if one begins.
fn raw_quote(text: &str) -> Option<&str> {
    let body = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    body[hashes..].starts_with('"').then(|| &text[..text.len() - body.len() + hashes + 1])
}

/// Length up to and with the closing quote; a backslash escapes what follows it.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, letter) in text.char_indices() {
        if letter == quote && !escaped {
            return index + letter.len_utf8();
        }
        escaped = letter == '\\' && !escaped;
    }
    text.len()
}

/// Length of a character literal, if one begins here and not a lifetime.
fn character_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    if first == '\\' {
        return Some(1 + quoted_length(inside, '\''));
    }
    inside[first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 2)
}

#[test]
fn the_scanner_knows_enough_rust() {
    let source = "fn a<'x>(s: &'x str) -> char { // }\n    let _ = (\"}\\\"{\", r#\"}\"#, '{');\n\
                  '\\''\n}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c();\n\
                  use crate::{engine::{self, x}, ledger};\nuse crate::storage::y;\n";
    let code = blank_test_items(&blank_literals(source), ' ');
    assert_eq!(functions(&code), [("a".to_owned(), 1, 4), ("c".to_owned(), 9, 1)]);
    let modules: Vec<String> = mentioned_modules(&code).into_iter().collect();
    assert_eq!(modules, ["engine", "ledger", "storage"]);
    assert!(mentions_word("let x: Instant;", "Instant"));
    assert!(!mentions_word("Instantly", "Instant"));
}
