/** The README's example and the examples, as a new user runs them, and what comes of it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { promisify } from "node:util";

import { Client } from "tollgate-grpc";
import { Outcome } from "tollgate-grpc/v1";
import ts from "typescript";

import { Provider, TEXT, WORDS } from "./provider.js";
import { PACKAGE, PATIENT, Server, Workspace } from "./server.js";

let server: Server;
let provider: Provider;
let admin: Client;
let workspace: Workspace;

before(async () => {
  server = await Server.start();
  provider = await Provider.start();
  admin = new Client({ ...PATIENT, address: server.address });
});
beforeEach(async () => {
  workspace = await Workspace.create(admin);
});
after(async () => {
  await admin.close();
  provider.close();
  await server.stop();
  rmSync(RUN, { recursive: true });
});

// Programs as they are run here, so that what they import is found.
const RUN = join(PACKAGE, "dist/run");
const { timeoutMs, flushTimeoutMs } = PATIENT;
const PATIENTLY = `timeoutMs: ${String(timeoutMs)}, flushTimeoutMs: ${String(flushTimeoutMs)}`;

/** Runs a program as a user would; gives what it says. */
async function run(...words: string[]): Promise<string> {
  const env = {
    ...process.env,
    TOLLGATE_ADDRESS: server.address,
    OPENAI_API_KEY: "k",
    OPENAI_BASE_URL: `${provider.url}/v1`,
  };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, words, {
    cwd: PACKAGE,
    env,
    timeout: 300_000,
  });
  assert.equal(stderr, "");
  return stdout;
}

/** The file of an example, which is as it is in all but its patience with a busy machine. */
function example(name: string): string {
  const source = readFileSync(join("dist/examples", `${name}.js`), "utf8");
  assert.ok(source.includes("new Client()"));
  mkdirSync(RUN, { recursive: true });
  const file = join(RUN, `${name}.js`);
  writeFileSync(file, source.replace("new Client()", `new Client({ ${PATIENTLY} })`));
  return file;
}

test("the example of the README", async () => {
  const [, block = ""] = /```ts\n(.*?)```/s.exec(readFileSync("README.md", "utf8")) ?? [];
  const lines = block.split("\n").filter((line) => line && !line.startsWith("import"));
  assert.ok(lines.length <= 10, "ten lines");
  assert.ok(block.includes('"acme"') && block.includes("127.0.0.1:50051"));
  const source = block
    .replace("acme", workspace.id)
    .replace('"127.0.0.1:50051"', `"${server.address}", ${PATIENTLY}`);
  mkdirSync(RUN, { recursive: true });
  const file = join(RUN, "readme.ts");
  writeFileSync(file, source);
  const options: ts.CompilerOptions = {
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    types: ["node"],
    skipLibCheck: true,
  };
  const compiled = ts.createProgram([file], options);
  const found = [...ts.getPreEmitDiagnostics(compiled), ...compiled.emit().diagnostics];
  assert.deepEqual(
    found.map(({ messageText }) => messageText),
    [],
  );
  assert.equal((await run(file.replace(/ts$/, "js"))).trim(), TEXT);
  const record = await workspace.only();
  assert.equal(record.attribution?.userId, "ada");
  // 600 of input, 400 cached, 200 of output.
  assert.equal((await workspace.spent()).toFixed(), "0.003");
});

test("basic", async () => {
  assert.equal(await run(example("basic"), workspace.id), `${TEXT}\ngpt-4.1 cost 0.003 USD\n`);
});

test("streaming", async () => {
  const heard = WORDS.slice(0, 2).join("");
  assert.equal(await run(example("streaming"), workspace.id), `${TEXT}\ncut after: ${heard}\n`);
  const [whole, cut] = await workspace.waitFor(2);
  assert.deepEqual([whole?.outcome, cut?.outcome], [Outcome.SUCCESS, Outcome.CANCELLED]);
  assert.equal(cut?.usage?.outputTokenCount, 4n);
});

test("fallback", async () => {
  await workspace.cap("gpt-4.1", "0.001", "gpt-4.1-mini");
  const [first, second, third] = (await run(example("fallback"), workspace.id)).split("\n");
  assert.equal(first, "fallback true: answered by gpt-4.1-mini-2025-04-14");
  assert.match(second ?? "", /^fallback false: blocked: model limit of model gpt-4\.1: /);
  assert.equal(third, "retry after: undefined");
});

test("admin", async () => {
  const lines = (await run(example("admin"), `w${randomBytes(6).toString("hex")}`)).split("\n");
  assert.match(lines[0] ?? "", /^spent 0 USD, held 0 USD/);
  assert.match(lines.at(-2) ?? "", /^spent 0\.0028 USD, held 0 USD/);
});
