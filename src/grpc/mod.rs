//! gRPC services: thin adapters that decode a request, call the engine, and encode its response.
//! The only module that knows the protos.
//!
//! Each service is a folder: handlers in `mod.rs`, conversions beside them. A service decides
//! nothing about requests: it refuses what is not well formed.

mod access;
mod alert;
mod analytics;
mod api_key;
mod audit;
mod budget;
mod catalog;
mod directory;
mod insight;
mod model_limit;
mod quota;
pub mod router;
mod shared;
mod usage;
mod workspace;

use std::sync::Arc;

use access::table::METHODS;
pub use access::table::to_markdown as role_table;
pub use analytics::Reports;
pub use analytics::download::Downloads;
use prost::Message;
use prost_types::FileDescriptorSet;
use router::Router;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic::service::Routes;

use crate::engine::Engine;
use crate::engine::alerts::address::AddressRules;
use crate::engine::alerts::webhook_test::WebhookSender;
use crate::identity::Identities;
use crate::limits::{LARGE_REQUEST_BYTES_MAX, Limits, REQUEST_BYTES_MAX};
use crate::proto::{DESCRIPTORS, v1};
use crate::telemetry::calls::{Method, Observed};

/// What services are made of.
pub struct ServiceContext {
    pub engine: Engine,
    /// Ends streams.
    pub stopping: CancellationToken,
    /// Which addresses webhooks may have.
    pub address_rules: AddressRules,
    /// Sends test deliveries.
    pub webhooks: Arc<dyn WebhookSender>,
    /// Whether an SMTP server is configured.
    pub has_smtp: bool,
    pub admission: Admission,
    pub limits: Limits,
    /// Places for reports.
    pub reports: Reports,
    /// Links to exports.
    pub downloads: Downloads,
    /// Accepted beside access tokens.
    pub identities: Option<Arc<Identities>>,
}

/// Whose calls are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Those with valid credentials.
    Authenticated,
    /// All that name a loopback host, and come from no page of another origin than these: a page
    /// whose name an attacker points at this machine is refused.
    Local { origins: Vec<String> },
    /// All.
    Anyone,
}

/// A server of a service, with the bounds of its messages. The generated servers share no trait
/// for these.
macro_rules! bounded {
    ($server:path, $service:expr, $request_bytes_max:expr) => {
        <$server>::new($service)
            .max_decoding_message_size($request_bytes_max)
            .max_encoding_message_size($crate::limits::RESPONSE_BYTES_MAX)
    };
}
use bounded;

/// All services, each by its generated module, its server and its implementation.
macro_rules! services {
    ($($module:ident::$server:ident<$service:path>),+ $(,)?) => {
        /// Names of all services.
        pub const SERVICE_NAMES: &[&str] = &[$(<v1::$module::$server<$service>>::NAME),+];

        /// Routes to all services.
        pub fn routes(context: &ServiceContext) -> Routes {
            let mut routes = Routes::builder();
            $(
                let service = <$service>::new(context);
                let server = bounded!(v1::$module::$server<$service>, service, REQUEST_BYTES_MAX);
                routes.add_service(server);
            )+
            routes.routes()
        }
    };
}

/// Routes to the services that have calls with large requests, for these.
fn large_routes(context: &ServiceContext) -> Routes {
    use v1::catalog_service_server::CatalogServiceServer;
    use v1::usage_service_server::UsageServiceServer;
    let usage = usage::Usage::new(context);
    let catalog = catalog::Catalog::new(context);
    let mut routes = Routes::builder();
    routes.add_service(bounded!(UsageServiceServer<usage::Usage>, usage, LARGE_REQUEST_BYTES_MAX));
    routes.add_service(bounded!(
        CatalogServiceServer<catalog::Catalog>,
        catalog,
        LARGE_REQUEST_BYTES_MAX
    ));
    routes.routes()
}

// Reflection lists them from the descriptors of the protos.
services!(
    usage_service_server::UsageServiceServer<usage::Usage>,
    budget_service_server::BudgetServiceServer<budget::Budget>,
    model_limit_service_server::ModelLimitServiceServer<model_limit::ModelLimit>,
    analytics_service_server::AnalyticsServiceServer<analytics::Analytics>,
    workspace_service_server::WorkspaceServiceServer<workspace::Workspace>,
    catalog_service_server::CatalogServiceServer<catalog::Catalog>,
    quota_service_server::QuotaServiceServer<quota::Quota>,
    api_key_service_server::ApiKeyServiceServer<api_key::ApiKey>,
    alert_service_server::AlertServiceServer<alert::Alert>,
    audit_service_server::AuditServiceServer<audit::Audit>,
    directory_service_server::DirectoryServiceServer<directory::Directory>,
    access_service_server::AccessServiceServer<access::Access>,
    insight_service_server::InsightServiceServer<insight::Insight>,
);

/// A router whose calls are counted, by the methods of the API.
pub fn observed(router: Router) -> Observed<Router> {
    shared::status::declare_reasons();
    Observed::new(router, &methods())
}

fn methods() -> Vec<Method> {
    let compiled = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default();
    let mut streaming = Vec::new();
    for file in &compiled.file {
        for service in &file.service {
            let methods = service.method.iter().filter(|method| method.server_streaming());
            let path = |name| format!("/{}.{}/{name}", file.package(), service.name());
            streaming.extend(methods.map(|method| path(method.name())));
        }
    }
    let is_streaming = |path: &str| streaming.iter().any(|streaming| streaming == path);
    let methods = METHODS.iter();
    methods.map(|it| Method { path: it.path, is_streaming: is_streaming(it.path) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_stream_answers_are_known() {
        let methods = methods();
        let streaming = methods.iter().filter(|method| method.is_streaming);
        let streaming: Vec<&str> = streaming.map(|method| method.path).collect();
        assert!(streaming.contains(&"/tollgate.v1.UsageService/CheckAndRouteStream"));
        assert!(!streaming.contains(&"/tollgate.v1.UsageService/CheckAndRoute"));
        assert_eq!(methods.len(), METHODS.len());
    }

    #[test]
    fn every_service_of_the_protos_is_served() {
        let descriptors = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
        let mut of_protos = Vec::new();
        for file in descriptors.file.iter().filter(|file| file.package() == "tollgate.v1") {
            let names = file.service.iter().map(|service| service.name());
            of_protos.extend(names.map(|name| format!("tollgate.v1.{name}")));
        }
        let mut served = SERVICE_NAMES.to_vec();
        served.sort_unstable();
        of_protos.sort_unstable();
        assert_eq!(served, of_protos);
    }
}
