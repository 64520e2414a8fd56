/** The fake for tests of users: what it answers, and what it keeps. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Code, ConnectError } from "@connectrpc/connect";
import type { Client, GuardOptions } from "tollgate-grpc";
import { Blocked, TollgateUnavailable, Usage } from "tollgate-grpc";
import { FakeTollgate } from "tollgate-grpc/testing";

import { Log, PATIENT } from "./server.js";

const USED = new Usage({ inputTokens: 1000, outputTokens: 100 });

function run(client: Client, options: Partial<GuardOptions> = {}) {
  const ask = { workspace: "acme", model: "gpt-4.1", inputTokens: 1000 };
  return client.guard({ ...ask, ...options }, (call) => {
    call.record(USED);
    return call;
  });
}

test("it answers as set, and keeps requests", async () => {
  await using tollgate = await FakeTollgate.start();
  await using client = tollgate.client({ ...PATIENT, logger: new Log() });
  await client.ready();
  assert.equal((await run(client, { user: "ada" })).model, "gpt-4.1");
  assert.equal(await client.flush(), 0);
  assert.equal(tollgate.records[0]?.usage?.inputTokenCount, 1000n);
  assert.equal(tollgate.checks[0]?.attribution?.userId, "ada");

  tollgate.route("gpt-4.1-mini");
  const routed = await run(client, { wait: true });
  assert.deepEqual([routed.routed, routed.recorded?.usage], [true, USED]);
  assert.equal(routed.recorded?.cost.toString(), "0 USD");
  assert.equal(tollgate.records[1]?.modelId, "gpt-4.1-mini");

  tollgate.block("RATE_LIMITED", 9000);
  await assert.rejects(run(client), (error) => {
    assert.ok(error instanceof Blocked);
    const { reason, retryAfterMs, verdicts } = error;
    assert.deepEqual(
      [reason, retryAfterMs, verdicts[0]?.reason],
      ["RATE_LIMITED", 9000, "RATE_LIMITED"],
    );
    return true;
  });

  tollgate.allow();
  await client.guard(
    { workspace: "acme", model: "gpt-4.1", inputTokens: 1, requestId: "idle" },
    () => undefined,
  );
  assert.equal(await client.flush(), 0);
  assert.equal(tollgate.releases[0]?.requestId, "idle");
  await assert.rejects(client.budget.getBudget({}), { code: Code.Unimplemented });
});

test("it fails with the code that was set", async () => {
  const tollgate = await FakeTollgate.start();
  const logger = new Log();
  const client = tollgate.client({ onUnavailable: "closed", breakDurationMs: 0, logger });
  tollgate.fail();
  await assert.rejects(run(client), TollgateUnavailable);
  assert.equal((await run(client, { onUnavailable: "open" })).unchecked, true);
  assert.deepEqual([tollgate.records.length, client.stats().queued], [0, 1]);
  tollgate.fail(Code.NotFound);
  await assert.rejects(run(client), (error) => (error as ConnectError).code === Code.NotFound);
  tollgate.allow();
  assert.equal(await client.close(60_000), 0);
  await tollgate.close();
});
