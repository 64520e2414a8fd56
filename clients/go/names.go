// Code generated from the protos. DO NOT EDIT.
// Generated from proto/tollgate/v1 by tools/clients/generate: do not edit.

package tollgate

// BudgetState is a name of the API without its prefix: State of the budget of a workspace in the
// running cycle. A newer server may say others.
type BudgetState string

const (
	// BudgetStateNoPlan: The workspace has no plan: nothing may be spent beyond its boosts until
	// SetPlan.
	BudgetStateNoPlan BudgetState = "NO_PLAN"
	// BudgetStateWithinPlan: Spent at most the plan budget.
	BudgetStateWithinPlan BudgetState = "WITHIN_PLAN"
	// BudgetStateInOverage: Spent more than the plan budget, less than plan budget and overage
	// together.
	BudgetStateInOverage BudgetState = "IN_OVERAGE"
	// BudgetStateExhausted: Plan budget and overage are used up: requests that cost anything are
	// blocked until the next cycle or a plan change.
	BudgetStateExhausted BudgetState = "EXHAUSTED"
)

// Decision is a name of the API without its prefix: Whether a request may run. Will not grow. A
// newer server may say others.
type Decision string

const (
	// DecisionAllowed: Run it on the requested model.
	DecisionAllowed Decision = "ALLOWED"
	// DecisionRouted: Run it on another model: model_id of the response.
	DecisionRouted Decision = "ROUTED"
	// DecisionBlocked: Do not run it.
	DecisionBlocked Decision = "BLOCKED"
)

// Enforcement is a name of the API without its prefix: Effect of a limit on a request that exceeds
// it. A newer server may say others.
type Enforcement string

const (
	// EnforcementHard: Blocks the request.
	EnforcementHard Enforcement = "HARD"
	// EnforcementSoft: Allows it, with a verdict as a warning.
	EnforcementSoft Enforcement = "SOFT"
	// EnforcementDowngrade: Routes it to a cheaper model, as a model limit does; where the limit
	// is of a provider, to one of another provider.
	EnforcementDowngrade Enforcement = "DOWNGRADE"
	// EnforcementShadow: Allows it, with a verdict that has the reason for which it would have
	// been blocked.
	EnforcementShadow Enforcement = "SHADOW"
)

// ErrorReason is a name of the API without its prefix: Reasons that `google.rpc.ErrorInfo.reason`
// carries in the details of every error status, by the name given here, with the domain
// "tollgate". A refusal to run a request is not an error: see CheckAndRouteResponse.decision. The
// set may grow. A newer server may say others.
type ErrorReason string

const (
	// ErrorReasonInvalidField: A field of the request has a value out of its range. Status
	// INVALID_ARGUMENT with `google.rpc.BadRequest`: each violation names the field and what was
	// expected. Without it where the message as a whole cannot be read.
	ErrorReasonInvalidField ErrorReason = "INVALID_FIELD"
	// ErrorReasonWorkspaceNotFound: No workspace has this id. Status NOT_FOUND. Metadata:
	// workspace_id.
	ErrorReasonWorkspaceNotFound ErrorReason = "WORKSPACE_NOT_FOUND"
	// ErrorReasonWorkspaceExists: A workspace with this id exists. Status ALREADY_EXISTS.
	// Metadata: workspace_id.
	ErrorReasonWorkspaceExists ErrorReason = "WORKSPACE_EXISTS"
	// ErrorReasonModelNotFound: The catalog has no model of this name, or it is not certain which
	// one is meant. Status NOT_FOUND. Metadata: model_id, and near_model_ids, separated by commas,
	// if some are near.
	ErrorReasonModelNotFound ErrorReason = "MODEL_NOT_FOUND"
	// ErrorReasonRequestIdReused: The request_id is in use with other content: the hold or the
	// record that exists is kept as it was. Status ALREADY_EXISTS. Metadata: request_id, and
	// attempt for a record.
	ErrorReasonRequestIdReused ErrorReason = "REQUEST_ID_REUSED"
	// ErrorReasonHoldNotFound: No live hold has this request_id. Status NOT_FOUND. Metadata:
	// request_id.
	ErrorReasonHoldNotFound ErrorReason = "HOLD_NOT_FOUND"
	// ErrorReasonExchangeRateMissing: The model's price is in another currency than the workspace
	// and no exchange rate is set for this day: set one with CatalogService.SetExchangeRate.
	// Status FAILED_PRECONDITION. Metadata: from_currency_code, to_currency_code.
	ErrorReasonExchangeRateMissing ErrorReason = "EXCHANGE_RATE_MISSING"
	// ErrorReasonChangeNotAllowed: The change would alter the meaning of what is stored, for
	// example another currency for a workspace that has usage. Status FAILED_PRECONDITION.
	ErrorReasonChangeNotAllowed ErrorReason = "CHANGE_NOT_ALLOWED"
	// ErrorReasonBoundReached: A named bound is reached, for example live holds of one workspace,
	// or the bytes of a message. Status RESOURCE_EXHAUSTED. Metadata: bound, and its value.
	ErrorReasonBoundReached ErrorReason = "BOUND_REACHED"
	// ErrorReasonStorageUnavailable: Storage does not answer or failed: nothing has changed, or
	// the outcome is not known yet. A retry is safe, of a record with the same request_id. Status
	// UNAVAILABLE with `google.rpc.RetryInfo`.
	ErrorReasonStorageUnavailable ErrorReason = "STORAGE_UNAVAILABLE"
	// ErrorReasonStopping: The server is stopping. A retry at another server or later is safe, of
	// a record with the same request_id. Status UNAVAILABLE with `google.rpc.RetryInfo`.
	ErrorReasonStopping ErrorReason = "STOPPING"
	// ErrorReasonInternal: A defect of the server; it has logged the cause. Status INTERNAL.
	ErrorReasonInternal ErrorReason = "INTERNAL"
	// ErrorReasonResourceNotFound: No quota, rate limit, API key, key group, boost, webhook,
	// e-mail receiver, alert, delivery or entry of the directory has this id. Status NOT_FOUND.
	// Metadata: resource, for example "quota", and id.
	ErrorReasonResourceNotFound ErrorReason = "RESOURCE_NOT_FOUND"
	// ErrorReasonResourceExists: The resource exists: the id is in use, or another limit has the
	// same subject, unit, period and model. Status ALREADY_EXISTS. Metadata: resource, and id of
	// the one that exists.
	ErrorReasonResourceExists ErrorReason = "RESOURCE_EXISTS"
	// ErrorReasonResourceInUse: Other resources refer to it: delete them first. Status
	// FAILED_PRECONDITION. Metadata: resource, id, and used_by, for example "quota team-month".
	ErrorReasonResourceInUse ErrorReason = "RESOURCE_IN_USE"
	// ErrorReasonSmtpNotConfigured: E-mail receivers need a server for mail in the configuration
	// of this server: smtp_url and smtp_from. Status FAILED_PRECONDITION.
	ErrorReasonSmtpNotConfigured ErrorReason = "SMTP_NOT_CONFIGURED"
	// ErrorReasonQueryTooBroad: A report needs too many entries of the usage log, or entries that
	// are no longer kept, or has too many groups or points. Narrow the range or the filters, group
	// by fewer dimensions, or export the records. Status FAILED_PRECONDITION. Metadata:
	// record_count_max, kept_from_date or row_count_max.
	ErrorReasonQueryTooBroad ErrorReason = "QUERY_TOO_BROAD"
	// ErrorReasonUnauthenticated: The server requires credentials, and the call has none, or they
	// are malformed, unknown, expired or revoked: which of these is not said. Status
	// UNAUTHENTICATED.
	ErrorReasonUnauthenticated ErrorReason = "UNAUTHENTICATED"
	// ErrorReasonPermissionDenied: The caller's role may not make this call, or the caller may not
	// act in this workspace, whether it exists or not. Status PERMISSION_DENIED.
	ErrorReasonPermissionDenied ErrorReason = "PERMISSION_DENIED"
	// ErrorReasonTooManyAttempts: Too many calls without valid credentials came from the caller's
	// address: one a second, and 20 at once. Valid credentials are not held up. Status
	// RESOURCE_EXHAUSTED with `google.rpc.RetryInfo`.
	ErrorReasonTooManyAttempts ErrorReason = "TOO_MANY_ATTEMPTS"
	// ErrorReasonNotOwner: This server does not own its database, or could not make sure lately
	// that it does, so it decides on nothing. The metadata may name the address of the owner,
	// `owner_address`. Try again, on another server if there is one. Status UNAVAILABLE with
	// `google.rpc.RetryInfo`.
	ErrorReasonNotOwner ErrorReason = "NOT_OWNER"
	// ErrorReasonTooManyCalls: Too many such calls are under way: reports of the workspace,
	// requests that are being received, or answers that are not read. Nothing was done; try again.
	// Status RESOURCE_EXHAUSTED with `google.rpc.RetryInfo`.
	ErrorReasonTooManyCalls ErrorReason = "TOO_MANY_CALLS"
	// ErrorReasonOverloaded: Too much waits to be written already: 8,192 records of this
	// workspace, its share of 65,536 records in all, or 16,384 changes and loads of workspaces.
	// Nothing was written. Status UNAVAILABLE with `google.rpc.RetryInfo`; a record may be sent
	// again with the same request_id.
	ErrorReasonOverloaded ErrorReason = "OVERLOADED"
	// ErrorReasonQuarantined: The state of this workspace in memory failed, because of a defect,
	// and is loaded again from what is stored: its live holds that are not stored are given back,
	// as after a crash. Within 10 seconds; other workspaces are not affected. Status UNAVAILABLE
	// with `google.rpc.RetryInfo`.
	ErrorReasonQuarantined ErrorReason = "QUARANTINED"
	// ErrorReasonEtagMismatch: Somebody else has changed what the call was decided on: its etag is
	// of another state. Nothing was changed. Read again, and decide anew. Status ABORTED.
	ErrorReasonEtagMismatch ErrorReason = "ETAG_MISMATCH"
	// ErrorReasonStorageOutage: Storage takes no writes, and checks of the workspace go on no
	// further without: for its outage_duration_limit, or because the check would hold more than
	// its outage_held_limit. Nothing was decided. Status UNAVAILABLE with `google.rpc.RetryInfo`.
	// Metadata: limit, which is one of these two.
	ErrorReasonStorageOutage ErrorReason = "STORAGE_OUTAGE"
)

// LimitKind is a name of the API without its prefix: Kinds of limits. The set may grow. A newer
// server may say others.
type LimitKind string

const (
	// LimitKindEnvelope: Plan budget and overage of the workspace, with its boosts.
	LimitKindEnvelope LimitKind = "ENVELOPE"
	// LimitKindModelLimit: Cap on one model.
	LimitKindModelLimit LimitKind = "MODEL_LIMIT"
	// LimitKindQuota: A quota of a subject.
	LimitKindQuota LimitKind = "QUOTA"
	// LimitKindRateLimit: A rate limit of a subject.
	LimitKindRateLimit LimitKind = "RATE_LIMIT"
)

// LimitPeriod is a name of the API without its prefix: Period over which a limit counts. Windows
// of a day, week, month or cycle are fixed: they start at local midnight of the workspace, at
// zero. Rate limits have sliding windows. A newer server may say others.
type LimitPeriod string

const (
	// LimitPeriodDay: A local day.
	LimitPeriodDay LimitPeriod = "DAY"
	// LimitPeriodWeek: A local week, from Workspace.first_day_of_week.
	LimitPeriodWeek LimitPeriod = "WEEK"
	// LimitPeriodMonth: A local month, from the 1st.
	LimitPeriodMonth LimitPeriod = "MONTH"
	// LimitPeriodCycle: The billing cycle of the plan.
	LimitPeriodCycle LimitPeriod = "CYCLE"
	// LimitPeriodUntilReset: Until ResetQuota.
	LimitPeriodUntilReset LimitPeriod = "UNTIL_RESET"
	// LimitPeriodSlidingMinute: Any 60 seconds; rate limits only.
	LimitPeriodSlidingMinute LimitPeriod = "SLIDING_MINUTE"
	// LimitPeriodSlidingDay: Any 24 hours; rate limits only.
	LimitPeriodSlidingDay LimitPeriod = "SLIDING_DAY"
	// LimitPeriodSlidingHour: Any 60 minutes; rate limits only.
	LimitPeriodSlidingHour LimitPeriod = "SLIDING_HOUR"
	// LimitPeriodHour: A local hour, counted from midnight.
	LimitPeriodHour LimitPeriod = "HOUR"
	// LimitPeriodQuarter: A local quarter, from the 1st of January, April, July or October.
	LimitPeriodQuarter LimitPeriod = "QUARTER"
	// LimitPeriodYear: A local year, from the 1st of January.
	LimitPeriodYear LimitPeriod = "YEAR"
	// LimitPeriodInFlight: While requests run: what all requests in flight hold together, with
	// LIMIT_UNIT_REQUESTS their number. Quotas only, without alerts.
	LimitPeriodInFlight LimitPeriod = "IN_FLIGHT"
	// LimitPeriodRequest: One request by itself: the most that it may cost, or the most tokens it
	// may need. Quotas only, without alerts.
	LimitPeriodRequest LimitPeriod = "REQUEST"
)

// LimitUnit is a name of the API without its prefix: Unit of a limit. A newer server may say
// others.
type LimitUnit string

const (
	// LimitUnitMoney: Cost, in the workspace's currency.
	LimitUnitMoney LimitUnit = "MONEY"
	// LimitUnitTokens: Tokens of all classes together.
	LimitUnitTokens LimitUnit = "TOKENS"
	// LimitUnitRequests: Requests: one for each billed attempt, and one for each request in
	// flight.
	LimitUnitRequests LimitUnit = "REQUESTS"
	// LimitUnitUncachedTokens: Tokens of all classes but cache reads, as providers count tokens
	// per minute; rate limits only.
	LimitUnitUncachedTokens LimitUnit = "UNCACHED_TOKENS"
)

// Reason is a name of the API without its prefix: Reason of a decision or a verdict, and what the
// caller can do. The set may grow. A newer server may say others.
type Reason string

const (
	// ReasonExhausted: The limit is spent so far that this request does not fit until its
	// reset_time.
	ReasonExhausted Reason = "EXHAUSTED"
	// ReasonHeldInFlight: The request would fit if requests in flight did not hold so much: retry
	// shortly.
	ReasonHeldInFlight Reason = "HELD_IN_FLIGHT"
	// ReasonRequestTooLarge: The request alone is larger than the whole limit: do not retry it.
	ReasonRequestTooLarge Reason = "REQUEST_TOO_LARGE"
	// ReasonModelLimit: A model limit blocks the request and automatic fallback is off.
	ReasonModelLimit Reason = "MODEL_LIMIT"
	// ReasonNoAllowedModel: A model limit, or a limit with ENFORCEMENT_DOWNGRADE, blocks the
	// request and no other model may run it.
	ReasonNoAllowedModel Reason = "NO_ALLOWED_MODEL"
	// ReasonModelUnknown: The model is not in the catalog: add it with UpsertModel.
	ReasonModelUnknown Reason = "MODEL_UNKNOWN"
	// ReasonModelDisabled: The model is not enabled in the workspace: enable it with EnableModel.
	ReasonModelDisabled Reason = "MODEL_DISABLED"
	// ReasonModelUnpriced: The model has no price: set one with SetModelPrice.
	ReasonModelUnpriced Reason = "MODEL_UNPRICED"
	// ReasonPlanNotSet: The workspace has no plan: set one with SetPlan.
	ReasonPlanNotSet Reason = "PLAN_NOT_SET"
	// ReasonCapabilityMissing: The model lacks a capability that the request requires.
	ReasonCapabilityMissing Reason = "CAPABILITY_MISSING"
	// ReasonContextWindowExceeded: Input and output together exceed the model's context window.
	ReasonContextWindowExceeded Reason = "CONTEXT_WINDOW_EXCEEDED"
	// ReasonRateLimited: A rate limit is used up: retry after exactly retry_after.
	ReasonRateLimited Reason = "RATE_LIMITED"
	// ReasonKeyUnknown: The API key is not registered and the workspace denies such keys: register
	// it with RegisterApiKey.
	ReasonKeyUnknown Reason = "KEY_UNKNOWN"
	// ReasonKeyDisabled: The API key is disabled.
	ReasonKeyDisabled Reason = "KEY_DISABLED"
	// ReasonKeyExpired: The expire_time of the API key has passed.
	ReasonKeyExpired Reason = "KEY_EXPIRED"
	// ReasonModelNotAllowed: The model is not in the allowed_model_ids of the API key.
	ReasonModelNotAllowed Reason = "MODEL_NOT_ALLOWED"
	// ReasonDowngrade: A limit with ENFORCEMENT_DOWNGRADE was reached: the request is routed to
	// another model or, if automatic fallback is off, blocked.
	ReasonDowngrade Reason = "DOWNGRADE"
	// ReasonThresholdCrossed: The request fits, and with it spent and held pass a threshold of the
	// limit.
	ReasonThresholdCrossed Reason = "THRESHOLD_CROSSED"
	// ReasonAttributionMissing: The request lacks a field of the attribution that the workspace
	// requires: Verdict.attribution_field.
	ReasonAttributionMissing Reason = "ATTRIBUTION_MISSING"
	// ReasonFrozen: The workspace or a subject of the request is frozen: WorkspaceService.Freeze.
	// The verdict names it; there is one for each that is. It may be retried after retry_after,
	// which is absent if the freeze has no end.
	ReasonFrozen Reason = "FROZEN"
	// ReasonWorkspaceArchived: The workspace is archived: WorkspaceService.ArchiveWorkspace.
	ReasonWorkspaceArchived Reason = "WORKSPACE_ARCHIVED"
)

// ServiceTier is a name of the API without its prefix: Price class at which a provider serves a
// request. The set may grow. A newer server may say others.
type ServiceTier string

const (
	// ServiceTierStandard: The provider's ordinary service.
	ServiceTierStandard ServiceTier = "STANDARD"
	// ServiceTierBatch: Asynchronous batch processing.
	ServiceTierBatch ServiceTier = "BATCH"
	// ServiceTierFlex: Cheaper service with variable latency.
	ServiceTierFlex ServiceTier = "FLEX"
	// ServiceTierPriority: Faster service at a higher price.
	ServiceTierPriority ServiceTier = "PRIORITY"
	// ServiceTierBalanced: Between the standard and the flex tier, as of Sail.
	ServiceTierBalanced ServiceTier = "BALANCED"
	// ServiceTierUltrafast: The fastest service, dearer than the priority tier.
	ServiceTierUltrafast ServiceTier = "ULTRAFAST"
	// ServiceTierDecisions: Requests that answer with a decision alone.
	ServiceTierDecisions ServiceTier = "DECISIONS"
)

// SubjectType is a name of the API without its prefix: Types of subjects: what a limit applies to.
// The set may grow. A newer server may say others.
type SubjectType string

const (
	// SubjectTypeWorkspace: The workspace as a whole.
	SubjectTypeWorkspace SubjectType = "WORKSPACE"
	// SubjectTypeModel: A model. No subject of quotas and rate limits, which have a model_id.
	SubjectTypeModel SubjectType = "MODEL"
	// SubjectTypeDepartment: A department, by `Attribution.department_id`.
	SubjectTypeDepartment SubjectType = "DEPARTMENT"
	// SubjectTypeUser: A user, by `Attribution.user_id`.
	SubjectTypeUser SubjectType = "USER"
	// SubjectTypeApiKey: An API key, by `Attribution.api_key_id`, registered or not.
	SubjectTypeApiKey SubjectType = "API_KEY"
	// SubjectTypeKeyGroup: A key group: the usage of its API keys while they are in it.
	SubjectTypeKeyGroup SubjectType = "KEY_GROUP"
	// SubjectTypeProject: A project, by `Attribution.project_id`.
	SubjectTypeProject SubjectType = "PROJECT"
	// SubjectTypeAssistant: An assistant, by `Attribution.assistant_id`.
	SubjectTypeAssistant SubjectType = "ASSISTANT"
	// SubjectTypeWorkflow: A workflow, by `Attribution.workflow_id`.
	SubjectTypeWorkflow SubjectType = "WORKFLOW"
	// SubjectTypeFeature: A feature, by `Attribution.feature_id`.
	SubjectTypeFeature SubjectType = "FEATURE"
	// SubjectTypeSession: A session, by `Attribution.session_id`.
	SubjectTypeSession SubjectType = "SESSION"
	// SubjectTypeProvider: A provider: the usage of all models that have it as `Model.provider` in
	// the catalog as it is now. A request counts for that of the model that it runs on, a record
	// for that of its metered model; models that are not in the catalog have none.
	SubjectTypeProvider SubjectType = "PROVIDER"
	// SubjectTypeTag: A tag with its value, by `Attribution.tags`. A request counts for each of
	// its tags. A limit names one: each_subject is refused.
	SubjectTypeTag SubjectType = "TAG"
)

// UnitKind is a name of the API without its prefix: What is counted beside tokens. The set may
// grow. A newer server may say others.
type UnitKind string

const (
	// UnitKindWebSearch: A web search that the provider ran.
	UnitKindWebSearch UnitKind = "WEB_SEARCH"
	// UnitKindToolCall: A call or session of another tool that the provider runs, for example a
	// code interpreter.
	UnitKindToolCall UnitKind = "TOOL_CALL"
	// UnitKindImage: An image, generated or read.
	UnitKindImage UnitKind = "IMAGE"
	// UnitKindPage: A page of a document, as of OCR.
	UnitKindPage UnitKind = "PAGE"
	// UnitKindSecond: A second of audio or video; part of one counts as one.
	UnitKindSecond UnitKind = "SECOND"
	// UnitKindCharacter: A character of text, as of speech.
	UnitKindCharacter UnitKind = "CHARACTER"
	// UnitKindRequest: A request that is billed by itself, for example a query to a reranker.
	UnitKindRequest UnitKind = "REQUEST"
	// UnitKindCacheStorageHour: A token of cached content that is stored for an hour.
	UnitKindCacheStorageHour UnitKind = "CACHE_STORAGE_HOUR"
	// UnitKindCitationToken: A token of a source that the provider quotes, billed apart from input
	// and output.
	UnitKindCitationToken UnitKind = "CITATION_TOKEN"
)
