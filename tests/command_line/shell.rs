//! Completion scripts, as the shells read them where these are there, and manual pages.

use std::fs;
use std::process::Command;

use super::{printed, refused, text};

/// Whether a shell is installed; it is said if it is not.
fn has(shell: &str) -> bool {
    let found = Command::new(shell).arg("-c").arg("true").status().is_ok_and(|it| it.success());
    if !found {
        eprintln!("not run: {shell} is not installed");
    }
    found
}

#[test]
fn completions_are_scripts_that_the_shells_accept() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(folder.path(), &["completion", shell]);
        for word in ["replay", "health", "enable"] {
            assert!(script.contains(word), "{shell} completes no {word}");
        }
        let path = folder.path().join(shell);
        fs::write(&path, &script).unwrap();
        if has(shell) {
            let check = if shell == "fish" { "--no-execute" } else { "-n" };
            let checked = Command::new(shell).arg(check).arg(&path).output().unwrap();
            assert!(checked.status.success(), "{shell}: {}", text(&checked.stderr));
        }
    }
    assert_eq!(refused(folder.path(), &["completion", "elvish"]).0, 2);
}

#[test]
fn bash_completes_commands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("completion");
    fs::write(&path, printed(folder.path(), &["completion", "bash"])).unwrap();
    let line = format!(
        "source {}; COMP_WORDS=(tollgate quota s); COMP_CWORD=2; \
         _tollgate tollgate s quota; echo \"${{COMPREPLY[*]}}\"",
        path.display()
    );
    let output = Command::new("bash").args(["-c", &line]).output().unwrap();
    assert_eq!(text(&output.stdout), "set\n", "{}", text(&output.stderr));
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let page = printed(folder.path(), &["man"]);
    assert!(page.contains(".TH tollgate 1"), "{page}");
    assert!(page.contains("64 + N"), "exit codes are documented");
    let pages = folder.path().join("man");
    printed(folder.path(), &["man", "--folder", &pages.display().to_string()]);
    for name in ["tollgate.1", "tollgate-serve.1", "tollgate-call.1", "tollgate-quota-set.1"] {
        let page = fs::read_to_string(pages.join(name)).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}");
    }
}
