/** What can be said of a guarded call, and the message of its check. */
import { randomBytes } from "node:crypto";

import { create } from "@bufbuild/protobuf";

import type { Tokenizer } from "./estimate.js";
import { estimateTokens } from "./estimate.js";
import { ServiceTier as Tier } from "./gen/tollgate/v1/common_pb.js";
import type { CheckAndRouteRequest } from "./gen/tollgate/v1/usage_service_pb.js";
import { CheckAndRouteRequestSchema } from "./gen/tollgate/v1/usage_service_pb.js";
import { durationOf } from "./money.js";
import type { ServiceTier } from "./names.js";
import type { Units } from "./usage.js";
import { unitsOf } from "./usage.js";

/** What happens where Tollgate cannot be reached: the call runs, or the guard throws. */
export type Policy = "open" | "closed";

/** Whom and what a call is for; free text, stored with the record. */
export interface Attribution {
  user?: string | undefined;
  department?: string | undefined;
  /** Id of the key that your caller presented, never its secret. */
  apiKey?: string | undefined;
  assistant?: string | undefined;
  workflow?: string | undefined;
  feature?: string | undefined;
  project?: string | undefined;
  investigation?: string | undefined;
  session?: string | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
}

/** What can be said of a guarded call; `inputTokens`, `prompt` or `messages` must be. */
export interface GuardOptions extends Attribution {
  /** The workspace that pays. */
  workspace: string;
  /** The model that you would like, by the id or an alias of the catalog. */
  model: string;
  /** Input tokens that are neither read from nor written to a cache. */
  inputTokens?: number | undefined;
  /** Estimated instead of `inputTokens`. */
  prompt?: string | undefined;
  /** Estimated instead of `inputTokens`: these messages, with system and tools if given. */
  messages?: readonly unknown[] | undefined;
  cacheReadTokens?: number | undefined;
  cacheWrite5mTokens?: number | undefined;
  cacheWrite1hTokens?: number | undefined;
  /** Most output tokens, reasoning included; estimated by the server if absent. */
  maxOutputTokens?: number | undefined;
  /** Most that is used beside tokens, for example `{ WEB_SEARCH: 5 }`. */
  units?: Units | undefined;
  /** Factors of the price that may apply, for example `us`. */
  factors?: readonly string[] | undefined;
  /**
   * Id of what the provider adds to the input: an earlier response (`previous_response_id`), a
   * conversation, cached content. What was last recorded for it counts as input.
   */
  context?: string | undefined;
  /** Names the request; a UUIDv7 is made if absent. */
  requestId?: string | undefined;
  serviceTier?: ServiceTier | undefined;
  /** What a model must be able to do to take this one's place. */
  requiredCapabilities?: readonly string[] | undefined;
  /** How long the amount is set aside, in milliseconds; 10 minutes if absent. */
  holdMs?: number | undefined;
  /** Whether leaving waits until the record is durable, and throws if it is not. */
  wait?: boolean | undefined;
  /** Overrides the client's policy. */
  onUnavailable?: Policy | undefined;
  /** Ends the check, and makes the call one that was cancelled. Hand it to the SDK too. */
  signal?: AbortSignal | undefined;
}

/** Which job is taken up. */
export interface ResumeOptions {
  workspace: string;
  /** `call.requestId` of the call that began it. */
  requestId: string;
  /** The model that was decided, for an answer that names none. */
  model?: string | undefined;
  /** `call.attempt`; that of the live hold if absent. */
  attempt?: number | undefined;
  /** As of the guard. */
  wait?: boolean | undefined;
}

const ATTRIBUTION = {
  user: "userId",
  department: "departmentId",
  apiKey: "apiKeyId",
  assistant: "assistantId",
  workflow: "workflowId",
  feature: "featureId",
  project: "projectId",
  investigation: "investigationId",
  session: "sessionId",
} as const satisfies Partial<Record<keyof Attribution, string>>;

const OPTIONS = new Set<string>([
  ...Object.keys(ATTRIBUTION),
  ...["tags", "workspace", "model", "inputTokens", "prompt", "messages", "cacheReadTokens"],
  ...["cacheWrite5mTokens", "cacheWrite1hTokens", "maxOutputTokens", "requestId", "serviceTier"],
  ...["requiredCapabilities", "holdMs", "wait", "onUnavailable", "signal", "units", "factors"],
  "context",
] satisfies (keyof GuardOptions | (string & {}))[]);

/** Refuses options that are misspelt. Throws `TypeError`. */
export function refuseUnknown(name: string, options: object, extra: readonly string[] = []): void {
  const unknown = Object.keys(options).filter((key) => !OPTIONS.has(key) && !extra.includes(key));
  if (unknown.length > 0) {
    throw new TypeError(`${name}() has no option ${unknown.sort().join(", ")}`);
  }
}

/** Makes a UUIDv7: its first 48 bits are the milliseconds of now, the others random. */
export function makeRequestId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Makes the message of a check. Throws `TypeError` for options that are misspelt or missing. */
export function checkRequest(options: GuardOptions, tokenizer?: Tokenizer): CheckAndRouteRequest {
  refuseUnknown("guard", options);
  const { prompt, messages, tags } = options;
  if (options.inputTokens === undefined && prompt === undefined && messages === undefined) {
    throw new TypeError("guard() needs inputTokens, prompt or messages");
  }
  const inputTokens = options.inputTokens ?? estimateTokens([prompt, messages], tokenizer);
  const attribution = Object.entries(ATTRIBUTION).map(
    ([name, field]) => [field, options[name as keyof typeof ATTRIBUTION] ?? ""] as const,
  );
  const { maxOutputTokens, holdMs } = options;
  return create(CheckAndRouteRequestSchema, {
    workspaceId: options.workspace,
    requestId: options.requestId || makeRequestId(),
    modelId: options.model,
    inputTokenCount: BigInt(inputTokens),
    cacheReadTokenCount: BigInt(options.cacheReadTokens ?? 0),
    cacheWrite5mTokenCount: BigInt(options.cacheWrite5mTokens ?? 0),
    cacheWrite1hTokenCount: BigInt(options.cacheWrite1hTokens ?? 0),
    ...(maxOutputTokens !== undefined && { maxOutputTokenCount: BigInt(maxOutputTokens) }),
    serviceTier: tierOf(options.serviceTier),
    attribution: { ...Object.fromEntries(attribution), tags: { ...tags } },
    requiredCapabilities: [...(options.requiredCapabilities ?? [])],
    ...(holdMs !== undefined && { holdDuration: durationOf(holdMs) }),
    units: unitsOf(options.units ?? {}),
    factors: [...(options.factors ?? [])],
    contextId: options.context ?? "",
  });
}

/** A tier of the API. */
export function tierOf(name: ServiceTier | undefined): Tier {
  return name ? Tier[name] : Tier.UNSPECIFIED;
}
