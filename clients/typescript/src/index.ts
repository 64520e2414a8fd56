/**
 * Keeps LLM calls inside their budget: a check before each call, a record after it.
 *
 * `Client` has the guard; `wrap` puts it around an SDK client of OpenAI or Anthropic. The messages
 * of the API are in `tollgate-grpc/v1`.
 */
import "./dispose.js";

export { ProviderAnswer } from "./answer.js";
export type { ClientOptions } from "./client.js";
export { Client } from "./client.js";
export type { Stats } from "./delivery.js";
export { TollgateError } from "./error.js";
export { Blocked, errorReason, TollgateUnavailable, Verdict } from "./errors.js";
export type { Tokenizer } from "./estimate.js";
export { estimateTokens } from "./estimate.js";
export type { Call } from "./guard.js";
export { durationOf, Money, spanOf, timeOf, timestampOf } from "./money.js";
export type {
  BudgetState,
  Decision,
  Enforcement,
  ErrorReason,
  LimitKind,
  LimitPeriod,
  LimitUnit,
  Reason,
  ServiceTier,
  SubjectType,
  UnitKind,
} from "./names.js";
export { pages } from "./pages.js";
export type { Logger } from "./queue-file.js";
export { Recorded } from "./recorded.js";
export type { Attribution, GuardOptions, Policy, ResumeOptions } from "./request.js";
export { makeRequestId } from "./request.js";
export type { Tls, Token } from "./transport.js";
export type { Counts, Units } from "./usage.js";
export { Usage } from "./usage.js";
export type { WebhookHeaders, WebhookOptions } from "./webhook.js";
export { WebhookError, WebhookVerifier } from "./webhook.js";
export type { WrapOptions } from "./wrap.js";
export { wrap } from "./wrap.js";
