//! Tables over `Config::resolve`: what wins over what, and what is refused how.

use super::{Auth, Config, Flag, Loaded, LogFormat, SETTINGS};

fn resolve(
    flags: &[(&'static str, &str)],
    env: &[(&str, &str)],
    file: &str,
) -> Result<Config, String> {
    load(flags, env, file).map(|loaded| loaded.config)
}

fn variable(key: &str) -> String {
    format!("TOLLGATE_{}", key.to_ascii_uppercase())
}

fn load(
    flags: &[(&'static str, &str)],
    env: &[(&str, &str)],
    file: &str,
) -> Result<Loaded, String> {
    let flag = |(key, text): &(&str, &str)| -> Flag {
        let setting = SETTINGS.iter().find(|setting| setting.key == *key).unwrap();
        (setting, (*text).to_owned())
    };
    let flags = flags.iter().map(flag).collect();
    let env = env.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Config::resolve(flags, env, Some(file)).map_err(|error| error.to_string())
}

#[test]
fn nothing_given_is_the_default() {
    let others = [("PATH", "/bin"), ("TOLLGATE_TEST_X", "1"), ("TOLLGATE_ADDRESS", "tollgate:443")];
    let config = resolve(&[], &others, "").unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.listen.to_string(), "127.0.0.1:50051");
    assert_eq!(config.database.as_str(), "sqlite:tollgate.db");
    assert_eq!(config.shutdown_deadline.as_secs(), 20);
    assert!(load(&[], &others, "").unwrap().unknown_variables.is_empty());
}

#[test]
fn flags_win_over_environment_over_file() {
    let file = "listen = '127.0.0.1:1'\ndatabase = 'sqlite:f.db'\nlog_format = 'json'";
    let env = [("TOLLGATE_LISTEN", "127.0.0.1:2"), ("TOLLGATE_DATABASE", "sqlite:e.db")];
    let config = resolve(&[("listen", "[::1]:3")], &env, file).unwrap();
    assert_eq!(config.listen.to_string(), "[::1]:3");
    assert_eq!(config.database.as_str(), "sqlite:e.db");
    assert_eq!(config.log_format, LogFormat::Json);
}

#[test]
fn every_key_is_understood_from_every_source() {
    let file = "listen = '0.0.0.0:1'\ninsecure = true\nauth = 'required'\n\
                operator_token_file = 't'\ntls_certificate = 'c.pem'\ntls_key = 'k.pem'\n\
                tls_client_ca = 'a.pem'\nidentity_file = 'i.toml'\n\
                database = 'postgres://h/d'\nlease_seconds = 5\nnode_id = 'n-0'\n\
                advertise_address = 'n-0:50051'\nstandby = true\naccept_clock = true\n\
                metrics_listen = '127.0.0.1:9464'\notlp_endpoint = 'http://h:4318'\n\
                create = true\n\
                log_format = 'json'\nlog_filter = 'warn,tollgate=debug'\n\
                cors_allowed_origins = ['https://a.example', 'http://localhost:3000']\n\
                shutdown_deadline_seconds = 5\nworker_threads = 2\n\
                connections_max = 7\nconnections_per_address_max = 5\n\
                connection_idle_seconds = 30\nconnection_age_seconds = 60\n\
                reports_per_workspace_max = 2\n\
                hold_bytes_per_workspace_max = 1000\ndistinct_values_per_day_max = 9\n\
                webhooks_allow_loopback = true\nwebhooks_allow_private = true\n\
                encryption_key_file = 'e'\n\
                smtp_url = 'smtps://u:p@h'\nsmtp_from = 'T <t@example.com>'";
    let from_file = resolve(&[], &[], file).unwrap();
    let texts = [
        ("listen", "0.0.0.0:1"),
        ("insecure", "true"),
        ("auth", "required"),
        ("operator_token_file", "t"),
        ("encryption_key_file", "e"),
        ("tls_certificate", "c.pem"),
        ("tls_key", "k.pem"),
        ("tls_client_ca", "a.pem"),
        ("identity_file", "i.toml"),
        ("database", "postgres://h/d"),
        ("lease_seconds", "5"),
        ("node_id", "n-0"),
        ("advertise_address", "n-0:50051"),
        ("create", "true"),
        ("standby", "true"),
        ("accept_clock", "true"),
        ("metrics_listen", "127.0.0.1:9464"),
        ("otlp_endpoint", "http://h:4318"),
        ("log_format", "json"),
        ("log_filter", "warn,tollgate=debug"),
        ("cors_allowed_origins", "https://a.example, http://localhost:3000"),
        ("shutdown_deadline_seconds", "5"),
        ("worker_threads", "2"),
        ("connections_max", "7"),
        ("connections_per_address_max", "5"),
        ("connection_idle_seconds", "30"),
        ("connection_age_seconds", "60"),
        ("reports_per_workspace_max", "2"),
        ("hold_bytes_per_workspace_max", "1000"),
        ("distinct_values_per_day_max", "9"),
        ("webhooks_allow_loopback", "true"),
        ("webhooks_allow_private", "true"),
        ("smtp_url", "smtps://u:p@h"),
        ("smtp_from", "T <t@example.com>"),
    ];
    assert_eq!(resolve(&texts, &[], "").unwrap(), from_file);
    let named: Vec<(String, &str)> =
        texts.iter().map(|(key, text)| (variable(key), *text)).collect();
    let env: Vec<(&str, &str)> = named.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    assert_eq!(resolve(&[], &env, "").unwrap(), from_file);
    assert_eq!(texts.len(), SETTINGS.len());
}

/// Each row: a key, a text that it refuses, and a part of what the message says.
const REFUSED: [(&str, &str, &str); 48] = [
    ("listen", "localhost", "an IP address and a port"),
    ("listen", "127.0.0.1", "an IP address and a port"),
    ("listen", "127.0.0.1:70000", "an IP address and a port"),
    ("database", "", "sqlite:PATH or postgres://"),
    ("database", "tollgate.db", "sqlite:PATH or postgres://"),
    ("database", "sqlite:", "sqlite:PATH or postgres://"),
    ("database", "sqlite::memory:", "sqlite:PATH or postgres://"),
    ("database", "mysql://u:secret@h/d", "sqlite:PATH or postgres://"),
    ("lease_seconds", "1", "from 2 to 60"),
    ("lease_seconds", "61", "from 2 to 60"),
    ("node_id", "a b", "visible ASCII"),
    ("advertise_address", "", "visible ASCII"),
    ("standby", "no", "true or false"),
    ("insecure", "yes", "true or false"),
    ("auth", "on", "required or off"),
    ("encryption_key_file", "", "the path of a file"),
    ("metrics_listen", "9464", "an IP address and a port"),
    ("otlp_endpoint", "127.0.0.1:4318", "with http or https"),
    ("otlp_endpoint", "grpc://h:4317", "with http or https"),
    ("otlp_endpoint", "http://u:p@h:4318", "with http or https"),
    ("otlp_endpoint", "http://h:4318/?token=x", "with http or https"),
    ("log_format", "JSON", "human or json"),
    ("log_filter", "", "off, error, warn"),
    ("log_filter", " , ", "off, error, warn"),
    ("log_filter", "warn,,tollgate=debug", "off, error, warn"),
    ("log_filter", "[é[", "off, error, warn"),
    ("log_filter", "inof", "off, error, warn"),
    ("log_filter", "tollgate=loud", "off, error, warn"),
    ("cors_allowed_origins", "panel.example.com", "scheme, host and port"),
    ("cors_allowed_origins", "https://a.example/", "scheme, host and port"),
    ("cors_allowed_origins", "*,https://a.example", "scheme, host and port"),
    ("shutdown_deadline_seconds", "0", "from 1 to 600"),
    ("shutdown_deadline_seconds", "2.5", "from 1 to 600"),
    ("shutdown_deadline_seconds", "601", "from 1 to 600"),
    ("worker_threads", "-1", "from 1 to 1024"),
    ("worker_threads", "1025", "from 1 to 1024"),
    ("connections_max", "0", "from 1 to 1000000"),
    ("connections_per_address_max", "many", "from 1 to 1000000"),
    ("connection_idle_seconds", "0", "from 1 to 86400"),
    ("connection_age_seconds", "86401", "from 1 to 86400"),
    ("reports_per_workspace_max", "7", "from 1 to 6"),
    ("hold_bytes_per_workspace_max", "1GiB", "from 1 to 1099511627776"),
    ("distinct_values_per_day_max", "0", "from 1 to 10000000"),
    ("webhooks_allow_loopback", "1", "true or false"),
    ("webhooks_allow_private", "", "true or false"),
    ("smtp_url", "smtp://u:secret@mail.example.com", "?tls=required"),
    ("smtp_url", "smtps://secret@mail.example.com", "smtps://USER:PASSWORD"),
    ("smtp_from", "nobody", "an e-mail address"),
];

#[test]
fn bad_values_are_refused_by_key_source_and_expectation() {
    for (key, text, expected) in REFUSED {
        let by_flag = resolve(&[(key, text)], &[], "").unwrap_err();
        assert!(
            by_flag.starts_with(&format!("{key} (from --{}", key.replace('_', "-"))),
            "{by_flag}"
        );
        let variable = variable(key);
        let by_env = resolve(&[], &[(&variable, text)], "").unwrap_err();
        assert!(by_env.starts_with(&format!("{key} (from {variable}): expected")), "{by_env}");
        let by_file = resolve(&[], &[], &format!("{key} = '{text}'")).unwrap_err();
        assert!(by_file.contains("from the configuration file"), "{by_file}");
        for message in [by_flag, by_env] {
            assert!(message.contains(expected), "{key}={text}: {message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }
}

#[test]
fn the_file_is_typed() {
    for line in ["insecure = 'true'", "worker_threads = '2'", "listen = 50051", "log_filter = true"]
    {
        let key = line.split(' ').next().unwrap();
        assert!(resolve(&[], &[], line).unwrap_err().starts_with(key), "{line}");
    }
}

#[test]
fn a_bad_value_is_refused_also_where_another_source_would_win() {
    let message = resolve(&[("worker_threads", "2")], &[], "worker_threads = 0").unwrap_err();
    assert!(message.contains("from the configuration file"), "{message}");
}

#[test]
fn unknown_names_are_refused_by_name() {
    let message = resolve(&[], &[], "listen_address = 'x'").unwrap_err();
    assert!(message.contains("\"listen_address\""), "{message}");
    assert!(message.contains("listen, database"), "{message}");
    let message = resolve(&[], &[], "[server]\nlisten = 'x'").unwrap_err();
    assert!(message.contains("\"server\""), "{message}");
}

/// Kubernetes sets these in every pod beside a service named tollgate.
#[test]
fn unknown_variables_are_ignored_and_named_without_their_values() {
    let pod = [
        ("TOLLGATE_PORT", "tcp://10.0.0.1:50051"),
        ("TOLLGATE_SERVICE_HOST", "10.0.0.1"),
        ("TOLLGATE_SERVICE_PORT", "50051"),
        ("TOLLGATE_PORT_50051_TCP_ADDR", "10.0.0.1"),
        ("TOLLGATE_LISTEN", "127.0.0.1:2"),
        ("TOLLGATE_LISTN", "127.0.0.1:3"),
        ("TOLLGATE_listen", "127.0.0.1:4"),
        ("TOLLGATE_WORKSPACE", "acme"),
        ("TOLLGATE_CONFIG", "tollgate.toml"),
    ];
    let loaded = load(&[], &pod, "").unwrap();
    let listen = "127.0.0.1:2".parse().unwrap();
    assert_eq!(loaded.config, Config { listen, ..Config::default() });
    let unknown = [
        "TOLLGATE_PORT",
        "TOLLGATE_SERVICE_HOST",
        "TOLLGATE_SERVICE_PORT",
        "TOLLGATE_PORT_50051_TCP_ADDR",
        "TOLLGATE_LISTN",
        "TOLLGATE_listen",
    ];
    assert_eq!(loaded.unknown_variables, unknown);
}

#[test]
fn broken_toml_is_refused_by_line_and_shows_no_value() {
    let message =
        resolve(&[], &[], "insecure = true\ndatabase = 'postgres://u:secret@h").unwrap_err();
    assert!(message.contains("line 2"), "{message}");
    assert!(!message.contains("secret"), "{message}");
}

#[test]
fn another_address_than_loopback_needs_insecure() {
    for address in ["0.0.0.0:50051", "[::]:50051", "192.168.1.7:50051"] {
        let message = resolve(&[("listen", address)], &[], "").unwrap_err();
        assert!(message.contains("--insecure"), "{message}");
        assert!(message.contains("from --listen"), "{message}");
        let config = resolve(&[("listen", address), ("insecure", "true")], &[], "").unwrap();
        assert_eq!(config.listen.to_string(), address);
        resolve(&[("insecure", "true")], &[("TOLLGATE_LISTEN", address)], "").unwrap();
    }
    for address in ["127.0.0.1:0", "127.8.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        resolve(&[("listen", address)], &[], "").unwrap();
    }
}

#[test]
fn another_address_is_secure_with_tls_and_authentication() {
    let tls = [("listen", "0.0.0.0:1"), ("tls_certificate", "c.pem"), ("tls_key", "k.pem")];
    assert_eq!(resolve(&tls, &[], "").unwrap().auth, Auth::Required);
    for more in [("auth", "off"), ("tls_key", "")] {
        let mut flags = tls.to_vec();
        flags.push(more);
        resolve(&flags, &[], "").unwrap_err();
    }
    // What is left out has the default of the address.
    assert_eq!(resolve(&[("listen", "127.0.0.1:1")], &[], "").unwrap().auth, Auth::Off);
    let insecure = [("listen", "0.0.0.0:1"), ("insecure", "true")];
    assert_eq!(resolve(&insecure, &[], "").unwrap().auth, Auth::Off);
    let message = resolve(&[("tls_key", "k.pem")], &[], "").unwrap_err();
    assert_eq!(message, "tls_certificate: expected as well, because tls_key is set");
    let message = resolve(&[("tls_client_ca", "a.pem")], &[], "").unwrap_err();
    assert_eq!(message, "tls_certificate: expected as well, because tls_client_ca is set");
}

#[test]
fn mail_needs_a_server_and_a_sender() {
    let url = [("smtp_url", "smtps://u:secret@h")];
    let message = resolve(&url, &[], "").unwrap_err();
    assert_eq!(message, "smtp_from: expected as well, because smtp_url is set");
    let message = resolve(&[("smtp_from", "t@example.com")], &[], "").unwrap_err();
    assert_eq!(message, "smtp_url: expected as well, because smtp_from is set");
    let config = resolve(&url, &[("TOLLGATE_SMTP_FROM", "t@example.com")], "").unwrap();
    assert_eq!(config.smtp.as_ref().unwrap().server.host, "h");
    assert!(!format!("{config:?}").contains("secret"), "{config:?}");
}

#[test]
fn passwords_are_never_shown() {
    for url in ["postgres://user:secret@host/db", "postgres:///db?host=/run&password=secret"] {
        let config = resolve(&[("database", url)], &[], "").unwrap();
        assert_eq!(config.database.as_str(), url);
        let shown = format!("{config:?}");
        assert!(shown.contains("***") && !shown.contains("secret"), "{shown}");
    }
}
