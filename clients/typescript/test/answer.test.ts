/** What of a provider answer leaves the caller, and estimates, on the cases of all languages. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import type { JsonObject } from "@bufbuild/protobuf";
import { fromJson } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Client, estimateTokens, ProviderAnswer, Usage } from "tollgate-grpc";
import { Outcome, UsageSchema } from "tollgate-grpc/v1";

import { Parts, reduce } from "../src/answer.js";
import { ESTIMATE } from "../src/estimate.js";
import { LIMITS, READING, RULE } from "../src/rule.js";
import { PACKAGE, PATIENT, Server, Workspace } from "./server.js";

interface File {
  rule: Record<string, unknown>;
  reading: Record<string, unknown>;
  limits: Record<string, unknown>;
  cases: { name: string; input: unknown; reduced: unknown }[];
  selections: { name: string; parts: unknown[]; kept: unknown }[];
  refusals: { name: string; part: unknown }[];
}
interface Recorded {
  provider: string;
  input: unknown;
  expected: { usage: JsonObject; model: string | null; error?: string };
}

const SHARED = join(PACKAGE, "../conformance");
const load = (name: string): unknown => JSON.parse(readFileSync(join(SHARED, name), "utf8"));
const FILE = load("provider_answer.json") as File;
const ESTIMATES = load("estimate.json") as {
  rule: Record<string, unknown>;
  cases: { name: string; content: unknown; tokens: number }[];
};
const RECORDED = readdirSync(join(SHARED, "usage")).filter((name) => name.endsWith(".json"));

function sent(...parts: unknown[]): unknown[] {
  return new ProviderAnswer(parts).json.map((text) => JSON.parse(text) as unknown);
}

/** Names as JavaScript spells them. */
function camel(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return value;
  }
  const spelt = (name: string) =>
    name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [spelt(name), camel(inner)]),
  );
}

test("the lists are those of all languages", () => {
  assert.deepEqual(RULE, camel(FILE.rule));
  assert.deepEqual(READING, camel(FILE.reading));
  assert.deepEqual(LIMITS, camel(FILE.limits));
  assert.deepEqual(ESTIMATE, camel(ESTIMATES.rule));
  const counts = [FILE.cases, FILE.selections, FILE.refusals, ESTIMATES.cases, RECORDED];
  const least = [27, 9, 6, 27, 40];
  counts.forEach((list, index) => {
    assert.ok(list.length >= (least[index] ?? Infinity));
  });
});

for (const { name, input, reduced } of FILE.cases) {
  test(`reduced: ${name}`, () => {
    const left: unknown[] = (Array.isArray(reduced) ? reduced : [reduced]).filter(
      (part: object) => Object.keys(part).length > 0,
    );
    const expected: unknown[] = left.length > 0 ? left : [{}];
    assert.deepEqual(sent(JSON.stringify(input)), expected);
    assert.deepEqual(sent(Buffer.from(JSON.stringify(input))), expected);
    if (typeof input !== "string") {
      assert.deepEqual(sent(input), expected);
    }
    assert.deepEqual(sent(...expected), expected, "reduced once more");
  });
}

for (const { name, parts, kept } of FILE.selections) {
  test(`selected: ${name}`, () => {
    assert.deepEqual(sent(...parts), kept);
    assert.deepEqual(sent(parts), kept);
  });
}

for (const { name, part } of FILE.refusals) {
  test(`refused without its text: ${name}`, () => {
    const isSilent = (error: unknown) =>
      error instanceof TypeError && !error.message.includes("SECRET");
    assert.throws(() => new ProviderAnswer([part]), isSilent);
  });
}

for (const { name, content, tokens } of ESTIMATES.cases) {
  test(`estimated: ${name}`, () => {
    assert.equal(estimateTokens(content), tokens);
  });
}

test("a tokenizer counts texts alone", () => {
  const messages = [
    { role: "system", content: "x".repeat(8) },
    { role: "user", content: [{ type: "text", text: "y".repeat(8) }, { type: "image_url" }] },
    { role: "user", content: new Uint8Array(99) },
  ];
  assert.equal(estimateTokens(messages), 4 + 1105);
  assert.equal(
    estimateTokens(messages, (text) => text.length),
    16 + 1105,
  );
});

test("objects of libraries", () => {
  class Message {
    readonly content = "SECRET";
    toJSON(): unknown {
      return { kwargs: { content: "SECRET", usage_metadata: { input_tokens: 5 } } };
    }
  }
  assert.deepEqual(sent(new Message()), [{ kwargs: { usage_metadata: { input_tokens: 5 } } }]);
  const map = new Map<unknown, unknown>([
    ["usage", { tokens: 7n, when: new Date(), bytes: new Uint8Array(3) }],
    [7, "SECRET"],
  ]);
  assert.deepEqual(sent(map), [{ usage: { tokens: 7 } }]);
  const proto = JSON.parse('{"usage": {"__proto__": {"tokens": 1}, "tokens": 2}}') as unknown;
  assert.equal(
    new ProviderAnswer([proto]).json[0],
    '{"usage":{"__proto__":{"tokens":1},"tokens":2}}',
  );
});

test("what the server would refuse does not leave", () => {
  const half = { model: "m\ud83d", usage: { prompt_tokens: 1 } };
  assert.deepEqual(sent(half), [{ usage: { prompt_tokens: 1 } }]);
  assert.deepEqual(sent(JSON.stringify(half)), [{ usage: { prompt_tokens: 1 } }]);
  for (const odd of [NaN, Infinity]) {
    assert.throws(() => sent({ usage: { prompt_tokens: odd } }), /not finite/);
  }
  const circle: Record<string, unknown> = {};
  circle.usage = circle;
  assert.throws(() => sent(circle), /nested/);
  const list: unknown[] = [];
  list.push(list);
  assert.throws(() => sent(list), /nested/);
  for (const nothing of [null, undefined, 7, Symbol("x"), () => 0]) {
    assert.throws(() => sent(nothing), TypeError);
  }
  const large = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`n${String(n)}`, n]));
  const rounds = Array.from({ length: 16 }, (_, n) => ({ usage: { ...large, round_tokens: n } }));
  const { json } = new ProviderAnswer(rounds);
  assert.ok(json.length >= 2 && json.length < 16 && json.join("").length <= LIMITS.bytes);
  assert.match(json.at(-1) ?? "", /"round_tokens":15/);
  const huge = Array.from({ length: 10_000 }, (_, n) => [`tokens${String(n)}`, 1] as const);
  assert.throws(() => sent({ usage: Object.fromEntries(huge) }), /65536 bytes/);
});

test("a long stream is bounded in memory", () => {
  const parts = new Parts();
  for (let number = 0; number < 10_000; number++) {
    parts.add(reduce({ usageMetadata: { candidatesTokenCount: number }, text: "x" }));
  }
  const kept = parts.toJson().map((text) => Number(/\d+/.exec(text)?.[0]));
  assert.deepEqual(kept, [0, ...Array.from({ length: 15 }, (_, index) => 9985 + index)]);
});

let server: Server;
let client: Client;
let workspace: Workspace;

before(async () => {
  server = await Server.start();
  client = new Client({ ...PATIENT, address: server.address });
  workspace = await Workspace.create(client);
});
after(async () => {
  await client.close();
  await server.stop();
});

for (const name of RECORDED) {
  test(`the server reads: ${name}`, async () => {
    const { provider, input, expected } = load(`usage/${name}`) as Recorded;
    const recording = client.usage.recordUsage({
      workspaceId: workspace.id,
      requestId: name,
      modelId: expected.model ? "" : "gpt-4.1",
      outcome: Outcome.SUCCESS,
      providerAnswer: new ProviderAnswer([input], provider).toProto(),
    });
    if (expected.error) {
      const isRefused = (error: unknown) =>
        error instanceof ConnectError && error.code === Code.InvalidArgument;
      await assert.rejects(recording, isRefused);
      return;
    }
    const { usage, unread } = await recording;
    const units = (expected.usage.units ?? []) as { kind: string }[];
    const kinds = units.map((unit) => ({ ...unit, kind: `UNIT_KIND_${unit.kind}` }));
    const read = usage && Usage.fromProto(usage).toProto();
    assert.deepEqual(read, fromJson(UsageSchema, { ...expected.usage, units: kinds }));
    assert.equal(unread, false);
  });
}
