/** What happens where the server cannot be reached: wrong addresses, and the circuit breaker. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { ClientOptions, GuardOptions } from "tollgate-grpc";
import { Client, TollgateUnavailable, Usage } from "tollgate-grpc";
import { AccessService } from "tollgate-grpc/v1";

import { parseAddress } from "../src/address.js";
import { Breaker, CircuitOpen } from "../src/breaker.js";
import { Log, PATIENT, quiet, Server, Workspace } from "./server.js";

interface Addresses {
  dialled: { address: string; target: string; tls: boolean }[];
  refused: string[];
}
const ADDRESSES = JSON.parse(readFileSync("../conformance/address.json", "utf8")) as Addresses;
const NOWHERE = "127.0.0.1:1";
const ASK = { workspace: "acme", model: "gpt-4.1", inputTokens: 1 };
const unavailable = new ConnectError("as the test wants it", Code.Unavailable);

let own: Server;
let admin: Client;

before(async () => {
  own = await Server.start();
  admin = new Client({ address: own.address, ...PATIENT });
  await Workspace.create(admin, "acme");
});
after(async () => {
  await admin.close();
  await own.stop();
});

test("an address leads to one place, or is refused at once", () => {
  for (const { address, target, tls } of ADDRESSES.dialled) {
    const found = parseAddress(address, false);
    assert.deepEqual([found.text, found.tls], [target, tls], address);
    assert.ok(new Client({ address }), address);
  }
  for (const address of ADDRESSES.refused) {
    const isSaid = (error: unknown) =>
      error instanceof TypeError && /cannot be dialled(?!.*secret)/.test(error.message);
    assert.throws(() => new Client({ address, onUnavailable: "open" }), isSaid, address);
  }
  for (const address of ["http://127.0.0.1:1", "unix:/run/a"]) {
    assert.throws(() => new Client({ address, tls: true }), /plaintext/);
  }
});

function breaker(pauseMs: number): Breaker {
  return new Breaker({ address: "here", pauseMs, timeoutMs: pauseMs, logger: new Log() });
}
const fail = (error: Error) => () => Promise.reject(error);

test("a breaker lets one call find out", async () => {
  const it = breaker(200);
  let calls = 0;
  const count = () => Promise.resolve(++calls);
  await assert.rejects(it.call(fail(unavailable)), unavailable);
  for (let turn = 0; turn < 3; turn++) {
    const isOpen = (error: unknown) =>
      error instanceof CircuitOpen && error.rawMessage.includes("as the test wants it");
    await assert.rejects(it.call(count), isOpen);
  }
  assert.equal(calls, 0, "nobody else waits");
  await sleep(250);
  await it.call(() => assert.rejects(it.call(count), CircuitOpen));
  await it.call(count);
  assert.equal(calls, 1, "it was answered, and all may pass");
});

test("a breaker knows judgement from silence", async () => {
  const it = breaker(60_000);
  for (const error of [new ConnectError("no", Code.NotFound), new Error("of the token's source")]) {
    await assert.rejects(it.call(fail(error)), error);
    assert.equal(await it.call(() => Promise.resolve(1)), 1);
  }
  const never = breaker(0);
  await assert.rejects(never.call(fail(unavailable)), unavailable);
  await assert.rejects(never.call(fail(unavailable)), unavailable);
  await assert.rejects(it.call(fail(unavailable)), unavailable);
  it.stop();
  assert.equal(await it.call(() => Promise.resolve(1)), 1);
  await assert.rejects(it.call(fail(unavailable)), unavailable);
  assert.equal(await it.call(() => Promise.resolve(1)), 1, "a closed client says so itself");
});

async function isUnchecked(client: Client, options: Partial<GuardOptions> = {}): Promise<boolean> {
  return client.guard({ ...ASK, ...options }, (call) => {
    call.record(new Usage({ inputTokens: 1 }));
    return call.unchecked;
  });
}

test("while a server hangs one call waits, and it is found again", async () => {
  const make = (options: ClientOptions) =>
    quiet({ address: own.address, ...PATIENT, timeoutMs: 1000, ...options }).client;
  const [client, patient] = [make({}), make({ breakDurationMs: 60_000 })];
  for (const one of [client, patient]) {
    assert.equal(await isUnchecked(one), false);
    assert.equal(await one.flush(), 0);
  }
  await own.pause();
  assert.equal(await isUnchecked(patient), true);
  const begin = performance.now();
  for (let turn = 0; turn < 50; turn++) {
    assert.equal(await isUnchecked(patient), true);
  }
  const closed = { onUnavailable: "closed" } as const;
  await assert.rejects(isUnchecked(patient, closed), /earlier call/);
  await assert.rejects(isUnchecked(patient, { wait: true }), /queued/);
  assert.ok(performance.now() - begin < 1000, "each would have waited as long as that");
  assert.equal(await isUnchecked(client), true);
  own.resume();
  const isFoundAgain = async () => {
    const end = performance.now() + 60_000;
    while (await isUnchecked(client)) {
      assert.ok(performance.now() < end);
      await sleep(50);
    }
  };
  await isFoundAgain();
  await own.stop("SIGKILL");
  assert.equal(await isUnchecked(client), true);
  await own.start();
  await isFoundAgain();
  assert.equal(await client.close(), 0);
  assert.equal(await patient.close(), 0);
});

test("who never reached a server says so loudly", async () => {
  const { client, log } = quiet({ address: NOWHERE });
  for (let turn = 0; turn < 5; turn++) {
    assert.equal(await isUnchecked(client), true);
  }
  assert.match(log.text, /tollgate has NEVER answered at 127\.0\.0\.1:1 /);
  assert.equal(log.text.match(/unchecked/g)?.length, 1);
  await client.close(0);

  const other = quiet({ address: own.address, ...PATIENT });
  await other.client.ready();
  await own.stop("SIGKILL");
  assert.equal(await isUnchecked(other.client), true);
  await own.start();
  assert.match(other.log.text, /running unchecked/);
  assert.doesNotMatch(other.log.text, /NEVER/);
  assert.equal(await other.client.close(), 0);
});

test("ready lets a program fail at its start", async (t) => {
  await admin.ready(60_000);
  const { client } = quiet({ address: NOWHERE });
  const begin = performance.now();
  await assert.rejects(client.ready(300), (error) => {
    return error instanceof TollgateUnavailable && error.message.includes(NOWHERE);
  });
  assert.ok(performance.now() - begin >= 300);
  await client.close(0);

  const server = createServer(
    connectNodeAdapter({
      routes(router) {
        router.service(AccessService, {
          whoAmI: () => Promise.reject(new ConnectError("no credentials", Code.Unauthenticated)),
        });
      },
    }),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = String((server.address() as AddressInfo).port);
  const denied = quiet({ address: `127.0.0.1:${port}` }).client;
  t.after(async () => {
    await denied.close(0);
    server.close();
  });
  await assert.rejects(denied.ready(), { code: Code.Unauthenticated });
});

test("a count that can be none is refused and counted", async () => {
  const { client, log } = quiet({ address: own.address, ...PATIENT });
  const before = await admin.budget.getBudget({ workspaceId: "acme" });
  const counts = [1e30, NaN, Infinity, -1, 2 ** 53 + 2, 2 ** 63, 1.5];
  for (const count of counts) {
    const usages = [new Usage({ outputTokens: count }), new Usage({ units: { IMAGE: count } })];
    for (const usage of usages) {
      const use = (wait: boolean) =>
        client.guard({ ...ASK, wait }, (call) => {
          call.record(usage);
          return call.requestId;
        });
      const id = await use(false);
      assert.match(log.text, new RegExp(`${id} is refused: .* expected a whole number from 0 to`));
      await assert.rejects(use(true), { code: Code.InvalidArgument });
    }
  }
  const refused = counts.length * 4;
  assert.deepEqual(client.stats(), { queued: 0, delivered: 0, dropped: 0, refused });
  // What the server refuses counts alike.
  const tooMany = client.guard({ ...ASK, wait: true }, (call) => {
    call.record(new Usage({ inputTokens: 1e12 }));
  });
  await assert.rejects(tooMany, { code: Code.InvalidArgument });
  assert.deepEqual(client.stats(), { queued: 0, delivered: 0, dropped: 0, refused: refused + 1 });
  const spent = await admin.budget.getBudget({ workspaceId: "acme" });
  assert.equal(spent.budget?.spent?.amount, before.budget?.spent?.amount);
  await client.close();
});
