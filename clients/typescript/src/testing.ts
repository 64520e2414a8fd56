/** For unit tests of your own code: a fake Tollgate server, with the answers that you set. */
import "./dispose.js";

import { once } from "node:events";
import type { Http2Server, ServerHttp2Session } from "node:http2";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";

import type { Duration } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";

import type { ClientOptions } from "./client.js";
import { Client } from "./client.js";
import { AccessService } from "./gen/tollgate/v1/access_service_pb.js";
import type {
  CheckAndRouteRequest,
  RecordUsageRequest,
  ReleaseHoldRequest,
} from "./gen/tollgate/v1/usage_service_pb.js";
import { Decision, Reason, UsageService } from "./gen/tollgate/v1/usage_service_pb.js";
import { durationOf } from "./money.js";
import type * as names from "./names.js";

/** What it answers to a check. */
interface Said {
  decision: Decision;
  modelId?: string;
  reason?: Reason;
  verdicts?: { reason: Reason; blocking: boolean }[];
  retryAfter?: Duration;
}

const NOTHING = { currencyCode: "USD", amount: "0" };

/**
 * A server that answers every check with the decision that was set last, and keeps the requests
 * that it receives.
 *
 * Everything is allowed until another decision is set. It has no limits and no prices: costs are
 * zero. Methods other than those of the guard are `UNIMPLEMENTED`.
 */
export class FakeTollgate implements AsyncDisposable {
  /** What it was asked. */
  readonly checks: CheckAndRouteRequest[] = [];
  /** What it was given: `client.flush()` before. */
  readonly records: RecordUsageRequest[] = [];
  /** The holds that it was given back, as of calls that never started. */
  readonly releases: ReleaseHoldRequest[] = [];
  /** Where it listens, on loopback. */
  readonly address: string;
  readonly #server: Http2Server;
  readonly #sessions: Set<ServerHttp2Session>;
  #fails: Code | undefined;
  #answer: Said = { decision: Decision.ALLOWED };

  private constructor(server: Http2Server, sessions: Set<ServerHttp2Session>) {
    this.#server = server;
    this.#sessions = sessions;
    this.address = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    this.allow();
  }

  /** Begins to listen on a free port, until it is closed: `await using` does that, too. */
  static async start(): Promise<FakeTollgate> {
    const later: { fake?: FakeTollgate } = {};
    const answer = <T>(make: (fake: FakeTollgate) => T): T => {
      const { fake } = later;
      if (!fake) {
        throw new ConnectError("not yet", Code.Unavailable);
      }
      if (fake.#fails !== undefined) {
        throw new ConnectError("as the test wants it", fake.#fails);
      }
      return make(fake);
    };
    const server = createServer(
      connectNodeAdapter({
        routes(router) {
          router.service(UsageService, {
            checkAndRoute: (check) => answer((fake) => fake.#check(check)),
            recordUsage: (record) => answer((fake) => fake.#record(record)),
            recordUsageBatch: ({ records }) =>
              answer((fake) => ({
                results: records.map((record) => ({
                  result: { case: "record" as const, value: fake.#record(record) },
                })),
              })),
            releaseHold: (release) =>
              answer((fake) => {
                fake.releases.push(release);
                return {};
              }),
            extendHold: () => answer(() => ({})),
            listHolds: () => answer(() => ({})),
          });
          router.service(AccessService, { whoAmI: () => answer(() => ({})) });
        },
      }),
    );
    const sessions = new Set<ServerHttp2Session>();
    server.on("session", (session) => {
      sessions.add(session);
      session.once("close", () => sessions.delete(session));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    later.fake = new FakeTollgate(server, sessions);
    return later.fake;
  }

  /** Makes a client of it; the options are those of `Client`. */
  client(options: Omit<ClientOptions, "address"> = {}): Client {
    return new Client({ ...options, address: this.address });
  }

  /** Allows checks from now on. */
  allow(): void {
    this.#say({ decision: Decision.ALLOWED });
  }

  /** Blocks checks from now on. */
  block(reason: names.Reason, retryAfterMs?: number): void {
    this.#say({
      decision: Decision.BLOCKED,
      reason: Reason[reason],
      verdicts: [{ reason: Reason[reason], blocking: true }],
      ...(retryAfterMs !== undefined && { retryAfter: durationOf(retryAfterMs) }),
    });
  }

  /** Leads checks to another model from now on. */
  route(model: string): void {
    this.#say({ decision: Decision.ROUTED, modelId: model, reason: Reason.EXHAUSTED });
  }

  /** Fails every call from now on, also records: by default with `UNAVAILABLE`. */
  fail(code = Code.Unavailable): void {
    this.#fails = code;
  }

  /** Listens no longer. */
  async close(): Promise<void> {
    for (const session of this.#sessions) {
      session.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Closes. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #say(answer: Said): void {
    this.#answer = answer;
    this.#fails = undefined;
  }

  #check(check: CheckAndRouteRequest) {
    this.checks.push(check);
    const { requestId, modelId } = check;
    return { requestId, modelId, held: NOTHING, ...this.#answer };
  }

  #record(record: RecordUsageRequest) {
    this.records.push(record);
    const { usage, modelId, attempt } = record;
    return { cost: NOTHING, modelId, attempt, ...(usage && { usage }) };
  }
}
