/** The guard around one LLM call: a check on the way in, a record on the way out. */
import { randomBytes } from "node:crypto";

import { create } from "@bufbuild/protobuf";
import type { Client as ConnectClient } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";

import type { Delivery, Item } from "./delivery.js";
import { isRecord } from "./delivery.js";
import {
  Blocked,
  enumName,
  isUnauthorized,
  isUnreached,
  TollgateUnavailable,
  Verdict,
} from "./errors.js";
import type { Tokenizer } from "./estimate.js";
import { estimateTokens } from "./estimate.js";
import {
  BudgetState,
  Outcome,
  ServiceTier as Tier,
  UsageSource,
} from "./gen/tollgate/v1/common_pb.js";
import type {
  CheckAndRouteRequest,
  CheckAndRouteResponse,
  RecordUsageResponse,
  UsageService,
} from "./gen/tollgate/v1/usage_service_pb.js";
import {
  CheckAndRouteRequestSchema,
  Decision,
  Reason,
  RecordUsageRequestSchema,
  ReleaseHoldRequestSchema,
} from "./gen/tollgate/v1/usage_service_pb.js";
import { durationOf, Money, timeOf, timestampOf } from "./money.js";
import type { Logger } from "./queue-file.js";
import type { ServiceTier } from "./usage.js";
import { Usage, UsageReader } from "./usage.js";

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
  /** Estimated instead of `inputTokens`: all texts in these messages. */
  messages?: readonly unknown[] | undefined;
  cacheReadTokens?: number | undefined;
  cacheWrite5mTokens?: number | undefined;
  cacheWrite1hTokens?: number | undefined;
  /** Most output tokens, reasoning included; estimated by the server if absent. */
  maxOutputTokens?: number | undefined;
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
  ...["requiredCapabilities", "holdMs", "wait", "onUnavailable", "signal"],
] satisfies (keyof GuardOptions | (string & {}))[]);

const LATENCY_MAX_MS = 24 * 3600 * 1000;

/** What a call needs of its client. */
export interface Owner {
  readonly usage: ConnectClient<typeof UsageService>;
  readonly delivery: Delivery;
  readonly policy: Policy;
  readonly tokenizer: Tokenizer | undefined;
  readonly logger: Logger;
}

// How a block was left, where it did not throw: with `await using` nobody says whether it did.
const RETURNED = Symbol("returned");
const UNKNOWN = Symbol("unknown");

/** One guarded call, between its check and its record. */
export class Call implements AsyncDisposable {
  /** Names the request, in the usage log too. */
  readonly requestId: string;
  /** Output that has come so far; estimated where no usage is recorded. */
  outputText = "";
  /** Absent if Tollgate was not reached. */
  decision: "ALLOWED" | "ROUTED" | undefined;
  /** Whether the call runs although Tollgate was not reached. */
  unchecked = false;
  /** Limits that warned, would have blocked, or led to another model. */
  verdicts: readonly Verdict[] = [];
  /** Why it was routed; empty if it was not. */
  reason = "";
  /** What is set aside. */
  held: Money | undefined;
  /** When the hold ends by itself. */
  expireTime: Date | undefined;
  /** Where the workspace stood, for example `WITHIN_PLAN`. */
  budgetState = "";
  /** After leaving with `wait`: what it cost. */
  recorded: RecordUsageResponse | undefined;

  readonly #owner: Owner;
  readonly #options: GuardOptions;
  readonly #check: CheckAndRouteRequest;
  readonly #reader = new UsageReader();
  #given: Usage | undefined;
  #model: string;
  #began: { time: Date; at: number } | undefined;
  #left = false;

  private constructor(owner: Owner, options: GuardOptions) {
    this.#owner = owner;
    this.#options = options;
    this.#check = checkRequest(options, owner.tokenizer);
    this.#model = options.model;
    this.requestId = this.#check.requestId;
  }

  /** Checks; what `Client.guard` does. */
  static async enter(owner: Owner, options: GuardOptions): Promise<Call> {
    const call = new Call(owner, options);
    const { signal } = options;
    signal?.throwIfAborted();
    const check = owner.usage.checkAndRoute(call.#check);
    try {
      call.#answered(await unlessAborted(check, signal));
    } catch (error) {
      if (signal?.aborted) {
        // The check goes on: what it sets aside is given back once it is answered.
        const giveBack = () => {
          owner.delivery.put(call.#release());
        };
        check.then(giveBack, giveBack);
        throw signal.reason;
      }
      call.#failed(error);
    }
    return call;
  }

  /** The model to run on. Reading it says that the LLM call is about to start. */
  get model(): string {
    if (!this.#began && !this.#left) {
      this.#began = { time: new Date(), at: performance.now() };
    }
    return this.#model;
  }

  /** Whether `model` is another one than was asked for. */
  get routed(): boolean {
    return this.decision === "ROUTED";
  }

  /**
   * Keeps what was used: a `Usage`, or a provider's answer or event, as an object or JSON.
   *
   * Later figures replace earlier ones, so every event of a stream may be handed in; those without
   * usage are passed over. Never throws.
   */
  record(
    usage: unknown,
    said: { model?: string | undefined; serviceTier?: ServiceTier | undefined } = {},
  ): void {
    if (usage instanceof Usage) {
      this.#given = usage;
    } else {
      try {
        if (this.#reader.feed(usage)) {
          this.#given = undefined;
        }
      } catch (error) {
        const why = String(error);
        this.#owner.logger.warn(
          `tollgate: ${this.requestId} has usage that cannot be read: ${why}`,
        );
      }
    }
    this.#reader.model = said.model ?? this.#reader.model;
    this.#reader.serviceTier = said.serviceTier ?? this.#reader.serviceTier;
  }

  /** Lets the hold live so long from now, in milliseconds. Throws `ConnectError`. */
  async extend(holdMs: number): Promise<void> {
    if (!this.unchecked) {
      const { workspaceId } = this.#check;
      const holdDuration = durationOf(holdMs);
      await this.#owner.usage.extendHold({ workspaceId, requestId: this.requestId, holdDuration });
    }
  }

  /**
   * Leaves the guard: `end()` after success, `end(error)` after a failure; the first one counts.
   *
   * For code without `await using` and without a block. Records at once, and returns at once too
   * unless `wait` was asked for.
   */
  end(error?: unknown): Promise<void> {
    return this.#leave(error ?? RETURNED);
  }

  /** Leaves the guard; whether the block threw, nobody says. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#leave(UNKNOWN);
  }

  #answered(answer: CheckAndRouteResponse): void {
    if (answer.decision === Decision.BLOCKED) {
      throw new Blocked(answer);
    }
    this.decision = answer.decision === Decision.ROUTED ? "ROUTED" : "ALLOWED";
    this.#model = answer.modelId || this.#model;
    this.reason = enumName(Reason, answer.reason);
    this.verdicts = answer.verdicts.map((verdict) => new Verdict(verdict));
    this.held = answer.held && Money.fromProto(answer.held);
    this.expireTime = answer.expireTime && timeOf(answer.expireTime);
    this.budgetState = enumName(BudgetState, answer.budgetState);
  }

  /** Decides what an error of the check means. */
  #failed(error: unknown): void {
    if (!isUnreached(error)) {
      throw error;
    }
    if ((this.#options.onUnavailable ?? this.#owner.policy) === "closed") {
      throw new TollgateUnavailable(`tollgate does not answer: ${error.rawMessage}`, {
        cause: error,
      });
    }
    this.unchecked = true;
    this.#owner.logger.warn(`tollgate does not answer, running unchecked: ${error.rawMessage}`);
  }

  /** Says, the first time, what is to be sent when the block is left, and sends it. */
  async #leave(how: unknown): Promise<void> {
    if (this.#left) {
      return;
    }
    this.#left = true;
    let item: Item | undefined;
    try {
      item = this.#report(how);
    } catch (error) {
      const why = String(error);
      this.#owner.logger.error(`tollgate: the usage of ${this.requestId} is not recorded: ${why}`);
    }
    if (!item) {
      return;
    }
    const outcome = isRecord(item) ? item.outcome : this.#outcome(how);
    // Who gave up is to end, not to wait.
    if (!this.#options.wait || outcome === Outcome.CANCELLED || !isRecord(item)) {
      this.#owner.delivery.put(item);
      return;
    }
    try {
      this.recorded = await this.#owner.usage.recordUsage(item);
    } catch (error) {
      this.#undelivered(item, error, outcome === Outcome.ERROR);
    }
  }

  /** Queues what could not be sent at once; throws unless the block has failed already. */
  #undelivered(item: Item, error: unknown, failed: boolean): void {
    const unreached = isUnreached(error);
    const queued = unreached || isUnauthorized(error);
    if (queued) {
      this.#owner.delivery.put(item);
    }
    if (failed) {
      const state = queued ? "not recorded yet" : "refused";
      this.#owner.logger.error(`tollgate: ${this.requestId} is ${state}: ${String(error)}`);
    } else if (unreached) {
      throw new TollgateUnavailable(`not recorded yet, queued: ${error.rawMessage}`, {
        cause: error,
      });
    } else {
      throw error;
    }
  }

  #report(how: unknown): Item | undefined {
    const outcome = this.#outcome(how);
    if (!this.#began && !this.#given && !this.#reader.usage) {
      return this.unchecked ? undefined : this.#release();
    }
    const [usage, source] = this.#used(outcome);
    if (how === UNKNOWN && outcome === Outcome.ERROR) {
      const hint = "use the form with a block, or call.end()";
      this.#warn(`no usage was recorded of ${this.requestId}, it counts as an error: ${hint}`);
    } else if (source === UsageSource.ESTIMATED && outcome === Outcome.SUCCESS) {
      this.#warn(`no usage was recorded of ${this.requestId}, it is estimated`);
    }
    const { time, at } = this.#began ?? { time: new Date(), at: performance.now() };
    const tier = this.#reader.serviceTier;
    return create(RecordUsageRequestSchema, {
      workspaceId: this.#check.workspaceId,
      requestId: this.requestId,
      modelId: this.#reader.model || this.#model,
      serviceTier: tier ? Tier[tier] : this.#check.serviceTier,
      ...(usage && { usage: usage.toProto() }),
      outcome,
      usageSource: source,
      startTime: timestampOf(time),
      latency: durationOf(Math.min(performance.now() - at, LATENCY_MAX_MS)),
      ...(this.#check.attribution && { attribution: this.#check.attribution }),
    });
  }

  /** Gives what was used as far as it is known, and where that comes from. */
  #used(outcome: Outcome): [Usage | undefined, UsageSource] {
    const usage = this.#given ?? this.#reader.usage;
    if (usage && (this.#given || !this.#reader.partial)) {
      return [usage, UsageSource.PROVIDER];
    }
    const written = estimateTokens(this.outputText, this.#owner.tokenizer);
    if (!usage && (outcome === Outcome.SUCCESS || written > 0)) {
      const declared = new Usage({
        inputTokens: Number(this.#check.inputTokenCount),
        cacheReadTokens: Number(this.#check.cacheReadTokenCount),
        cacheWrite5mTokens: Number(this.#check.cacheWrite5mTokenCount),
        cacheWrite1hTokens: Number(this.#check.cacheWrite1hTokenCount),
        outputTokens: written,
      });
      return [declared, UsageSource.ESTIMATED];
    }
    // A stream that broke off has told its input, and its output only to begin with.
    if (usage && written > usage.outputTokens) {
      return [
        new Usage(Object.assign({}, usage, { outputTokens: written })),
        UsageSource.ESTIMATED,
      ];
    }
    return [usage, usage ? UsageSource.PROVIDER : UsageSource.UNSPECIFIED];
  }

  #outcome(how: unknown): Outcome {
    if (this.#options.signal?.aborted || isCancellation(how)) {
      return Outcome.CANCELLED;
    }
    if (how === UNKNOWN) {
      const known = this.#given ?? this.#reader.usage ?? !this.#began;
      return known ? Outcome.SUCCESS : Outcome.ERROR;
    }
    return how === RETURNED ? Outcome.SUCCESS : Outcome.ERROR;
  }

  #release() {
    const { workspaceId, requestId } = this.#check;
    return create(ReleaseHoldRequestSchema, { workspaceId, requestId });
  }

  #warn(message: string): void {
    this.#owner.logger.warn(`tollgate: ${message}`);
  }
}

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

function checkRequest(options: GuardOptions, tokenizer?: Tokenizer): CheckAndRouteRequest {
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
    serviceTier: options.serviceTier ? Tier[options.serviceTier] : Tier.UNSPECIFIED,
    attribution: { ...Object.fromEntries(attribution), tags: { ...tags } },
    requiredCapabilities: [...(options.requiredCapabilities ?? [])],
    ...(holdMs !== undefined && { holdDuration: durationOf(holdMs) }),
  });
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) {
    return promise;
  }
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason as Error);
    };
    const done = () => {
      signal.removeEventListener("abort", abort);
    };
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(done);
  });
}

/** Says whether an error means that somebody gave up: `AbortError`, in each of its spellings. */
function isCancellation(error: unknown): boolean {
  if (error instanceof ConnectError) {
    return error.code === Code.Canceled;
  }
  if (!(error instanceof Error)) {
    return false;
  }
  const isTimeout = error instanceof DOMException && error.name === "TimeoutError";
  return error.name === "AbortError" || error.constructor.name === "APIUserAbortError" || isTimeout;
}
