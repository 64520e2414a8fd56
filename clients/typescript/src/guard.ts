/**
 * The guard around one LLM call: a check on the way in, a record on the way out.
 *
 * What a provider answered is handed over without its content, for the server to read.
 */
import { create } from "@bufbuild/protobuf";
import type { Client as ConnectClient } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";

import { isWhole, Parts, ProviderAnswer, reduce } from "./answer.js";
import type { Breaker } from "./breaker.js";
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
  RecordUsageRequest,
  UsageService,
} from "./gen/tollgate/v1/usage_service_pb.js";
import {
  Decision,
  ExtendHoldRequestSchema,
  ProviderAnswerSchema,
  Reason,
  RecordUsageRequestSchema,
  ReleaseHoldRequestSchema,
} from "./gen/tollgate/v1/usage_service_pb.js";
import { durationOf, Money, timeOf, timestampOf } from "./money.js";
import type * as names from "./names.js";
import type { ServiceTier } from "./names.js";
import type { Logger } from "./queue-file.js";
import { Recorded } from "./recorded.js";
import type { GuardOptions, Policy, ResumeOptions } from "./request.js";
import { checkRequest, tierOf } from "./request.js";
import { Usage } from "./usage.js";

const LATENCY_MAX_MS = 24 * 3600 * 1000;
const HOLD_MS = 10 * 60 * 1000;
// Lifetime of the hold of an unfinished job: the longest that the server allows.
const JOB_HOLD_MS = 24 * 3600 * 1000;

/** What a call needs of its client. */
export interface Owner {
  readonly usage: ConnectClient<typeof UsageService>;
  readonly delivery: Delivery;
  readonly breaker: Breaker;
  readonly policy: Policy;
  readonly tokenizer: Tokenizer | undefined;
  readonly logger: Logger;
}

// What a job is that says so itself.
const ENDED = { failed: Outcome.ERROR, cancelled: Outcome.CANCELLED } as const;
// How a block was left, where it did not throw: with `await using` nobody says whether it did.
const RETURNED = Symbol("returned");
const UNKNOWN = Symbol("unknown");

/** One guarded call, between its check and its record. */
export class Call implements AsyncDisposable {
  /** Names the request, in the usage log too. */
  readonly requestId: string;
  /** Number of the attempt: above 0 if the request was recorded before, and checked again. */
  attempt = 0;
  /** Output that has come so far; estimated where no usage is recorded. */
  outputText = "";
  /** Absent if Tollgate was not reached. */
  decision: "ALLOWED" | "ROUTED" | undefined;
  /** Whether the call runs although Tollgate was not reached. */
  unchecked = false;
  /** Limits that warned, would have blocked, or led to another model. */
  verdicts: readonly Verdict[] = [];
  /** Why it was routed; empty if it was not. */
  reason: names.Reason | "" = "";
  /** What is set aside. */
  held: Money | undefined;
  /** When the hold ends by itself. */
  expireTime: Date | undefined;
  /** Where the workspace stood, for example `WITHIN_PLAN`. */
  budgetState: names.BudgetState | "" = "";
  /** After leaving with `wait`: what the server said, with the cost. */
  recorded: Recorded | undefined;

  readonly #owner: Owner;
  readonly #options: GuardOptions;
  readonly #check: CheckAndRouteRequest;
  #parts = new Parts();
  #given: Usage | undefined;
  #provider = "";
  #said: { model?: string | undefined; serviceTier?: ServiceTier | undefined } = {};
  #resumed = false;
  #keeper: NodeJS.Timeout | undefined;
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
    const check = owner.breaker.call(() => owner.usage.checkAndRoute(call.#check));
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

  /** Takes up a job; what `Client.resume` does. */
  static resume(owner: Owner, options: ResumeOptions): Call {
    const { attempt = 0, model = "", ...rest } = options;
    const call = new Call(owner, { ...rest, model, inputTokens: 0 });
    call.attempt = attempt;
    call.#resumed = true;
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

  /** Whether the provider has only begun a job: leaving records nothing and keeps the hold. */
  get unfinished(): boolean {
    return !this.#given && this.#parts.isUnfinished;
  }

  /**
   * Keeps what was used: what the provider answered, or a `Usage`.
   *
   * The answer is a `ProviderAnswer`, or what it is made of: an object or JSON; every event of a
   * stream may be handed in. Model and tier follow from it unless they are given; `provider` is a
   * hint for the server. Of two answers the last counts. Never throws.
   */
  record(
    usage: unknown,
    said: {
      model?: string | undefined;
      serviceTier?: ServiceTier | undefined;
      provider?: string | undefined;
    } = {},
  ): void {
    this.#said = {
      model: said.model ?? this.#said.model,
      serviceTier: said.serviceTier ?? this.#said.serviceTier,
    };
    if (usage instanceof Usage) {
      this.#given = usage;
      return;
    }
    const isAnswer = usage instanceof ProviderAnswer;
    const provider = (isAnswer && usage.provider) || said.provider;
    this.#provider = (provider ?? this.#provider).toLowerCase();
    try {
      const events = reduce(isAnswer ? `[${usage.json.join()}]` : usage);
      if (events.some(isWhole)) {
        if (this.#parts.hasFigures) {
          this.#warn(`${this.requestId} has a second answer, which counts`);
        }
        this.#parts = new Parts();
      }
      this.#parts.add(events);
    } catch (error) {
      // What is no answer at all is one that cannot be read.
      this.#parts.given = true;
      this.#warn(`a provider answer of ${this.requestId} cannot be read: ${String(error)}`);
      return;
    }
    if (this.#parts.hasFigures) {
      this.#given = undefined;
    }
    if (this.unfinished && !this.unchecked && !this.#left) {
      this.#keep();
    }
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
    this.attempt = answer.attempt;
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
    this.#owner.breaker.warn(error);
  }

  /** Says, the first time, what is to be sent when the block is left, and sends it. */
  async #leave(how: unknown): Promise<void> {
    if (this.#left) {
      return;
    }
    this.#left = true;
    clearInterval(this.#keeper);
    let item: Item | undefined;
    try {
      item = this.#report(how);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const id = this.requestId;
      this.#owner.delivery.count({ refused: 1 });
      this.#owner.logger.error(`tollgate: the usage record ${id} is refused: ${why}`);
      if (this.#options.wait && (how === RETURNED || how === UNKNOWN)) {
        throw new ConnectError(why, Code.InvalidArgument, undefined, undefined, error);
      }
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
      const { breaker, usage } = this.#owner;
      this.recorded = new Recorded(await breaker.call(() => usage.recordUsage(item)));
      this.#owner.delivery.count({ delivered: 1 });
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
    } else {
      this.#owner.delivery.count({ refused: 1 });
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

  /** Keeps the hold of a job alive while the block waits for it. */
  #keep(): void {
    const holdMs = this.#options.holdMs ?? HOLD_MS;
    this.#keeper ??= setInterval(() => {
      this.extend(holdMs).catch((error: unknown) => {
        this.#warn(`the hold of ${this.requestId} is not extended: ${String(error)}`);
        if (ConnectError.from(error).code === Code.NotFound) {
          clearInterval(this.#keeper);
        }
      });
    }, holdMs / 3).unref();
  }

  /** Records the answer that an SDK hands over with its exception, as it was billed. */
  #readCompletion(how: unknown): void {
    const completion = how instanceof Error && "completion" in how ? how.completion : undefined;
    if (completion && !this.#given && !this.#parts.hasFigures) {
      this.record(completion);
    }
  }

  #report(how: unknown): Item | undefined {
    this.#readCompletion(how);
    const said = this.#outcome(how);
    const known = this.#given !== undefined || this.#parts.given;
    const told = this.#given !== undefined || this.#parts.hasFigures;
    const broken = this.#resumed && !told && said !== Outcome.SUCCESS;
    if (this.unfinished || broken) {
      // A job goes on, whatever becomes of who asks for it.
      return this.unchecked ? undefined : this.#extension();
    }
    if (!known && (!this.#began || this.#resumed)) {
      return this.unchecked || this.#resumed ? undefined : this.#release();
    }
    const { ended } = this.#parts;
    const outcome = said === Outcome.SUCCESS && !this.#given && ended ? ENDED[ended] : said;
    if (how === UNKNOWN && said === Outcome.ERROR) {
      const hint = "use the form with a block, or call.end()";
      this.#warn(`no usage was recorded of ${this.requestId}, it counts as an error: ${hint}`);
    }
    const record = create(RecordUsageRequestSchema, {
      workspaceId: this.#check.workspaceId,
      requestId: this.requestId,
      attempt: this.attempt,
      // Named even where the answer does, as one that cannot be read names none.
      modelId: this.#said.model || this.#parts.model() || this.#model,
      serviceTier: tierOf(this.#said.serviceTier),
      outcome,
    });
    this.#fill(record);
    // The same answer of a job, recorded by two processes, is one record.
    if (!this.#resumed) {
      const { time, at } = this.#began ?? { time: new Date(), at: performance.now() };
      record.startTime = timestampOf(time);
      record.latency = durationOf(Math.min(performance.now() - at, LATENCY_MAX_MS));
      if (this.#check.attribution) {
        record.attribution = this.#check.attribution;
      }
    }
    return record;
  }

  /** Says what was used, as far as it is known, and where that comes from. */
  #fill(record: RecordUsageRequest): void {
    const succeeded = record.outcome === Outcome.SUCCESS;
    let namesTier = false;
    if (this.#given) {
      record.usage = this.#given.toProto();
      record.factors = [...this.#given.factors];
      record.usageSource = UsageSource.PROVIDER;
    } else if (this.#parts.hasFigures || (this.#parts.given && succeeded)) {
      record.usageSource = this.#completeStream();
      const json = this.#json();
      record.providerAnswer = create(ProviderAnswerSchema, { provider: this.#provider, json });
      record.acceptUnread = true;
      record.contextId = this.#check.contextId;
      namesTier = this.#parts.namesTier();
    } else {
      const written = estimateTokens(this.outputText, this.#owner.tokenizer);
      if ((succeeded || written > 0) && !this.#resumed) {
        record.usage = this.#declared(written).toProto();
        record.usageSource = UsageSource.ESTIMATED;
      }
      if (succeeded) {
        this.#warn(`no usage was recorded of ${this.requestId}, it is estimated`);
      }
    }
    if (record.serviceTier === Tier.UNSPECIFIED && !namesTier) {
      record.serviceTier = this.#check.serviceTier;
    }
  }

  #declared(outputTokens: number): Usage {
    return new Usage({
      inputTokens: Number(this.#check.inputTokenCount),
      cacheReadTokens: Number(this.#check.cacheReadTokenCount),
      cacheWrite5mTokens: Number(this.#check.cacheWrite5mTokenCount),
      cacheWrite1hTokens: Number(this.#check.cacheWrite1hTokenCount),
      outputTokens,
    });
  }

  /** Adds the output that has come to a stream which has told it only to begin with. */
  #completeStream(): UsageSource {
    const begun = this.#parts.begunOutput();
    const written = estimateTokens(this.outputText, this.#owner.tokenizer);
    if (begun === undefined || written <= begun) {
      return UsageSource.PROVIDER;
    }
    this.#parts.add([{ type: "message_delta", usage: { output_tokens: written } }]);
    return UsageSource.ESTIMATED;
  }

  #json(): string[] {
    try {
      return this.#parts.toJson();
    } catch (error) {
      this.#warn(`the answer of ${this.requestId} is not sent: ${String(error)}`);
      return ["{}"];
    }
  }

  #outcome(how: unknown): Outcome {
    if (this.#options.signal?.aborted || isCancellation(how)) {
      return Outcome.CANCELLED;
    }
    if (how === UNKNOWN) {
      const known = this.#given !== undefined || this.#parts.given || !this.#began;
      return known ? Outcome.SUCCESS : Outcome.ERROR;
    }
    return how === RETURNED ? Outcome.SUCCESS : Outcome.ERROR;
  }

  #release() {
    const { workspaceId, requestId } = this.#check;
    return create(ReleaseHoldRequestSchema, { workspaceId, requestId });
  }

  #extension() {
    const { workspaceId, requestId } = this.#check;
    const holdDuration = durationOf(JOB_HOLD_MS);
    return create(ExtendHoldRequestSchema, { workspaceId, requestId, holdDuration });
  }

  #warn(message: string): void {
    this.#owner.logger.warn(`tollgate: ${message}`);
  }
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
