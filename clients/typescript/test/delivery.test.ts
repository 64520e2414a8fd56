/** What is recorded arrives exactly once: through outages, full queues, files, and exits. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import type { GuardOptions } from "tollgate-grpc";
import { Client, TollgateUnavailable, Usage } from "tollgate-grpc";

import { folder, Log, PACKAGE, PATIENT, quiet, Server, Workspace } from "./server.js";

const USED = new Usage({ inputTokens: 1000, outputTokens: 100 });
const COST = 0.0028;
const NOWHERE = "127.0.0.1:1";

let server: Server;
let admin: Client;

before(async () => {
  server = await Server.start();
  admin = new Client({ ...PATIENT, address: server.address });
});
after(async () => {
  await admin.close();
  await server.stop();
});

async function run(client: Client, workspace: string, count = 1): Promise<void> {
  const options: GuardOptions = { workspace, model: "gpt-4.1", inputTokens: 1000 };
  for (let n = 0; n < count; n++) {
    await client.guard(options, (call) => {
      call.record(USED, { model: call.model });
    });
  }
}

/** A server of its own, with a workspace that outlives it. */
async function own(): Promise<{ server: Server; workspace: Workspace; admin: Client }> {
  const server = await Server.start();
  const admin = new Client({ ...PATIENT, address: server.address });
  return { server, admin, workspace: await Workspace.create(admin, "acme") };
}

/** Runs a program that has `Client` and `Usage`, as a process of its own; not for ever. */
async function program(source: string, ...flags: string[]) {
  const script = `import { Client, Usage } from "tollgate-grpc";\n${source}`;
  const child = spawn(process.execPath, [...flags, "--input-type=module", "-e", script], {
    cwd: PACKAGE,
    stdio: ["ignore", "ignore", "pipe"],
    timeout: 120_000,
    killSignal: "SIGKILL",
  });
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const [status, signal] = (await once(child, "close")) as [number | null, string | null];
  return { status, signal, stderr };
}

test("open runs and delivers later, exactly once", async () => {
  const { server, admin, workspace } = await own();
  const { client } = quiet({ address: server.address });
  const ids: string[] = [];
  await client.guard({ workspace: "acme", model: "gpt-4.1", inputTokens: 1 }, async (call) => {
    await server.stop("SIGKILL");
    call.record(USED, { model: call.model });
    ids.push(call.requestId);
  });
  const options = { workspace: "acme", model: "gpt-4.1", inputTokens: 1, user: "ada" };
  await client.guard(options, (call) => {
    assert.deepEqual([call.unchecked, call.decision, call.held], [true, undefined, undefined]);
    assert.equal(call.model, "gpt-4.1");
    call.record(USED);
    ids.push(call.requestId);
  });
  assert.equal(await client.flush(200), 2);
  assert.deepEqual(client.stats(), { queued: 2, delivered: 0, dropped: 0, refused: 0 });
  await server.start();
  assert.equal(await client.flush(), 0);
  assert.deepEqual(client.stats(), { queued: 0, delivered: 2, dropped: 0, refused: 0 });
  const records = await workspace.records();
  assert.deepEqual(records.map((record) => record.requestId).sort(), ids.sort());
  assert.ok(records.some((record) => record.attribution?.userId === "ada"));
  assert.equal((await workspace.spent()).toNumber(), 2 * COST);
  await client.close();
  await admin.close();
  await server.stop();
});

test("a server that dies in the middle of a call is one that cannot be reached", async () => {
  const { server, admin } = await own();
  // Its deadline is far off.
  const { client } = quiet({ address: server.address });
  await run(client, "acme");
  assert.equal(await client.flush(), 0);
  await server.pause();
  const guarded = client.guard({ workspace: "acme", model: "gpt-4.1", inputTokens: 1 }, (call) => {
    assert.ok(call.unchecked);
  });
  setTimeout(() => void server.stop("SIGKILL"), 100);
  await guarded;
  await client.close(0);
  await admin.close();
});

test("a server that hangs costs the deadline", async () => {
  const { server, admin, workspace } = await own();
  const { client } = quiet({ address: server.address, timeoutMs: 300 });
  await run(client, "acme");
  assert.equal(await client.flush(), 0);
  await server.pause();
  const begin = performance.now();
  await run(client, "acme");
  const took = performance.now() - begin;
  server.resume();
  // The server hung for longer than that, and would have for ever.
  assert.ok(took > 200 && took < 30_000, `${String(took)} ms`);
  assert.equal(await client.close(), 0);
  assert.equal((await workspace.spent()).toNumber(), 2 * COST);
  await admin.close();
  await server.stop();
});

test("wait throws if no server answers, and queues all the same", async () => {
  const { client, log } = quiet({ address: NOWHERE });
  const options = { workspace: "w", model: "m", inputTokens: 1, wait: true };
  const queued = client.guard(options, (call) => {
    call.record(USED);
  });
  await assert.rejects(queued, (error) => {
    assert.ok(error instanceof TollgateUnavailable);
    return error.message.includes("queued");
  });
  const failed = client.guard(options, (call) => {
    assert.ok(call.model);
    throw new RangeError("its own");
  });
  await assert.rejects(failed, new RangeError("its own"));
  assert.match(log.text, /is not recorded yet/);
  assert.equal(client.stats().queued, 2);
  assert.equal(await client.close(0), 2);
});

test("a full queue drops and says so", async () => {
  const { client, log } = quiet({ address: NOWHERE, queueMax: 3 });
  await run(client, "w", 5);
  assert.deepEqual(client.stats(), { queued: 3, delivered: 0, dropped: 2, refused: 0 });
  assert.equal(log.text.split("3 are waiting already").length, 2, "said once");
  assert.equal(await client.close(0), 3);
  assert.match(log.text, /3 usage records were not delivered and are lost/);
});

test("a refused record is logged and not tried again", async () => {
  const workspace = await Workspace.create(admin);
  const { client, log } = quiet({ address: server.address });
  const options = { workspace: workspace.id, model: "gpt-4.1", inputTokens: 1, requestId: "huge" };
  await client.guard(options, (call) => {
    call.record(new Usage({ inputTokens: 10 ** 12 }));
  });
  await run(client, workspace.id);
  assert.equal(await client.flush(), 0);
  assert.deepEqual(client.stats(), { queued: 0, delivered: 1, dropped: 0, refused: 1 });
  assert.match(log.text, /the usage record huge is refused/);
  await client.close();
});

test("a queue file survives the process, and takes what memory has no room for", async () => {
  const { server, admin, workspace } = await own();
  const path = join(folder(), "queue.jsonl");
  await server.stop("SIGKILL");
  const killed = await program(`
    const client = new Client({
      address: ${JSON.stringify(server.address)}, queueMax: 30, queuePath: ${JSON.stringify(path)},
      logger: { warn() {}, error() {} },
    });
    await Promise.all(Array.from({ length: 250 }, (_, n) =>
      client.guard({ workspace: "acme", model: "gpt-4.1", inputTokens: 1, requestId: "r" + n },
        (call) => call.record(new Usage({ inputTokens: 1000, outputTokens: 100 }), call))));
    if (client.stats().queued !== 250) process.exit(1);
    process.kill(process.pid, "SIGKILL");
  `);
  assert.equal(killed.signal, "SIGKILL", killed.stderr);
  assert.equal(readFileSync(path, "utf8").trimEnd().split("\n").length, 250);
  appendFileSync(path, '{"workspaceId": "ac'); // As a process that is killed while it writes.
  await server.start();
  const { client, log } = quiet({ address: server.address, queueMax: 30, queuePath: path });
  assert.throws(() => new Client({ queuePath: path }), /another client uses the queue file/);
  await run(client, "acme", 20);
  assert.equal(await client.flush(), 0);
  assert.deepEqual(client.stats(), { queued: 0, delivered: 270, dropped: 0, refused: 0 });
  assert.match(log.text, /a line of the queue file is not a record/);
  assert.equal(readFileSync(path, "utf8"), "");
  assert.equal((await workspace.spent()).toNumber(), 270 * COST);
  assert.equal((await workspace.records()).length, 270);
  await client.close();
  assert.equal(existsSync(`${path}.lock`), false);
  await admin.close();
  await server.stop();
});

test("what does not fit into the queue of a closed client is dropped", async () => {
  const { client, log } = quiet({ address: NOWHERE, queuePath: join(folder(), "queue") });
  const call = await client.guard({ workspace: "w", model: "m", inputTokens: 1 });
  call.record(USED);
  await client.close(0);
  await call.end();
  assert.equal(client.stats().dropped, 1);
  assert.match(log.text, /dropped: the client is closed/);
});

test("the lock of a dead process is taken, also one of another machine", async () => {
  const path = join(folder(), "queue");
  for (const holder of ["", "1 other-boot pid:[1] 7", "999999999 x y z", "nonsense"]) {
    writeFileSync(`${path}.lock`, holder);
    const { client } = quiet({ queuePath: path });
    await client.close(0);
    assert.equal(existsSync(`${path}.lock`), false);
  }
  assert.throws(() => new Client({ queuePath: "/nowhere/queue" }), /ENOENT/);
});

test("nothing is lost at normal exit", async () => {
  const workspace = await Workspace.create(admin);
  const result = await program(`
    const client = new Client(${JSON.stringify({ ...PATIENT, address: server.address })});
    for (let n = 0; n < 150; n++) {
      await client.guard({ workspace: "${workspace.id}", model: "gpt-4.1", inputTokens: 1 },
        (call) => call.record(new Usage({ inputTokens: 1000, outputTokens: 100 }), call));
    }
  `);
  assert.deepEqual([result.status, result.stderr], [0, ""]);
  assert.equal((await workspace.records()).length, 150);
  assert.equal((await workspace.spent()).toFixed(), "0.42");
});

test("neither an idle nor a closed client keeps a process alive", async () => {
  const workspace = await Workspace.create(admin);
  // A timer of these would keep it alive for longer than it is let run.
  const options = { address: server.address, timeoutMs: 600_000, flushTimeoutMs: 600_000 };
  const result = await program(`
    const client = new Client(${JSON.stringify(options)});
    await client.guard({ workspace: "${workspace.id}", model: "gpt-4.1", inputTokens: 1 },
      (call) => call.record(new Usage({ inputTokens: 1 })));
    await client.flush();
    const closed = new Client(${JSON.stringify(options)});
    await closed.close();
    await closed.usage.listHolds({}).catch(() => {});
  `);
  assert.deepEqual([result.status, result.stderr], [0, ""]);
});

test("exit is not held up for longer than the flush timeout", async () => {
  const source = `
    const error = (text) => text.includes("unchecked") || console.error(text);
    const logger = { warn() {}, error };
    const client = new Client({ address: "${NOWHERE}", flushTimeoutMs: 500, logger });
    await client.guard({ workspace: "w", model: "m", inputTokens: 1 },
      (call) => call.record(new Usage({ inputTokens: 1 })));`;
  // Four seconds as turns of the event loop: a machine that stalls makes one of them longer.
  const result = await program(`${source}
    let turns = 0;
    const turn = () => turns++ < 40 ? setTimeout(turn, 100).unref() : console.error("held up");
    process.once("beforeExit", turn);
    process.once("exit", () => console.error(turns > 1 ? "waited" : "did not wait"));`);
  const lost = "tollgate: 1 usage records were not delivered and are lost\n";
  assert.deepEqual([result.status, result.stderr], [0, `${lost}waited\n`]);
  const hasty = await program(`${source}\nprocess.exit(3);`);
  assert.deepEqual(
    [hasty.status, hasty.stderr],
    [3, lost],
    "said also where nothing is waited for",
  );
});

test("a thousand guards at once spend exactly", async () => {
  const workspace = await Workspace.create(admin);
  const { client } = quiet({
    address: server.address,
    timeoutMs: 300_000,
    flushTimeoutMs: 300_000,
  });
  await Promise.all(Array.from({ length: 1000 }, () => run(client, workspace.id)));
  assert.equal(await client.flush(), 0);
  assert.deepEqual(client.stats(), { queued: 0, delivered: 1000, dropped: 0, refused: 0 });
  assert.equal((await workspace.spent()).toFixed(), "2.8");
  assert.equal(await workspace.holds(), 0);
  await client.close();
});

test("a log is asked only for what its caller does not see", async () => {
  const log = new Log();
  const client = new Client({ ...PATIENT, address: server.address, logger: log });
  await run(client, (await Workspace.create(admin)).id, 3);
  assert.equal(await client.close(), 0);
  assert.equal(log.text, "");
});
