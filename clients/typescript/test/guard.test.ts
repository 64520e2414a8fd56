/** The guard against the real server: what it lets pass, and what is in the log afterwards. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Code, ConnectError } from "@connectrpc/connect";
import type { Call, GuardOptions } from "tollgate-grpc";
import {
  Blocked,
  Client,
  makeRequestId,
  ProviderAnswer,
  spanOf,
  timeOf,
  TollgateUnavailable,
  Usage,
} from "tollgate-grpc";
import {
  LimitPeriod,
  LimitUnit,
  Outcome,
  ServiceTier,
  SubjectType,
  UsageSource,
} from "tollgate-grpc/v1";

import type { Log } from "./server.js";
import { PATIENT, quiet, Server, until, Workspace } from "./server.js";

const USED = new Usage({ inputTokens: 1000, outputTokens: 100 });
const CHAT = {
  object: "chat.completion",
  model: "gpt-4.1-2025-04-14",
  service_tier: "flex",
  usage: { prompt_tokens: 1000, completion_tokens: 100 },
};

let server: Server;
let admin: Client;
let client: Client;
let log: Log;
let workspace: Workspace;

before(async () => {
  server = await Server.start();
  admin = new Client({ ...PATIENT, address: server.address });
});
beforeEach(async () => {
  ({ client, log } = quiet({ address: server.address }));
  workspace = await Workspace.create(admin);
});
afterEach(async () => {
  await client.close();
});
after(async () => {
  await admin.close();
  await server.stop();
});

function ask(options: Partial<GuardOptions> = {}): GuardOptions {
  return { workspace: workspace.id, model: "gpt-4.1", inputTokens: 10, ...options };
}

test("success is recorded with all that is known", async () => {
  const [before, began] = [Date.now(), performance.now()];
  let tookMs = Infinity;
  let seen: Call | undefined;
  const result = await client.guard(
    ask({
      inputTokens: 1000,
      maxOutputTokens: 500,
      user: "ada",
      department: "research",
      project: "p1",
      tags: { team: "x" },
    }),
    async (call) => {
      seen = call;
      assert.deepEqual([call.model, call.decision, call.routed], ["gpt-4.1", "ALLOWED", false]);
      assert.equal(call.held?.toString(), "0.006 USD");
      assert.ok(call.expireTime && call.expireTime.getTime() > before);
      const reached = performance.now();
      await sleep(5);
      tookMs = performance.now() - reached;
      call.record(CHAT);
      return "the answer";
    },
  );
  const [after, wholeMs] = [Date.now(), performance.now() - began];
  assert.equal(result, "the answer");
  assert.equal(await client.flush(), 0);
  const record = await workspace.only();
  assert.equal(record.requestId, seen?.requestId);
  assert.equal(record.modelId, "gpt-4.1-2025-04-14");
  assert.equal(record.serviceTier, ServiceTier.FLEX);
  assert.equal(record.outcome, Outcome.SUCCESS);
  assert.equal(record.usageSource, UsageSource.PROVIDER);
  assert.deepEqual(record.usage && Usage.fromProto(record.usage), USED);
  assert.equal(record.attribution?.userId, "ada");
  assert.equal(record.attribution.departmentId, "research");
  assert.deepEqual(record.attribution.tags, { team: "x" });
  assert.ok(record.startTime && record.latency);
  const start = timeOf(record.startTime).getTime();
  assert.ok(before <= start && start <= after);
  const latency = spanOf(record.latency);
  assert.ok(latency >= Math.floor(tookMs) && latency <= Math.ceil(wholeMs), "as the block took");
  assert.equal(client.stats().delivered, 1);
});

test("wait tells the cost", async () => {
  const call = await client.guard(ask({ inputTokens: 1000, wait: true }));
  call.record(USED, { model: call.model });
  await call.end();
  assert.equal(call.recorded?.cost.toString(), "0.0028 USD");
  assert.equal(call.recorded.model, "gpt-4.1");
  assert.equal((await workspace.spent()).toFixed(), "0.0028");
});

test("an error is recorded and goes on", async () => {
  const error = new Error("provider is down");
  const failed = client.guard(ask(), (call) => {
    assert.ok(call.model);
    throw error;
  });
  await assert.rejects(failed, (thrown) => thrown === error);
  const record = await workspace.only();
  assert.equal(record.outcome, Outcome.ERROR);
  assert.deepEqual(record.usage && Usage.fromProto(record.usage), new Usage());
});

test("an error keeps what was used", async () => {
  const failed = client.guard(ask(), async (call) => {
    call.record({ usage: { prompt_tokens: 7, completion_tokens: 3 } });
    await sleep(1);
    throw undefined; // eslint-disable-line @typescript-eslint/only-throw-error
  });
  await assert.rejects(failed, (thrown) => thrown === undefined);
  const record = await workspace.only();
  assert.equal(record.outcome, Outcome.ERROR);
  assert.equal(record.usage?.outputTokenCount, 3n);
});

class APIUserAbortError extends Error {}
const gaveUp: Record<string, () => unknown> = {
  "an AbortSignal": (): unknown => AbortSignal.abort().reason,
  "a timeout": () => new DOMException("too late", "TimeoutError"),
  "an SDK": () => new APIUserAbortError("Request was aborted."),
  "a call of gRPC": () => new ConnectError("canceled", Code.Canceled),
};
for (const [name, error] of Object.entries(gaveUp)) {
  test(`who gives up by ${name} is recorded as cancelled`, async () => {
    const cancelled = client.guard(ask(), (call) => {
      assert.ok(call.model);
      call.outputText = "x".repeat(400);
      throw error();
    });
    await assert.rejects(cancelled);
    const record = await workspace.only();
    assert.equal(record.outcome, Outcome.CANCELLED);
    assert.equal(record.usageSource, UsageSource.ESTIMATED);
    assert.equal(record.usage?.inputTokenCount, 10n);
    assert.equal(record.usage.outputTokenCount, 100n);
  });
}

test("a signal cancels the call, also where the block does not throw", async () => {
  const controller = new AbortController();
  await client.guard(ask({ signal: controller.signal, wait: true }), (call) => {
    call.record(USED);
    controller.abort();
  });
  assert.equal((await workspace.only()).outcome, Outcome.CANCELLED);
  await assert.rejects(client.guard(ask({ signal: controller.signal })), { name: "AbortError" });
  assert.equal(await workspace.holds(), 0);
});

test("a check that is aborted gives its hold back", async () => {
  const { client: slow } = quiet({ address: server.address });
  await slow.usage.listHolds({ workspaceId: workspace.id });
  await server.pause();
  const controller = new AbortController();
  const guarded = slow.guard(ask({ signal: controller.signal }));
  setImmediate(() => {
    controller.abort();
  });
  await assert.rejects(guarded, { name: "AbortError" });
  server.resume();
  await slow.usage.listHolds({ workspaceId: workspace.id });
  await until(
    () => workspace.holds(),
    (held) => held === 0,
  );
  await slow.close();
});

for (const error of [undefined, new Error("before")]) {
  test(`a call that never started gives its hold back (${String(error)})`, async () => {
    const guarded = client.guard(ask(), async () => {
      assert.equal(await workspace.holds(), 1);
      if (error) {
        throw error;
      }
    });
    await (error ? assert.rejects(guarded, error) : guarded);
    assert.equal(await client.flush(), 0);
    assert.deepEqual([await workspace.holds(), await workspace.records()], [0, []]);
  });
}

test("a call without usage is estimated", async () => {
  await client.guard(ask({ inputTokens: undefined, prompt: "x".repeat(41) }), (call) => {
    assert.ok(call.model);
    call.outputText = "four";
  });
  const record = await workspace.only();
  assert.equal(record.outcome, Outcome.SUCCESS);
  assert.equal(record.usageSource, UsageSource.ESTIMATED);
  assert.equal(record.usage?.inputTokenCount, 11n);
  assert.equal(record.usage.outputTokenCount, 1n);
  assert.match(log.text, /no usage was recorded/);
});

test("await using records what is known, and takes silence for an error", async () => {
  {
    await using call = await client.guard(ask({ requestId: "told" }));
    call.record(USED, { model: call.model });
  }
  const failed = async () => {
    await using call = await client.guard(ask({ requestId: "silent", wait: true }));
    assert.ok(call.model);
    throw new Error("from the block");
  };
  await assert.rejects(failed, /from the block/);
  assert.match(log.text, /no usage was recorded of silent, it counts as an error/);
  {
    await using call = await client.guard(ask({ requestId: "unused" }));
    assert.equal(call.decision, "ALLOWED");
  }
  assert.equal(await client.flush(), 0);
  const records = await workspace.waitFor(2);
  const outcomes = Object.fromEntries(records.map((record) => [record.requestId, record.outcome]));
  assert.deepEqual(outcomes, { silent: Outcome.ERROR, told: Outcome.SUCCESS });
  assert.equal(await workspace.holds(), 0);
});

test("the first end counts", async () => {
  const call = await client.guard(ask());
  call.record(USED);
  await Promise.all([call.end(), call.end(new Error("late")), call[Symbol.asyncDispose]()]);
  assert.equal((await workspace.only()).outcome, Outcome.SUCCESS);
  assert.equal(client.stats().delivered + client.stats().queued, 1);
});

test("a cap routes and says why", async () => {
  await workspace.cap("gpt-4.1", "0.001");
  await client.guard(ask({ inputTokens: 1000, maxOutputTokens: 500 }), (call) => {
    assert.deepEqual([call.routed, call.model], [true, "gpt-4.1-mini"]);
    assert.equal(call.verdicts[0]?.limitKind, "MODEL_LIMIT");
    call.record(USED);
  });
  assert.equal((await workspace.only()).modelId, "gpt-4.1-mini");
});

test("Blocked names the limit and its figures", async () => {
  await workspace.cap("gpt-4.1", "0.001");
  await workspace.fallback(false);
  const options = ask({ inputTokens: 1000, maxOutputTokens: 500, requestId: "r1" });
  const blocked = await client
    .guard(options, () => assert.fail("the block must not run"))
    .catch((error: unknown) => error);
  assert.ok(blocked instanceof Blocked);
  assert.deepEqual([blocked.requestId, blocked.retryAfterMs], ["r1", undefined]);
  const [verdict] = blocked.verdicts;
  assert.equal(verdict?.limit?.toString(), "0.001 USD");
  assert.equal(verdict.need?.amount.toFixed(), "0.006");
  assert.ok(verdict.resetTime instanceof Date);
  assert.match(blocked.message, /^blocked: model limit of model gpt-4\.1: /);
  assert.match(blocked.message, /limit 0\.001 USD, spent 0, held 0, need 0\.006/);
  assert.deepEqual([await workspace.records(), await workspace.holds()], [[], 0]);
});

test("a workspace without a plan runs what is free", async () => {
  const workspaceId = `w${makeRequestId().slice(-12)}`;
  await admin.workspace.createWorkspace({ workspace: { workspaceId, currencyCode: "USD" } });
  await admin.catalog.upsertModel({ model: { modelId: "free" } });
  const price = { currencyCode: "USD", inputPerMillion: "0", outputPerMillion: "0" };
  await admin.catalog.setModelPrice({ modelId: "free", price });
  for (const modelId of ["free", "gpt-4.1"]) {
    await admin.modelLimit.enableModel({ workspaceId, modelId });
  }
  await admin.apiKey.registerApiKey({ workspaceId, apiKey: { apiKeyId: "web" } });
  const free = ask({ workspace: workspaceId, model: "free", apiKey: "web" });
  await client.guard(free, (call) => {
    assert.equal(call.budgetState, "NO_PLAN");
    call.record(USED);
  });
  await assert.rejects(client.guard({ ...free, model: "gpt-4.1" }), (error) => {
    assert.ok(error instanceof Blocked);
    return error.verdicts[0]?.limitKind === "ENVELOPE";
  });
});

test("a rate limit says when to retry", async () => {
  await admin.quota.createRateLimit({
    workspaceId: workspace.id,
    rateLimit: {
      subject: { type: SubjectType.USER, id: "ada" },
      bounds: [{ unit: LimitUnit.REQUESTS, period: LimitPeriod.SLIDING_MINUTE, amount: 1n }],
    },
  });
  await client.guard(ask({ user: "ada" }), (call) => {
    call.record(USED);
  });
  await assert.rejects(client.guard(ask({ user: "ada" })), (error) => {
    assert.ok(error instanceof Blocked);
    assert.equal(error.reason, "RATE_LIMITED");
    assert.match(error.message, /rate limit of user ada .*limit 1, spent 1.*; retry after \d/);
    return error.retryAfterMs !== undefined && error.retryAfterMs > 0 && error.retryAfterMs < 61e3;
  });
});

test("defects of the caller are thrown under both policies", async () => {
  for (const onUnavailable of ["open", "closed"] as const) {
    const unknown = client.guard(ask({ workspace: "nobody", onUnavailable }), () =>
      assert.fail("the block must not run"),
    );
    await assert.rejects(unknown, { name: "ConnectError", code: Code.NotFound });
  }
  const nothing = client.guard({ workspace: "w", model: "m" });
  await assert.rejects(nothing, /guard\(\) needs inputTokens, prompt or messages/);
  const misspelt = { ...ask(), usr: "ada" };
  await assert.rejects(client.guard(misspelt), /guard\(\) has no option usr/);
  await assert.rejects(client.guard(ask({ inputTokens: 1.5 })), RangeError);
});

test("unavailable is typed", async () => {
  const { client: closed } = quiet({ address: "127.0.0.1:1", onUnavailable: "closed" });
  await assert.rejects(closed.guard(ask()), (error) => {
    assert.ok(error instanceof TollgateUnavailable);
    return error.cause instanceof ConnectError && error.cause.code === Code.Unavailable;
  });
  await closed.close();
  await assert.rejects(closed.guard(ask()), /the client is closed/);
});

test("a hold can be extended", async () => {
  const call = await client.guard(ask({ holdMs: 600_000 }));
  await call.extend(2 * 3600 * 1000);
  const { holds } = await admin.usage.listHolds({ workspaceId: workspace.id });
  assert.ok(holds[0]?.expireTime);
  assert.ok(timeOf(holds[0].expireTime).getTime() > Date.now() + 3600 * 1000);
  await call.end();
});

test("record never throws", async () => {
  await client.guard(ask(), (call) => {
    for (const nonsense of [null, 42, "not json", {}, { usage: "many" }, [[]], undefined]) {
      call.record(nonsense);
    }
    call.record(CHAT);
  });
  assert.equal((await workspace.only()).usage?.outputTokenCount, 100n);
  assert.match(log.text, /cannot be read/);
});

test("the last answer replaces the one before", async () => {
  const cached = { prompt_tokens: 9, prompt_tokens_details: { cached_tokens: 8 } };
  await client.guard(ask(), (call) => {
    call.record({ object: "chat.completion", usage: cached });
    call.record(CHAT);
  });
  const { usage } = await workspace.only();
  assert.deepEqual(usage && Usage.fromProto(usage), USED);
});

test("an answer that cannot be read costs what was held", async () => {
  const huge = Array.from({ length: 10_000 }, (_, n) => [`tokens${String(n)}`, 1] as const);
  const strange = { model: "gpt-4.1", usage: { gizmo_tokens: 1 } };
  for (const answer of ["<html>", strange, {}, { usage: Object.fromEntries(huge) }]) {
    const call = await client.guard(ask({ inputTokens: 1000, maxOutputTokens: 500, wait: true }));
    call.record(answer);
    await call.end();
    assert.deepEqual(
      [call.recorded?.unread, call.recorded?.cost.amount.toFixed()],
      [true, "0.006"],
    );
  }
  assert.ok(!log.text.includes("<html>"));
  assert.equal(client.stats().refused, 0);
});

test("the hint and the tier go with the answer", async () => {
  const used = { usage: { prompt_tokens: 5, completion_tokens: 7 } };
  for (const [tier, answer] of [
    [ServiceTier.FLEX, used],
    [ServiceTier.STANDARD, { ...used, service_tier: "default" }],
  ] as const) {
    await client.guard(ask({ serviceTier: "FLEX", wait: true }), (call) => {
      call.record(new ProviderAnswer([answer], "OpenAI"));
    });
    const record = (await workspace.records()).at(-1);
    assert.equal(record?.serviceTier, tier);
    assert.deepEqual([record.modelId, record.providerAnswer?.provider], ["gpt-4.1", "openai"]);
  }
});

test("units and factors", async () => {
  const usage = new Usage({ inputTokens: 5, units: { WEB_SEARCH: 3 }, factors: ["us"] });
  const held = await client.guard(ask({ maxOutputTokens: 0, units: { WEB_SEARCH: 5 } }));
  assert.ok(held.held?.amount.gt("0.01"));
  held.record(usage);
  await held.end();
  const record = await workspace.only();
  assert.deepEqual(record.usage && Usage.fromProto(record.usage, record.factors), usage);
  const priceless = client.guard(ask({ factors: ["us"] }));
  await assert.rejects(priceless, (error) => error instanceof Blocked);
});

const job = (status: string, usage: object | null = null) => {
  return { id: "r1", object: "response", status, model: "gpt-4.1", usage };
};
const DONE = job("completed", { input_tokens: 1000, output_tokens: 100 });

test("a block that waits for a job keeps its hold", async () => {
  await client.guard(ask({ holdMs: 1500, wait: true }), async (call) => {
    call.record(job("queued"));
    assert.ok(call.unfinished);
    await sleep(3000);
    assert.equal(await workspace.holds(), 1);
    call.record(DONE);
    assert.ok(!call.unfinished);
  });
  assert.equal((await workspace.only()).usage?.outputTokenCount, 100n);
});

test("a job that was left can be resumed anywhere", async () => {
  const begun = client.guard(ask({ requestId: "job" }), (call) => {
    call.record(job("queued"));
    throw new Error("the caller's own");
  });
  await assert.rejects(begun, /own/);
  assert.equal(await client.flush(), 0);
  const { holds } = await client.usage.listHolds({ workspaceId: workspace.id });
  const [expires] = holds.map(({ expireTime }) => expireTime && timeOf(expireTime).getTime());
  assert.ok(expires && expires > Date.now() + 23 * 3600 * 1000);

  const { client: other } = quiet({ address: server.address });
  const which = { workspace: workspace.id, requestId: "job" };
  await (await other.resume(which)).end();
  await assert.rejects(
    other.resume(which, () => {
      throw new Error("mine");
    }),
    /mine/,
  );
  for (const answer of [job("in_progress"), DONE, DONE]) {
    await other.resume(which, (call) => {
      call.record(answer);
    });
  }
  assert.equal(await other.flush(), 0);
  assert.deepEqual([other.stats().delivered, other.stats().refused], [2, 0]);
  await other.close();
  const record = await workspace.only();
  assert.deepEqual([record.usage?.outputTokenCount, record.outcome], [100n, Outcome.SUCCESS]);
});

test("a request that is checked again is its next attempt", async () => {
  for (const outputTokens of [1, 2]) {
    await client.guard(ask({ requestId: "again", wait: true }), (call) => {
      assert.equal(call.attempt, outputTokens - 1);
      call.record(new Usage({ outputTokens }));
    });
  }
  const attempts = (await workspace.records()).map(({ attempt }) => attempt);
  assert.deepEqual(attempts, [0, 1]);
});

test("an error that carries the answer is billed", async () => {
  const error = Object.assign(new Error("length"), { completion: CHAT });
  const failing = client.guard(ask(), (call) => {
    assert.ok(call.model);
    throw error;
  });
  await assert.rejects(failing, /length/);
  const record = await workspace.only();
  assert.equal(record.outcome, Outcome.ERROR);
  assert.deepEqual(record.usage && Usage.fromProto(record.usage), USED);
});

test("an address with http is plaintext", async () => {
  const { client: other } = quiet({ address: `http://${server.address}/`, token: "secret" });
  await other.guard(ask({ wait: true }), (call) => {
    assert.ok(!call.unchecked);
    call.record(USED);
  });
  await other.close();
});

test("request ids are ordered by time", () => {
  const before = Date.now();
  const ids = Array.from({ length: 100 }, makeRequestId);
  const after = Date.now();
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  assert.ok(ids.every((id) => form.test(id)));
  assert.equal(new Set(ids).size, 100);
  const times = ids.map((id) => parseInt(id.replaceAll("-", "").slice(0, 12), 16));
  assert.ok(times.every((time) => before <= time && time <= after));
});
