/** Who the calls are, how long they take, which are tried again, who is not let in; TLS. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createSecureServer, createServer } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";

import type { HandlerContext, Interceptor, Transport } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcWebTransport } from "@connectrpc/connect-node";
import { generate } from "selfsigned";
import type { ClientOptions } from "tollgate-grpc";
import { Client, Usage } from "tollgate-grpc";
import type { RecordUsageBatchRequest, ReleaseHoldRequest } from "tollgate-grpc/v1";
import { BudgetService, Decision, UsageService } from "tollgate-grpc/v1";

import { folder, Log, quiet, Server as RealServer, until, Workspace } from "./server.js";

type Call = (context: HandlerContext, request: object) => object;

/** A server that answers every call that the tests make in one way. */
function handler(answer: Call) {
  return connectNodeAdapter({
    routes(router) {
      const any = (request: object, context: HandlerContext) => answer(context, request);
      router.service(UsageService, {
        checkAndRoute: any,
        recordUsage: any,
        recordUsageBatch: any,
        releaseHold: any,
        extendHold: any,
        listHolds: any,
      });
      router.service(BudgetService, { getBudget: any });
    },
  });
}

/** Where a server listens until the test ends, and a client of it. */
async function reach(t: TestContext, server: Server, options: ClientOptions, host = "127.0.0.1") {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = String((server.address() as AddressInfo).port);
  const { client } = quiet({ address: `${host}:${port}`, ...options });
  t.after(async () => {
    await client.close(0);
    server.close();
  });
  return client;
}

test("calls have a token, a deadline, and are tried again where that is harmless", async (t) => {
  const seen: { token: string | null; left: number }[] = [];
  const agents = new Set<string | null>();
  let fails = 2;
  const server = createServer(
    handler(({ requestHeader, timeoutMs }) => {
      seen.push({ token: requestHeader.get("authorization"), left: timeoutMs() ?? Infinity });
      agents.add(requestHeader.get("user-agent"));
      if (fails-- > 0) {
        throw new ConnectError("busy", Code.Unavailable);
      }
      return {};
    }),
  );
  const client = await reach(t, server, { token: "secret", timeoutMs: 60_000 });
  const { usage, budget } = client;
  const calls = {
    checkAndRoute: () => usage.checkAndRoute({}),
    recordUsage: () => usage.recordUsage({}),
    recordUsageBatch: () => usage.recordUsageBatch({}),
    releaseHold: () => usage.releaseHold({}),
  };
  for (const [name, call] of Object.entries(calls)) {
    seen.length = 0;
    fails = 2;
    await call();
    assert.deepEqual(new Set(seen.map(({ token }) => token)), new Set(["Bearer secret"]), name);
    assert.equal(seen.length, 3, "the third try was answered");
    assert.ok(seen.every(({ left }) => left <= 60_000));
    assert.ok((seen[2]?.left ?? Infinity) < 59_900, "all tries have one deadline");
  }
  for (const call of [() => budget.getBudget({}), () => usage.extendHold({})]) {
    seen.length = 0;
    fails = 9;
    await assert.rejects(call, { code: Code.Unavailable, rawMessage: "busy" });
    assert.equal(seen.length, 1, "a call that is not idempotent by its id is not repeated");
  }
  seen.length = 0;
  await assert.rejects(usage.checkAndRoute({}), { code: Code.Unavailable });
  assert.equal(seen.length, 3);
  fails = 0;
  const headers = { authorization: "Bearer other" };
  await usage.listHolds({}, { headers, timeoutMs: 30_000 });
  assert.equal(seen.at(-1)?.token, "Bearer other");
  assert.deepEqual([...agents], ["tollgate-typescript/0.1.0"]);
  assert.ok((seen.at(-1)?.left ?? Infinity) <= 30_000, "what a call is given goes first");
});

test("the number of attempts is settable", async (t) => {
  for (const maxAttempts of [1, 2, 5]) {
    let seen = 0;
    const server = createServer(
      handler(() => {
        seen++;
        throw new ConnectError("busy", Code.Unavailable);
      }),
    );
    const client = await reach(t, server, { timeoutMs: 60_000, maxAttempts });
    await assert.rejects(client.usage.checkAndRoute({}), { code: Code.Unavailable });
    assert.equal(seen, maxAttempts);
  }
  for (const maxAttempts of [0, 1.5, 6]) {
    assert.throws(() => new Client({ maxAttempts }), /maxAttempts is 1 to 5/);
  }
});

test("interceptors take every call", async (t) => {
  const seen = new Map<string, Headers>();
  const server = createServer(
    handler(({ method, requestHeader }) => {
      seen.set(method.name, requestHeader);
      return method.name === "RecordUsageBatch"
        ? { results: [{ result: { case: "record", value: {} } }] }
        : { decision: Decision.ALLOWED };
    }),
  );
  const asked: string[] = [];
  const adds =
    (name: string): Interceptor =>
    (next) =>
    (request) => {
      asked.push(name);
      request.header.set(name, "1");
      return next(request);
    };
  const interceptors = [adds("x-first"), adds("x-second")];
  const client = await reach(t, server, { token: "secret", timeoutMs: 60_000, interceptors });
  await client.guard({ workspace: "w", model: "m", inputTokens: 1 }, (call) => {
    call.record(new Usage({ inputTokens: 1 }));
  });
  assert.equal(await client.flush(), 0);
  for (const name of ["CheckAndRoute", "RecordUsageBatch"]) {
    const header = seen.get(name);
    assert.equal(header?.get("x-first"), "1");
    assert.equal(header.get("x-second"), "1");
    assert.equal(header.get("authorization"), "Bearer secret");
  }
  assert.deepEqual(asked.slice(0, 2), ["x-first", "x-second"]);
});

test("only UNAVAILABLE is tried again", async (t) => {
  for (const code of [Code.DeadlineExceeded, Code.Internal, Code.InvalidArgument]) {
    let seen = 0;
    const server = createServer(
      handler(() => {
        seen++;
        throw new ConnectError("no", code);
      }),
    );
    const client = await reach(t, server, {});
    await assert.rejects(client.usage.checkAndRoute({}), { code });
    assert.equal(seen, 1, Code[code]);
  }
});

test("a call is not tried again where the pause would outlast its deadline", async (t) => {
  const now = performance.now.bind(performance);
  let passed = 0;
  t.mock.method(performance, "now", () => now() + passed);
  let seen = 0;
  const server = createServer(
    handler(() => {
      seen++;
      // The shortest pause is 80 ms.
      passed = 60_000 - 60;
      throw new ConnectError("no", Code.Unavailable);
    }),
  );
  const client = await reach(t, server, { timeoutMs: 60_000 });
  await assert.rejects(client.usage.checkAndRoute({}), { code: Code.Unavailable });
  assert.equal(seen, 1);
});

/** A delivery, which is answered when the test says how. */
interface Delivered {
  request: RecordUsageBatchRequest | ReleaseHoldRequest;
  answer: (response: object) => void;
  fail: (error: ConnectError) => void;
}

test("what is denied to the token is delivered later", async (t) => {
  const came: Delivered[] = [];
  const server = createServer(
    handler(({ method }, request) => {
      if (method.name === "CheckAndRoute") {
        return {};
      }
      return new Promise<object>((answer, fail) => {
        came.push({ request: request as Delivered["request"], answer, fail });
      });
    }),
  );
  /** The next delivery, once it is there, and the ids in it. */
  const next = async () => {
    const found = await until(() => came.shift(), Boolean);
    assert.ok(found);
    const { request, ...rest } = found;
    const records = "records" in request ? request.records : [request];
    return { ids: records.map(({ requestId }) => requestId), ...rest };
  };
  const log = new Log();
  const queuePath = join(folder(), "queue");
  const options = { token: "secret", queuePath, logger: log };
  const client = await reach(t, server, options);
  const put = (requestId: string, wait = false) =>
    client.guard({ workspace: "w", model: "m", inputTokens: 1, requestId, wait }, (call) => {
      if (requestId !== "release") {
        call.record(new Usage({ inputTokens: 1 }));
      }
    });
  const expired = new ConnectError("it has expired", Code.Unauthenticated);

  // Who waits is told, and the record is kept all the same.
  const told = assert.rejects(put("a", true), { code: Code.Unauthenticated });
  (await next()).fail(expired);
  await told;
  (await next()).fail(expired);
  let delivery = await next();
  assert.deepEqual(delivery.ids, ["a"]);
  assert.equal(await client.flush(100), 1);
  await put("b");
  await put("release");
  delivery.fail(new ConnectError("not of the call", Code.PermissionDenied));
  delivery = await next();
  assert.deepEqual(delivery.ids, ["a", "b"]);
  delivery.fail(new ConnectError("nor now", Code.ResourceExhausted));
  delivery = await next();
  assert.deepEqual(delivery.ids, ["a", "b"], "no release was sent before");
  assert.equal(await client.flush(100), 3);
  assert.deepEqual(client.stats(), { queued: 3, delivered: 0, dropped: 0, refused: 0 });
  assert.equal(readFileSync(queuePath, "utf8").trimEnd().split("\n").length, 2);
  const recorded = { result: { case: "record", value: {} } };
  delivery.answer({ results: [recorded, recorded] });
  delivery = await next();
  assert.deepEqual(delivery.ids, ["release"]);
  delivery.fail(expired);
  delivery = await next();
  assert.deepEqual(delivery.ids, ["release"]);
  delivery.answer({});
  assert.equal(await client.flush(), 0);
  assert.deepEqual(client.stats(), { queued: 0, delivered: 2, dropped: 0, refused: 0 });
  const denied = "tollgate: a delivery is denied and will be tried again:";
  assert.deepEqual(log.text.trimEnd().split("\n"), [
    `${denied} [unauthenticated] it has expired`,
    `${denied} [permission_denied] not of the call`,
    `${denied} [resource_exhausted] nor now`,
    `${denied} [unauthenticated] it has expired`,
  ]);
});

test("a token is kept off the open network", () => {
  const token = "secret";
  const strangers = ["tollgate.example:443", "localhost.example:1", "127.example:1", "[::2]:1"];
  for (const address of strangers) {
    assert.throws(
      () => new Client({ address, token }),
      (error) => error instanceof TypeError && error.message.includes("without TLS"),
    );
    assert.ok(new Client({ address, token, tls: true }));
  }
  for (const address of ["localhost:1", "127.1.2.3:1", "[::1]:1"]) {
    assert.ok(new Client({ address, token }));
  }
});

test("a transport of the caller makes the calls", async (t) => {
  const real = await RealServer.start();
  t.after(() => real.stop());
  // gRPC-Web over HTTP/1.1, as browsers and edge runtimes speak it.
  const baseUrl = `http://${real.address}`;
  const transport = createGrpcWebTransport({ baseUrl, httpVersion: "1.1" });
  const { client } = quiet({ transport });
  t.after(() => client.close());
  await client.ready();
  const workspace = await Workspace.create(client);
  const usage = new Usage({ inputTokens: 1000, outputTokens: 100 });
  const options = { workspace: workspace.id, model: "gpt-4.1", inputTokens: 1000, wait: true };
  await client.guard(options, (call) => {
    call.record(usage, { model: call.model });
  });
  assert.equal((await workspace.spent()).toString(), "0.0028");
  const spend = client.budget.watchSpend({ workspaceId: workspace.id });
  for await (const answer of spend) {
    assert.ok(answer);
    break;
  }
});

test("a transport of the caller has the client's token, retries, and end", async (t) => {
  const seen: (string | null)[] = [];
  const server = createHttpServer(
    handler(({ requestHeader }) => {
      seen.push(requestHeader.get("authorization"));
      if (seen.length < 3) {
        throw new ConnectError("busy", Code.Unavailable);
      }
      return {};
    }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const port = String((server.address() as AddressInfo).port);
  const baseUrl = `http://127.0.0.1:${port}`;
  const transport = createGrpcWebTransport({ baseUrl, httpVersion: "1.1" });
  const { client } = quiet({ transport, token: "secret" });
  await client.usage.checkAndRoute({});
  assert.deepEqual(seen, ["Bearer secret", "Bearer secret", "Bearer secret"]);
  await client.close();
  await assert.rejects(client.usage.checkAndRoute({}), { code: Code.FailedPrecondition });

  // What fetch throws where no server answers is for the policy, and no defect.
  const failing = (message: string): Transport => ({
    unary: () => Promise.reject(ConnectError.from(new TypeError(message), Code.Internal)),
    stream: () => Promise.reject(new Error("not asked")),
  });
  for (const message of ["fetch failed", "Failed to fetch", "Load failed"]) {
    const gone = quiet({ transport: failing(message), maxAttempts: 1 }).client;
    await assert.rejects(gone.usage.checkAndRoute({}), { code: Code.Unavailable });
    await gone.close(0);
  }
  const other = quiet({ transport: failing("not a function"), maxAttempts: 1 }).client;
  await assert.rejects(other.usage.checkAndRoute({}), { code: Code.Internal });
  await other.close(0);
  for (const twice of [{ address: "h" }, { tls: true as const }, { interceptors: [] }]) {
    assert.throws(() => new Client({ transport, ...twice }), /there is transport or/);
  }
});

test("options that cannot be are refused", () => {
  const odd = "ajar" as "open";
  assert.throws(() => new Client({ onUnavailable: odd }), /"open" or "closed", not ajar/);
  assert.throws(() => new Client({ queueMax: 0 }), /queueMax is at least 1/);
  const misspelt = { adress: "127.0.0.1:1" } as ClientOptions;
  assert.throws(() => new Client(misspelt), /Client has no option adress/);
  const client = new Client();
  const job = { workspace: "w", requestId: "r", modle: "m" };
  assert.throws(() => client.resume(job, () => undefined), /resume\(\) has no option modle/);
  assert.throws(() => new Client({ address: "http://127.0.0.1:1", tls: true }), /address/);
  assert.throws(() => new Client({ address: "http://h:1", token: "secret" }), /without TLS/);
  assert.ok(new Client({ address: "HTTPS://h", token: "secret" }));
});

test("TLS with roots in PEM", async (t) => {
  const pem = await generate([{ name: "commonName", value: "localhost" }], {
    keySize: 2048,
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
    ],
  });
  const answer = handler(({ requestHeader }) => {
    assert.equal(requestHeader.get("authorization"), "Bearer secret");
    return { budget: { workspaceId: "acme" } };
  });
  const server = createSecureServer({ key: pem.private, cert: pem.cert }, answer);
  const client = await reach(t, server, { tls: pem.cert, token: "secret" }, "localhost");
  assert.equal((await client.budget.getBudget({})).budget?.workspaceId, "acme");
  const other = createSecureServer({ key: pem.private, cert: pem.cert }, answer);
  const wary = await reach(t, other, { tls: true, token: "secret" }, "localhost");
  await assert.rejects(wary.budget.getBudget({}), { code: Code.Unavailable });
});

test("a connection that is never made is given up with the call", async (t) => {
  // Accepts, and says nothing: TLS does not come about.
  const server = createTcpServer();
  const closed = new Promise((resolve) => {
    server.on("connection", (socket) => socket.resume().on("close", resolve));
  });
  const client = await reach(t, server, { tls: true, timeoutMs: 200 });
  await assert.rejects(client.budget.getBudget({}), (error) => {
    assert.ok(error instanceof ConnectError);
    return [Code.Unavailable, Code.DeadlineExceeded].includes(error.code);
  });
  await closed;
});
