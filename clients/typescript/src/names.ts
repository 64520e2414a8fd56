/**
 * Names of the API without their prefix, as unions that follow from its protos.
 *
 * A newer server may say others: where the sets may grow, have a branch for them.
 */
import type * as common from "./gen/tollgate/v1/common_pb.js";
import type * as error from "./gen/tollgate/v1/error_reason_pb.js";
import type * as usage from "./gen/tollgate/v1/usage_service_pb.js";

type NameOf<E> = Exclude<keyof E, "UNSPECIFIED">;

/** State of the budget of a workspace in the running cycle. */
export type BudgetState = NameOf<typeof common.BudgetState>;
/** Whether a request may run. */
export type Decision = NameOf<typeof usage.Decision>;
/** Effect of a limit on a request that exceeds it. */
export type Enforcement = NameOf<typeof common.Enforcement>;
/** Why the server answers with an error; see `errorReason`. */
export type ErrorReason = NameOf<typeof error.ErrorReason>;
/** Kind of a limit. */
export type LimitKind = NameOf<typeof common.LimitKind>;
/** Over which span a limit counts. */
export type LimitPeriod = NameOf<typeof common.LimitPeriod>;
/** What a limit counts. */
export type LimitUnit = NameOf<typeof common.LimitUnit>;
/** Why a request is refused, or routed to another model. */
export type Reason = NameOf<typeof usage.Reason>;
/** Price class at which a provider serves a request. */
export type ServiceTier = NameOf<typeof common.ServiceTier>;
/** Whom a limit is about. */
export type SubjectType = NameOf<typeof common.SubjectType>;
/** What is billed beside tokens. */
export type UnitKind = NameOf<typeof common.UnitKind>;
