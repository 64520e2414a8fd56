/** What the guard throws: `Blocked` for a refusal, `TollgateUnavailable` for no answer. */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";

import { TollgateError } from "./error.js";
import type { Money as MoneyMessage } from "./gen/tollgate/v1/common_pb.js";
import {
  Enforcement,
  LimitKind,
  LimitPeriod,
  LimitUnit,
  SubjectType,
} from "./gen/tollgate/v1/common_pb.js";
import type {
  CheckAndRouteResponse,
  Verdict as VerdictMessage,
} from "./gen/tollgate/v1/usage_service_pb.js";
import { Reason } from "./gen/tollgate/v1/usage_service_pb.js";
import type * as names from "./names.js";
import { Money, spanOf, timeOf } from "./money.js";

// Whose reasons are those of ErrorReason.
const ERROR_DOMAIN = "tollgate";
const UNAUTHORIZED = [Code.Unauthenticated, Code.PermissionDenied, Code.ResourceExhausted];

/**
 * Tollgate did not answer and the policy is `closed`, or the caller waited for a record.
 *
 * The error of the last try is its `cause`.
 */
export class TollgateUnavailable extends TollgateError {
  override name = "TollgateUnavailable";
}

/**
 * What one limit, or one rule, said. Names are those of the protos without their prefix.
 *
 * A name is empty where nothing is said, and the number of one that is newer than this package.
 * Amounts are in `limit` to `need` for limits of money, in the counts for others.
 */
export class Verdict {
  readonly reason: names.Reason | "";
  /** Whether this kept the request from running on the model it is about. */
  readonly blocking: boolean;
  /** Empty for a rule. */
  readonly limitKind: names.LimitKind | "";
  readonly unit: names.LimitUnit | "";
  readonly subjectType: names.SubjectType | "";
  readonly subjectId: string;
  /** The only model it counts; empty for all. */
  readonly model: string;
  readonly period: names.LimitPeriod | "";
  readonly enforcement: names.Enforcement | "";
  readonly limitId: string;
  readonly limit: Money | undefined;
  readonly spent: Money | undefined;
  readonly held: Money | undefined;
  readonly need: Money | undefined;
  readonly limitCount: number;
  readonly spentCount: number;
  readonly heldCount: number;
  readonly needCount: number;
  /** When the limit begins anew at zero. */
  readonly resetTime: Date | undefined;
  /** How long until this limit alone would let the request pass, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  readonly thresholdPercent: number;

  /** Takes over every field in the language's own types. */
  constructor(verdict: VerdictMessage) {
    this.reason = enumName(Reason, verdict.reason);
    this.blocking = verdict.blocking;
    this.limitKind = enumName(LimitKind, verdict.limitKind);
    this.unit = enumName(LimitUnit, verdict.unit);
    this.subjectType = enumName(SubjectType, verdict.subject?.type ?? 0);
    this.subjectId = verdict.subject?.id ?? "";
    this.model = verdict.modelId;
    this.period = enumName(LimitPeriod, verdict.period);
    this.enforcement = enumName(Enforcement, verdict.enforcement);
    this.limitId = verdict.limitId;
    this.limit = money(verdict.limit);
    this.spent = money(verdict.spent);
    this.held = money(verdict.held);
    this.need = money(verdict.need);
    this.limitCount = Number(verdict.limitCount);
    this.spentCount = Number(verdict.spentCount);
    this.heldCount = Number(verdict.heldCount);
    this.needCount = Number(verdict.needCount);
    this.resetTime = verdict.resetTime && timeOf(verdict.resetTime);
    this.retryAfterMs = verdict.retryAfter && spanOf(verdict.retryAfter);
    this.thresholdPercent = verdict.thresholdPercent;
  }

  /** Names the limit and its figures, for a person. */
  toString(): string {
    const kind = (this.limitKind || "RULE").toLowerCase().replaceAll("_", " ");
    const type = this.subjectType.toLowerCase().replaceAll("_", " ");
    const whose = [type, this.subjectId].filter(Boolean).join(" ");
    let text = `${kind} of ${whose}${this.limitId && ` ${this.limitId}`}: ${this.reason}`;
    if (this.limit) {
      const figures = Object.entries({ spent: this.spent, held: this.held, need: this.need })
        .filter(([, amount]) => amount)
        .map(([what, amount]) => `${what} ${amount?.amount.toFixed() ?? ""}`);
      text += ` (limit ${this.limit.toString()}, ${figures.join(", ")})`;
    } else if (this.limitCount) {
      text += ` (limit ${String(this.limitCount)}, spent ${String(this.spentCount)}`;
      text += `, held ${String(this.heldCount)}`;
      text += `, need ${String(this.needCount)} ${this.unit.toLowerCase()})`;
    }
    return this.resetTime ? `${text}, resets ${this.resetTime.toISOString()}` : text;
  }
}

/** The request may not run. Catch it to answer your own caller; do not call the model. */
export class Blocked extends TollgateError {
  override name = "Blocked";
  readonly requestId: string;
  /** For example `RATE_LIMITED`. */
  readonly reason: names.Reason | "";
  /** Everything that was in the way. */
  readonly verdicts: readonly Verdict[];
  /** How long to wait before a retry can pass; absent where no wait helps. */
  readonly retryAfterMs: number | undefined;

  /** Reads the answer of the check. */
  constructor(response: CheckAndRouteResponse) {
    const verdicts = response.verdicts.map((verdict) => new Verdict(verdict));
    const reason = enumName(Reason, response.reason);
    const said = verdicts.filter((verdict) => verdict.blocking).join("; ");
    const retryAfterMs = response.retryAfter && spanOf(response.retryAfter);
    const retry =
      retryAfterMs === undefined ? "" : `; retry after ${String(retryAfterMs / 1000)} s`;
    super(`blocked: ${said || reason}${retry}`);
    this.requestId = response.requestId;
    this.reason = reason;
    this.verdicts = verdicts;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Gives a member's name, empty for unspecified, the number for a newer one. */
export function enumName<E extends Readonly<Record<string, string | number>>>(
  members: E,
  value: number,
): Exclude<keyof E & string, "UNSPECIFIED"> | "" {
  const name = String(members[value] ?? value);
  return name === "UNSPECIFIED" ? "" : (name as Exclude<keyof E & string, "UNSPECIFIED">);
}

/**
 * Gives the reason that the server says in an error, such as `WORKSPACE_NOT_FOUND`; nothing if it
 * is none of the server's, or no `ConnectError`. A newer server may say others.
 */
export function errorReason(error: unknown): names.ErrorReason | undefined {
  for (const detail of error instanceof ConnectError ? error.details : []) {
    if ("type" in detail && detail.type === "google.rpc.ErrorInfo") {
      const [reason = "", domain] = textsOf(detail.value);
      if (domain === ERROR_DOMAIN) {
        return reason.replace(/^ERROR_REASON_/, "") as names.ErrorReason;
      }
    }
  }
  return undefined;
}

/** The first two fields of a message, which are texts: of `google.rpc.ErrorInfo` reason, domain. */
function textsOf(message: Uint8Array): string[] {
  const reader = new BinaryReader(message);
  const texts: string[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 || field === 2) {
      texts[field - 1] = reader.string();
    } else {
      reader.skip(type, field);
    }
  }
  return texts;
}

/** Says whether an error means that nobody has judged the request yet. */
export function isUnreached(error: unknown): error is ConnectError {
  return (
    error instanceof ConnectError &&
    (error.code === Code.Unavailable || error.code === Code.DeadlineExceeded)
  );
}

/**
 * Says whether the error of a call is about who asks, and not about what is asked: once the token
 * is renewed, or known, the same call is taken. The third code says that too many such calls came
 * before.
 */
export function isUnauthorized(error: unknown): error is ConnectError {
  return error instanceof ConnectError && UNAUTHORIZED.includes(error.code);
}

function money(message: MoneyMessage | undefined): Money | undefined {
  return message && Money.fromProto(message);
}
