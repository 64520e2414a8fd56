/** Connecting to Tollgate: one connection, the guard, and the stubs for everything else. */
import { setTimeout as sleep } from "node:timers/promises";

import type { Client as Stub, Interceptor, Transport } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";

import { Breaker } from "./breaker.js";
import type { Stats } from "./delivery.js";
import { Delivery } from "./delivery.js";
import { isUnreached, TollgateUnavailable } from "./errors.js";
import type { Tokenizer } from "./estimate.js";
import { AccessService } from "./gen/tollgate/v1/access_service_pb.js";
import { AlertService } from "./gen/tollgate/v1/alert_service_pb.js";
import { AnalyticsService } from "./gen/tollgate/v1/analytics_service_pb.js";
import { ApiKeyService } from "./gen/tollgate/v1/api_key_service_pb.js";
import { AuditService } from "./gen/tollgate/v1/audit_service_pb.js";
import { BudgetService } from "./gen/tollgate/v1/budget_service_pb.js";
import { CatalogService } from "./gen/tollgate/v1/catalog_service_pb.js";
import { DirectoryService } from "./gen/tollgate/v1/directory_service_pb.js";
import { InsightService } from "./gen/tollgate/v1/insight_service_pb.js";
import { ModelLimitService } from "./gen/tollgate/v1/model_limit_service_pb.js";
import { QuotaService } from "./gen/tollgate/v1/quota_service_pb.js";
import { UsageService } from "./gen/tollgate/v1/usage_service_pb.js";
import { WorkspaceService } from "./gen/tollgate/v1/workspace_service_pb.js";
import type { Owner } from "./guard.js";
import { Call } from "./guard.js";
import type { Logger } from "./queue-file.js";
import type { GuardOptions, Policy, ResumeOptions } from "./request.js";
import type { Tls, Token } from "./transport.js";
import { Connection } from "./transport.js";

const READY_PAUSE_MS = 100;
// That of gRPC, as in the other clients.
const ATTEMPTS_MAX = 5;

/** Settings of a client; all have defaults. */
export interface ClientOptions {
  /**
   * `host`, `host:port` or `[IPv6]:port`, with 50051 if it says no port; `http://host:port` for
   * plaintext or `https://host:port` for TLS; `dns:host:port`; or `unix:/path`. That of
   * TOLLGATE_ADDRESS, or 127.0.0.1:50051 if absent.
   */
  address?: string | undefined;
  /**
   * A transport of Connect that makes the calls in place of a connection of the client's own, for
   * example of gRPC-Web; not with `address`, `tls` or `interceptors`, which it has itself.
   * Deadlines, retries and the token are the client's all the same, and it is not closed with the
   * client.
   */
  transport?: Transport | undefined;
  /**
   * The secret of an access token; that of TOLLGATE_TOKEN if absent. Or a function that is asked
   * for it before each call, so that it can be renewed; what it throws ends the call with
   * UNAUTHENTICATED. In plaintext only to loopback.
   */
  token?: Token | undefined;
  /** As the address says if absent; `true` for the roots that Node trusts, or roots in PEM. */
  tls?: Tls | undefined;
  /** Deadline of each call, in milliseconds; 2000. */
  timeoutMs?: number | undefined;
  /** What happens where Tollgate cannot be reached; `open`. */
  onUnavailable?: Policy | undefined;
  /** Most records that wait in memory; 10,000. */
  queueMax?: number | undefined;
  /** A file in which records that wait survive the process; one client at a time. */
  queuePath?: string | undefined;
  /** How long `flush`, `close` and the end of the process wait, in milliseconds; 5000. */
  flushTimeoutMs?: number | undefined;
  /**
   * How long after a call that was not answered no other waits for Tollgate, in milliseconds; 500.
   * They end, or run unchecked, at once; then one finds out whether it answers again. 0 lets every
   * call wait.
   */
  breakDurationMs?: number | undefined;
  /**
   * How often a call is made at most, the first time included, without an answer: of those
   * calls that are the same however often they are made. 3 if absent, 1 to 5. What is queued is
   * sent again beyond that.
   */
  maxAttempts?: number | undefined;
  /**
   * Interceptors of Connect, the first one outermost, for each attempt of every call, those of the
   * guard and of the queue included.
   */
  interceptors?: readonly Interceptor[] | undefined;
  /** Counts the tokens of a text; estimated by its characters if absent. */
  tokenizer?: Tokenizer | undefined;
  /** Where warnings and errors go that reach no caller; `console`. */
  logger?: Logger | undefined;
}

/**
 * Checks before LLM calls and records after them. Make one for a process.
 *
 * The stubs are for everything that is not the guard: `client.budget.getBudget({ ... })`. Their
 * calls, streams aside, have the client's deadline unless they are given a `timeoutMs`.
 */
export class Client implements AsyncDisposable {
  readonly usage: Stub<typeof UsageService>;
  readonly workspace: Stub<typeof WorkspaceService>;
  readonly budget: Stub<typeof BudgetService>;
  readonly catalog: Stub<typeof CatalogService>;
  readonly modelLimit: Stub<typeof ModelLimitService>;
  readonly quota: Stub<typeof QuotaService>;
  readonly apiKey: Stub<typeof ApiKeyService>;
  readonly alert: Stub<typeof AlertService>;
  readonly audit: Stub<typeof AuditService>;
  readonly directory: Stub<typeof DirectoryService>;
  readonly analytics: Stub<typeof AnalyticsService>;
  readonly insight: Stub<typeof InsightService>;
  readonly access: Stub<typeof AccessService>;
  readonly #connection: Connection;
  readonly #breaker: Breaker;
  readonly #timeoutMs: number;
  readonly #owner: Owner;

  /**
   * Does not connect yet: the first call does.
   *
   * Throws `TypeError` for options that cannot be, such as an address that cannot be dialled, a
   * token in plaintext to another machine, or one that a header cannot carry, and `Error` if the
   * queue file cannot be used or another client has it.
   */
  constructor(options: ClientOptions = {}) {
    const { timeoutMs = 2000, onUnavailable = "open", queueMax = 10_000, queuePath } = options;
    const { flushTimeoutMs = 5000, tokenizer, logger = console, tls } = options;
    const { breakDurationMs = 500, maxAttempts = 3, interceptors = [] } = options;
    const unknown = Object.keys(options).filter((key) => !OPTIONS.has(key));
    refuseUnknownOptions("Client", unknown);
    if (!["open", "closed"].includes(onUnavailable)) {
      throw new TypeError(`onUnavailable is "open" or "closed", not ${onUnavailable}`);
    }
    if (!(queueMax >= 1)) {
      throw new TypeError(`queueMax is at least 1, not ${String(queueMax)}`);
    }
    if (!(breakDurationMs >= 0 && breakDurationMs <= 60_000)) {
      throw new TypeError(`breakDurationMs is 0 to 60000, not ${String(breakDurationMs)}`);
    }
    if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > ATTEMPTS_MAX) {
      throw new TypeError(
        `maxAttempts is 1 to ${String(ATTEMPTS_MAX)}, not ${String(maxAttempts)}`,
      );
    }
    const { transport } = options;
    for (const name of ["address", "tls", "interceptors"] as const) {
      if (transport && options[name] !== undefined) {
        throw new TypeError(`there is transport or ${name}, not both`);
      }
    }
    this.#connection = new Connection({
      transport,
      address: options.address ?? (process.env.TOLLGATE_ADDRESS || "127.0.0.1:50051"),
      token: options.token ?? process.env.TOLLGATE_TOKEN,
      tls,
      timeoutMs,
      maxAttempts,
      interceptors,
    });
    this.usage = createClient(UsageService, this.#connection);
    this.workspace = createClient(WorkspaceService, this.#connection);
    this.budget = createClient(BudgetService, this.#connection);
    this.catalog = createClient(CatalogService, this.#connection);
    this.modelLimit = createClient(ModelLimitService, this.#connection);
    this.quota = createClient(QuotaService, this.#connection);
    this.apiKey = createClient(ApiKeyService, this.#connection);
    this.alert = createClient(AlertService, this.#connection);
    this.audit = createClient(AuditService, this.#connection);
    this.directory = createClient(DirectoryService, this.#connection);
    this.analytics = createClient(AnalyticsService, this.#connection);
    this.insight = createClient(InsightService, this.#connection);
    this.access = createClient(AccessService, this.#connection);
    const { usage } = this;
    const { address } = this.#connection;
    const breaker = new Breaker({ address, pauseMs: breakDurationMs, timeoutMs, logger });
    const kept = { queueMax, queuePath, flushTimeoutMs };
    const delivery = new Delivery({ usage, breaker, logger, ...kept });
    this.#breaker = breaker;
    this.#timeoutMs = timeoutMs;
    this.#owner = { usage, delivery, breaker, policy: onUnavailable, tokenizer, logger };
  }

  /**
   * Puts an LLM call behind Tollgate: `client.guard({ ... }, async (call) => { ... })`.
   *
   * The block runs the call on `call.model` and hands the provider's answer to `call.record`. It is
   * not entered on `Blocked`, on `TollgateUnavailable` if the policy is `closed`, or on
   * `ConnectError` for a defect of the request, such as an unknown workspace. What happens in it is
   * recorded when it is left; what it returns or throws comes out unchanged.
   */
  guard<T>(options: GuardOptions, block: (call: Call) => Promise<T> | T): Promise<T>;
  /**
   * The same without a block: `await using call = await client.guard({ ... })`.
   *
   * JavaScript does not tell whether the scope was left by an exception. So one that has recorded
   * usage counts as success, one that has read `call.model` and recorded none as an error.
   */
  guard(options: GuardOptions): Promise<Call>;
  async guard<T>(options: GuardOptions, block?: (call: Call) => Promise<T> | T): Promise<T | Call> {
    return this.#run(await Call.enter(this.#owner, options), block);
  }

  /**
   * Takes up a job that was left unfinished: `client.resume({ ... }, async (call) => { ... })`.
   *
   * Also from another process: nothing is checked again. The block hands the final answer to
   * `call.record`; it is recorded once, even if another process does the same. An answer that is
   * still unfinished keeps the hold for 24 hours more.
   */
  resume<T>(options: ResumeOptions, block: (call: Call) => Promise<T> | T): Promise<T>;
  /** The same without a block. */
  resume(options: ResumeOptions): Promise<Call>;
  resume<T>(options: ResumeOptions, block?: (call: Call) => Promise<T> | T): Promise<T | Call> {
    const { workspace, requestId, model, attempt, wait, ...unknown } = options;
    refuseUnknownOptions("resume()", Object.keys(unknown));
    const resumed = { workspace, requestId, model, attempt, wait };
    return this.#run(Call.resume(this.#owner, resumed), block);
  }

  async #run<T>(call: Call, block?: (call: Call) => Promise<T> | T): Promise<T | Call> {
    if (!block) {
      return call;
    }
    let result: T;
    try {
      result = await block(call);
    } catch (error) {
      await call.end(error ?? new Error("nothing was thrown"));
      throw error;
    }
    await call.end();
    return result;
  }

  /**
   * Waits until Tollgate answers, so that a program can fail at its start; 10 seconds if absent.
   *
   * Throws `TollgateUnavailable` if the server does not answer in time, and `ConnectError` if the
   * answer is an error, such as UNAUTHENTICATED for a token that is not valid.
   */
  async ready(timeoutMs = 10_000): Promise<void> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const left = Math.max(READY_PAUSE_MS, end - performance.now());
      try {
        await this.access.whoAmI({}, { timeoutMs: Math.ceil(Math.min(left, this.#timeoutMs)) });
        this.#breaker.reached();
        return;
      } catch (error) {
        if (!isUnreached(error)) {
          throw error;
        }
        if (performance.now() >= end) {
          const where = `${this.#connection.address} within ${String(timeoutMs)} ms`;
          const text = `tollgate does not answer at ${where}: ${error.rawMessage}`;
          throw new TollgateUnavailable(text, { cause: error });
        }
      }
      await sleep(READY_PAUSE_MS);
    }
  }

  /** Waits until every record is delivered, at most so long; says what is left. */
  flush(timeoutMs?: number): Promise<number> {
    return this.#owner.delivery.flush(timeoutMs);
  }

  /**
   * Flushes and closes; says how many records are left.
   *
   * A process that ends because it has nothing left to do flushes by itself. One that ends by
   * `process.exit`, by a signal or by an exception does not: close before, or give a `queuePath`.
   */
  async close(timeoutMs?: number): Promise<number> {
    const left = await this.#owner.delivery.close(timeoutMs);
    this.#breaker.stop();
    this.#connection.close();
    return left;
  }

  /** Counts the usage records that are queued, delivered, dropped and refused. */
  stats(): Stats {
    return this.#owner.delivery.stats();
  }

  /** Closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const OPTIONS = new Set<string>([
  ...["address", "token", "tls", "timeoutMs", "onUnavailable", "queueMax", "queuePath"],
  ...["flushTimeoutMs", "breakDurationMs", "tokenizer", "logger"],
  ...["maxAttempts", "interceptors", "transport"],
] satisfies (keyof ClientOptions | (string & {}))[]);

function refuseUnknownOptions(name: string, unknown: string[]): void {
  if (unknown.length > 0) {
    throw new TypeError(`${name} has no option ${unknown.sort().join(", ")}`);
  }
}
