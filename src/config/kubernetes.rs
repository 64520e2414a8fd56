//! Variables that Kubernetes sets in each pod for the services of its namespace, also for one that
//! is named tollgate or tollgate-something: they are no settings, and no mistake.
//!
//! <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>

/// Protocols of ports, in names of variables.
const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// Whether a variable is one of `{NAME}_SERVICE_HOST`, `{NAME}_SERVICE_PORT`,
/// `{NAME}_SERVICE_PORT_{PORT}`, `{NAME}_PORT` and `{NAME}_PORT_{NUMBER}_{PROTOCOL}`, the latter
/// also with `_PROTO`, `_PORT` or `_ADDR` behind it.
pub(super) fn is_of_service(variable: &str, text: &str) -> bool {
    if variable.ends_with("_SERVICE_HOST") {
        return true;
    }
    // The number of a port, by the name of the port where it has one.
    if let Some((_, port)) = variable.split_once("_SERVICE_PORT") {
        return port.is_empty() || port.starts_with('_');
    }
    // A URL: a number would be meant as a setting.
    if variable.ends_with("_PORT") && is_url(text) {
        return true;
    }
    let port = variable.rsplit_once("_PORT_").or_else(|| {
        let (whole, _) = variable.rsplit_once("_PORT")?;
        whole.rsplit_once("_PORT_")
    });
    port.is_some_and(|(_, port)| is_port(port))
}

/// `tcp://10.0.0.1:50051`.
fn is_url(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_uppercase());
    scheme.is_some_and(|scheme| PROTOCOLS.contains(&scheme.as_str()))
}

/// `50051_TCP`, `50051_TCP_ADDR`.
fn is_port(text: &str) -> bool {
    let mut parts = text.split('_');
    let is_number = parts.next().is_some_and(|number| number.parse::<u16>().is_ok());
    let is_protocol = parts.next().is_some_and(|name| PROTOCOLS.contains(&name));
    let is_property = parts.next().is_none_or(|name| ["PROTO", "PORT", "ADDR"].contains(&name));
    is_number && is_protocol && is_property && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::super::SETTINGS;
    use super::*;

    const URL: &str = "tcp://10.0.0.1:50051";

    #[test]
    fn variables_of_a_service_are_known_by_their_form() {
        for (variable, text) in [
            ("TOLLGATE_SERVICE_HOST", "10.0.0.1"),
            ("TOLLGATE_SERVICE_PORT", "50051"),
            ("TOLLGATE_SERVICE_PORT_GRPC_WEB", "50051"),
            ("TOLLGATE_PORT", URL),
            ("TOLLGATE_PORT", "udp://[fd00::1]:53"),
            ("TOLLGATE_PORT_50051_TCP", URL),
            ("TOLLGATE_PORT_50051_TCP_PROTO", "tcp"),
            ("TOLLGATE_PORT_50051_TCP_PORT", "50051"),
            ("TOLLGATE_PORT_50051_TCP_ADDR", "10.0.0.1"),
            ("TOLLGATE_POSTGRES_SERVICE_HOST", "10.0.0.2"),
            ("TOLLGATE_POSTGRES_PORT", "tcp://10.0.0.2:5432"),
            ("TOLLGATE_POSTGRES_PORT_5432_TCP_PORT", "5432"),
        ] {
            assert!(is_of_service(variable, text), "{variable}={text}");
        }
        for (variable, text) in [
            ("TOLLGATE_PORT", "50051"),
            ("TOLLGATE_PORT", ""),
            ("TOLLGATE_PORT", "http://a"),
            ("TOLLGATE_PORT_GRPC", "50051"),
            ("TOLLGATE_PORT_50051", URL),
            ("TOLLGATE_PORT_99999_TCP", URL),
            ("TOLLGATE_PORT_50051_TCP_NAME", "a"),
            ("TOLLGATE_SERVICE_PORTS", "50051"),
            ("TOLLGATE_LISTN", "127.0.0.1:1"),
            ("TOLLGATE_ENCRYPTION_KEY", "keys"),
        ] {
            assert!(!is_of_service(variable, text), "{variable}={text}");
        }
    }

    /// A setting that looked like a variable of a service could not be set beside one.
    #[test]
    fn no_setting_has_the_form() {
        for setting in &SETTINGS {
            let variable = setting.variable();
            for text in [URL, "50051", "10.0.0.1", "tcp"] {
                assert!(!is_of_service(&variable, text), "{variable}");
            }
        }
    }
}
