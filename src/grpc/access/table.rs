//! Who may call what: every call of the API with the roles that may make it, and where its
//! workspace is. docs/security.md has the same table, and a test compares the two.
//!
//! A method that is missing here does not compile where its service takes it
//! ([`super::authorize`]); a test compares the table with the descriptors of the protos.

use crate::domain::access::{Holder, Role};
use crate::domain::attribution::SubjectKind;
use crate::grpc::shared::enums::ProtoEnum;
use crate::proto::v1;

/// A call of the API.
pub struct Method {
    pub path: &'static str,
    /// The method alone, as in the audit log.
    pub method: &'static str,
    /// Beside operators, who may make every call.
    pub roles: &'static [Role],
    pub place: Place,
}

/// Where the workspace of a call is. Callers of other workspaces are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the request.
    Workspace,
    /// In the request, which for a holder names its own user or key, too.
    Own,
    /// In the request, which may name none: then it is about the catalog, which all may read.
    Optional,
    /// In each item of the request.
    Each,
    /// Nowhere: what a caller may not see is left out of the answer.
    Listed,
    /// Nowhere: it is about all workspaces.
    Global,
}

/// Where a request acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// In a workspace; with an empty id in none that exists, but in what all share.
    Workspace(&'a str),
    /// In none that has to be checked here, see [`Place`].
    Unscoped,
}

/// The request of a call.
pub trait MethodRequest {
    const METHOD: Method;

    fn scope(&self) -> Scope<'_>;

    /// Whether it is about the usage or limits of this user or key alone.
    fn is_about(&self, _: &Holder) -> bool {
        false
    }
}

const OPERATE: &[Role] = &[];
const ADMINISTER: &[Role] = &[Role::Admin];
const READ: &[Role] = &[Role::Admin, Role::Viewer];
const USE: &[Role] = &[Role::Service];
const RELEASE: &[Role] = &[Role::Admin, Role::Service];
const READ_OWN: &[Role] = &[Role::Admin, Role::Viewer, Role::Holder];
const FOLLOW: &[Role] = &[Role::Admin, Role::Service, Role::Viewer];
const ANY: &[Role] = &[Role::Admin, Role::Service, Role::Viewer, Role::Holder];

macro_rules! methods {
    ($($service:ident { $($method:ident($request:ident): $roles:ident, $place:ident;)+ })+) => {
        /// Every call.
        pub const METHODS: &[Method] = &[$($(<v1::$request as MethodRequest>::METHOD),+),+];

        $($(
            impl MethodRequest for v1::$request {
                const METHOD: Method = Method {
                    path: concat!("/tollgate.v1.", stringify!($service), "/", stringify!($method)),
                    method: stringify!($method),
                    roles: $roles,
                    place: place!($place),
                };

                fn scope(&self) -> Scope<'_> {
                    scope!($place, self)
                }

                is_about!($place);
            }
        )+)+
    };
}

macro_rules! place {
    (own) => {
        Place::Own
    };
    (workspace) => {
        Place::Workspace
    };
    (in_workspace) => {
        Place::Workspace
    };
    (optional) => {
        Place::Optional
    };
    (each) => {
        Place::Each
    };
    (listed) => {
        Place::Listed
    };
    (global) => {
        Place::Global
    };
}

macro_rules! is_about {
    (own) => {
        fn is_about(&self, holder: &Holder) -> bool {
            Owned::is_about(self, holder)
        }
    };
    ($not_own:ident) => {};
}

macro_rules! scope {
    (own, $request:ident) => {
        Scope::Workspace(&$request.workspace_id)
    };
    (workspace, $request:ident) => {
        Scope::Workspace(&$request.workspace_id)
    };
    (in_workspace, $request:ident) => {
        Scope::Workspace($request.workspace.as_ref().map_or("", |inner| &inner.workspace_id))
    };
    (optional, $request:ident) => {
        match &*$request.workspace_id {
            "" => Scope::Unscoped,
            id => Scope::Workspace(id),
        }
    };
    ($unscoped:ident, $request:ident) => {
        Scope::Unscoped
    };
}

methods! {
    UsageService {
        CheckAndRoute(CheckAndRouteRequest): USE, workspace;
        CheckAndRouteStream(CheckAndRouteStreamRequest): USE, each;
        RecordUsage(RecordUsageRequest): USE, workspace;
        RecordUsageBatch(RecordUsageBatchRequest): USE, each;
        ReleaseHold(ReleaseHoldRequest): RELEASE, workspace;
        ExtendHold(ExtendHoldRequest): USE, workspace;
        ListHolds(ListHoldsRequest): FOLLOW, workspace;
        ListRefusals(ListRefusalsRequest): READ, workspace;
        ListUsageRecords(ListUsageRecordsRequest): READ, workspace;
        RepriceUsage(RepriceUsageRequest): OPERATE, workspace;
        RecordCredit(RecordCreditRequest): OPERATE, workspace;
        VoidUsage(VoidUsageRequest): OPERATE, workspace;
    }
    BudgetService {
        SetPlan(SetPlanRequest): OPERATE, workspace;
        SetAutomaticFallback(SetAutomaticFallbackRequest): ADMINISTER, workspace;
        GetBudget(GetBudgetRequest): READ, workspace;
        ListCycles(ListCyclesRequest): READ, workspace;
        WatchSpend(WatchSpendRequest): READ, workspace;
        CreateBudgetBoost(CreateBudgetBoostRequest): OPERATE, workspace;
        ListBudgetBoosts(ListBudgetBoostsRequest): READ, workspace;
        CancelBudgetBoost(CancelBudgetBoostRequest): OPERATE, workspace;
    }
    ModelLimitService {
        EnableModel(EnableModelRequest): ADMINISTER, workspace;
        DisableModel(DisableModelRequest): ADMINISTER, workspace;
        SetModelLimit(SetModelLimitRequest): ADMINISTER, workspace;
        SetModelLimits(SetModelLimitsRequest): ADMINISTER, workspace;
        ListModelLimits(ListModelLimitsRequest): READ, workspace;
        SetModelAlias(SetModelAliasRequest): ADMINISTER, workspace;
        DeleteModelAlias(DeleteModelAliasRequest): ADMINISTER, workspace;
        ListModelAliases(ListModelAliasesRequest): READ, workspace;
    }
    AnalyticsService {
        GetDashboard(GetDashboardRequest): READ, workspace;
        GetOverview(GetOverviewRequest): READ, workspace;
        GetActiveUsers(GetActiveUsersRequest): READ, workspace;
        GetTokenUsageByTeam(GetTokenUsageByTeamRequest): READ, workspace;
        GetTopWorkflows(GetTopWorkflowsRequest): READ, workspace;
        GetTopAssistants(GetTopAssistantsRequest): READ, workspace;
        GetTimeToFirstValue(GetTimeToFirstValueRequest): READ, workspace;
        ListNeverActiveUsers(ListNeverActiveUsersRequest): READ, workspace;
        GetLiveMetrics(GetLiveMetricsRequest): READ, workspace;
        WatchLiveMetrics(WatchLiveMetricsRequest): READ, workspace;
        WatchWorkspace(WatchWorkspaceRequest): READ, workspace;
        QueryUsage(QueryUsageRequest): READ_OWN, own;
        ExportUsage(ExportUsageRequest): READ, workspace;
        CreateExportLink(CreateExportLinkRequest): READ, workspace;
    }
    WorkspaceService {
        CreateWorkspace(CreateWorkspaceRequest): OPERATE, in_workspace;
        GetWorkspace(GetWorkspaceRequest): READ, workspace;
        ListWorkspaces(ListWorkspacesRequest): READ, listed;
        UpdateWorkspace(UpdateWorkspaceRequest): ADMINISTER, in_workspace;
        ArchiveWorkspace(ArchiveWorkspaceRequest): OPERATE, workspace;
        RestoreWorkspace(RestoreWorkspaceRequest): OPERATE, workspace;
        Freeze(FreezeRequest): ADMINISTER, workspace;
        Unfreeze(UnfreezeRequest): ADMINISTER, workspace;
        ListFreezes(ListFreezesRequest): READ, workspace;
    }
    CatalogService {
        UpsertModel(UpsertModelRequest): OPERATE, global;
        SetModelPrice(SetModelPriceRequest): OPERATE, workspace;
        ListModels(ListModelsRequest): READ, global;
        ListModelPrices(ListModelPricesRequest): READ, optional;
        SetExchangeRate(SetExchangeRateRequest): OPERATE, global;
        WithdrawModelPrice(WithdrawModelPriceRequest): OPERATE, global;
        WithdrawExchangeRate(WithdrawExchangeRateRequest): OPERATE, global;
        ListExchangeRates(ListExchangeRatesRequest): READ, global;
        ImportPrices(ImportPricesRequest): OPERATE, global;
    }
    QuotaService {
        CreateQuota(CreateQuotaRequest): ADMINISTER, workspace;
        GetQuota(GetQuotaRequest): READ, workspace;
        ListQuotas(ListQuotasRequest): READ, workspace;
        UpdateQuota(UpdateQuotaRequest): ADMINISTER, workspace;
        DeleteQuota(DeleteQuotaRequest): ADMINISTER, workspace;
        ResetQuota(ResetQuotaRequest): ADMINISTER, workspace;
        ListQuotaUsage(ListQuotaUsageRequest): READ_OWN, own;
        CreateQuotaBoost(CreateQuotaBoostRequest): ADMINISTER, workspace;
        ListQuotaBoosts(ListQuotaBoostsRequest): READ, workspace;
        CancelQuotaBoost(CancelQuotaBoostRequest): ADMINISTER, workspace;
        CreateRateLimit(CreateRateLimitRequest): ADMINISTER, workspace;
        GetRateLimit(GetRateLimitRequest): READ, workspace;
        ListRateLimits(ListRateLimitsRequest): READ, workspace;
        ListRateLimitUsage(ListRateLimitUsageRequest): READ_OWN, own;
        UpdateRateLimit(UpdateRateLimitRequest): ADMINISTER, workspace;
        DeleteRateLimit(DeleteRateLimitRequest): ADMINISTER, workspace;
    }
    ApiKeyService {
        RegisterApiKey(RegisterApiKeyRequest): ADMINISTER, workspace;
        GetApiKey(GetApiKeyRequest): READ, workspace;
        ListApiKeys(ListApiKeysRequest): READ, workspace;
        UpdateApiKey(UpdateApiKeyRequest): ADMINISTER, workspace;
        DeleteApiKey(DeleteApiKeyRequest): ADMINISTER, workspace;
        CreateKeyGroup(CreateKeyGroupRequest): ADMINISTER, workspace;
        GetKeyGroup(GetKeyGroupRequest): READ, workspace;
        ListKeyGroups(ListKeyGroupsRequest): READ, workspace;
        UpdateKeyGroup(UpdateKeyGroupRequest): ADMINISTER, workspace;
        DeleteKeyGroup(DeleteKeyGroupRequest): ADMINISTER, workspace;
    }
    AlertService {
        GetAlertPolicy(GetAlertPolicyRequest): READ, workspace;
        SetAlertPolicy(SetAlertPolicyRequest): ADMINISTER, workspace;
        ListAlerts(ListAlertsRequest): READ, workspace;
        AcknowledgeAlert(AcknowledgeAlertRequest): ADMINISTER, workspace;
        WatchAlerts(WatchAlertsRequest): READ, workspace;
        CreateWebhook(CreateWebhookRequest): ADMINISTER, workspace;
        ListWebhooks(ListWebhooksRequest): ADMINISTER, workspace;
        UpdateWebhook(UpdateWebhookRequest): ADMINISTER, workspace;
        RotateWebhookSecret(RotateWebhookSecretRequest): ADMINISTER, workspace;
        DeleteWebhook(DeleteWebhookRequest): ADMINISTER, workspace;
        CreateEmailReceiver(CreateEmailReceiverRequest): ADMINISTER, workspace;
        ListEmailReceivers(ListEmailReceiversRequest): ADMINISTER, workspace;
        DeleteEmailReceiver(DeleteEmailReceiverRequest): ADMINISTER, workspace;
        ListDeliveries(ListDeliveriesRequest): ADMINISTER, workspace;
        RepeatDelivery(RepeatDeliveryRequest): ADMINISTER, workspace;
        TestWebhook(TestWebhookRequest): ADMINISTER, workspace;
    }
    AuditService {
        ListAuditEvents(ListAuditEventsRequest): ADMINISTER, workspace;
    }
    DirectoryService {
        UpsertEntries(UpsertEntriesRequest): ADMINISTER, workspace;
        GetEntry(GetEntryRequest): READ, workspace;
        ListEntries(ListEntriesRequest): READ, workspace;
        ArchiveEntries(ArchiveEntriesRequest): ADMINISTER, workspace;
        RestoreEntries(RestoreEntriesRequest): ADMINISTER, workspace;
        EraseUser(EraseUserRequest): ADMINISTER, workspace;
    }
    AccessService {
        CreateToken(CreateTokenRequest): OPERATE, global;
        ListTokens(ListTokensRequest): OPERATE, global;
        RotateToken(RotateTokenRequest): OPERATE, global;
        RevokeToken(RevokeTokenRequest): OPERATE, global;
        WhoAmI(WhoAmIRequest): ANY, global;
        GetServerInfo(GetServerInfoRequest): ANY, global;
    }
    InsightService {
        GetForecast(GetForecastRequest): READ, workspace;
        ListBudgetRisks(ListBudgetRisksRequest): READ, workspace;
        GetSeasonality(GetSeasonalityRequest): READ, workspace;
        ListAnomalies(ListAnomaliesRequest): READ, workspace;
        AcknowledgeAnomaly(AcknowledgeAnomalyRequest): ADMINISTER, workspace;
        GetAnomalyPolicy(GetAnomalyPolicyRequest): READ, workspace;
        SetAnomalyPolicy(SetAnomalyPolicyRequest): ADMINISTER, workspace;
        SimulatePolicy(SimulatePolicyRequest): READ, workspace;
        ListRecommendations(ListRecommendationsRequest): READ, workspace;
        UpdateRecommendation(UpdateRecommendationRequest): ADMINISTER, workspace;
    }
}

/// A request that a holder may make about itself.
trait Owned {
    fn is_about(&self, holder: &Holder) -> bool;
}

/// Whether a subject is the holder.
fn is_holder(subject: Option<&v1::Subject>, holder: &Holder) -> bool {
    let own = (holder.kind.number(), &*holder.id);
    subject.is_some_and(|subject| (subject.r#type, &*subject.id) == own)
}

impl Owned for v1::ListQuotaUsageRequest {
    fn is_about(&self, holder: &Holder) -> bool {
        is_holder(self.subject.as_ref(), holder)
    }
}

impl Owned for v1::ListRateLimitUsageRequest {
    fn is_about(&self, holder: &Holder) -> bool {
        is_holder(self.subject.as_ref(), holder)
    }
}

impl Owned for v1::QueryUsageRequest {
    /// Filters restrict each other: one of them is enough.
    fn is_about(&self, holder: &Holder) -> bool {
        let dimension = match holder.kind {
            SubjectKind::User => v1::UsageDimension::User,
            SubjectKind::ApiKey => v1::UsageDimension::ApiKey,
            _ => return false,
        };
        self.filters.iter().any(|filter| {
            filter.dimension() == dimension && *filter.values == [holder.id.as_ref().to_owned()]
        })
    }
}

/// The table in Markdown, as docs/security.md has it.
pub fn to_markdown() -> String {
    let mut text = "| call | operator | admin | service | viewer | holder | workspace |\n\
                    | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for call in METHODS {
        let name = call.path.trim_start_matches("/tollgate.v1.");
        let may = |role| if call.roles.contains(&role) { "yes" } else { "" };
        let [admin, service, viewer, holder] =
            [Role::Admin, Role::Service, Role::Viewer, Role::Holder].map(may);
        let place = match call.place {
            Place::Workspace => "of the request",
            Place::Own => "of the request, which for a holder names its user or key",
            Place::Optional => "of the request, if it names one",
            Place::Each => "of each item",
            Place::Listed => "of each in the answer",
            Place::Global => "none",
        };
        text.push_str(&format!(
            "| {name} | yes | {admin} | {service} | {viewer} | {holder} | {place} |\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;
    use crate::proto::DESCRIPTORS;

    /// Each method of the protos by its path, with the type of its request.
    fn methods() -> BTreeMap<String, String> {
        let descriptors = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
        let mut methods = BTreeMap::new();
        for file in descriptors.file.iter().filter(|file| file.package() == "tollgate.v1") {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/tollgate.v1.{}/{}", service.name(), method.name());
                    methods.insert(path, method.input_type().to_owned());
                }
            }
        }
        methods
    }

    #[test]
    fn every_method_of_the_protos_is_in_the_table_once() {
        let methods: Vec<String> = methods().into_keys().collect();
        let mut paths: Vec<&str> = METHODS.iter().map(|call| call.path).collect();
        paths.sort_unstable();
        assert_eq!(paths, methods);
    }

    #[test]
    fn a_call_without_a_workspace_is_said_to_have_none() {
        let descriptors = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
        let messages = descriptors.file.iter().flat_map(|file| &file.message_type);
        let has_workspace: BTreeMap<String, bool> = messages
            .map(|message| {
                let is_it = message.field.iter().any(|field| field.name() == "workspace_id");
                (format!(".tollgate.v1.{}", message.name()), is_it)
            })
            .collect();
        let methods = methods();
        for call in METHODS {
            let is_named = has_workspace[&methods[call.path]];
            let is_checked = matches!(call.place, Place::Workspace | Place::Own | Place::Optional);
            let is_inner =
                call.path.contains(".WorkspaceService/") && call.method != "ListWorkspaces";
            assert_eq!(is_checked, is_named || is_inner, "{}", call.path);
        }
    }
}
