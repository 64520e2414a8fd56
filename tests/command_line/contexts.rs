//! `tollgate context`: one file for its owner, and what commands take from it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::dev::Demo;
use super::{printed, printed_json, refused};

#[test]
fn a_context_names_server_workspace_and_token() {
    let demo = Demo::start(&["--no-traffic", "--records", "500"]);
    let home = demo.home();
    fs::write(home.join("secret"), "tg_secret\n").unwrap();
    let file = home.join("secret").display().to_string();
    let set = ["context", "set", "demo", "--server", &demo.server, "--workspace", "demo"];
    printed(home, &[&set[..], &["--token-file", &file]].concat());
    printed(home, &["context", "set", "nobody", "--server", "127.0.0.1:1"]);
    // The first one is in use, for every command.
    assert!(printed(home, &["status"]).contains("Acme (demo)"));
    assert!(printed(home, &["health"]).contains("serving"));
    let budget = printed_json(home, &["call", "GetBudget"]);
    assert_eq!(budget["budget"]["workspace_id"], "demo");
    assert_eq!(refused(home, &["status", "--context", "nobody", "-w", "demo"]).0, 78);
    printed(home, &["context", "use", "nobody"]);
    assert_eq!(refused(home, &["health"]).0, 1);
    assert!(printed(home, &["status", "--context", "demo"]).contains("Acme (demo)"));

    let path = home.join(".config/tollgate/contexts.toml");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let folder = fs::metadata(path.parent().unwrap()).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("secret\"") && !text.contains("tg_secret"), "{text}");
    let listed = printed(home, &["context", "list"]);
    assert!(listed.lines().any(|line| line.starts_with("*  nobody")), "{listed}");

    printed(home, &["context", "delete", "nobody"]);
    let (code, told) = refused(home, &["context", "use", "nobody"]);
    assert!(code == 1 && told.contains("there is no context nobody: expected demo"), "{told}");
}

#[test]
fn what_is_wrong_is_told_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    for (arguments, expected) in [
        (&["context", "set", "a b", "--server", "x"][..], "letters, digits"),
        (&["context", "set", "a", "--server", "ftp://x"], "expected the address of a server"),
        (&["context", "set", "a", "--token-file", "/no/such"], "/no/such"),
        (&["status"], "no workspace: name one with --workspace"),
        (&["status", "--context", "a"], "make one with `tollgate context set`"),
    ] {
        let (_, told) = refused(home, arguments);
        assert!(told.contains(expected), "{told}");
    }
    assert!(!home.join(".config").exists());
    fs::create_dir_all(home.join(".config/tollgate")).unwrap();
    fs::write(home.join(".config/tollgate/contexts.toml"), "wrong = 1\n").unwrap();
    let (code, told) = refused(home, &["status"]);
    assert!(code == 1 && told.contains("contexts.toml: unknown field"), "{told}");
}
