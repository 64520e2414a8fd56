/** `wrap` with the real SDK packages against a fake of the providers' HTTP APIs. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { Stream } from "openai/core/streaming";
import { Blocked, Client, Usage, wrap } from "tollgate-grpc";
import type { UsageRecord } from "tollgate-grpc/v1";
import { Outcome, ServiceTier, UsageSource } from "tollgate-grpc/v1";

import { Provider, TEXT } from "./provider.js";
import { PATIENT, quiet, Server, until, Workspace } from "./server.js";

type Chat = OpenAI.ChatCompletionCreateParamsNonStreaming;
type Message = Anthropic.MessageCreateParamsNonStreaming;
const USED = new Usage({
  inputTokens: 600,
  cacheReadTokens: 400,
  outputTokens: 150,
  reasoningTokens: 50,
});
const CLAUDE_USED = new Usage({
  inputTokens: 600,
  cacheReadTokens: 400,
  cacheWrite5mTokens: 10,
  cacheWrite1hTokens: 20,
  outputTokens: 200,
});
const { SUCCESS, ERROR, CANCELLED } = Outcome;

let server: Server;
let provider: Provider;
let admin: Client;
let client: Client;
let workspace: Workspace;
let gpt: OpenAI;
let claude: Anthropic;

before(async () => {
  server = await Server.start();
  provider = await Provider.start();
  admin = new Client({ ...PATIENT, address: server.address });
  ({ client } = quiet({ address: server.address }));
});
beforeEach(async () => {
  workspace = await Workspace.create(admin);
  await workspace.enable("claude-sonnet-4-5", "claude-haiku-4-5");
  await workspace.cap("gpt-4.1", "100", "gpt-4.1-mini");
  await workspace.cap("claude-sonnet-4-5", "100", "claude-haiku-4-5");
  const settings = { apiKey: "k", maxRetries: 0 };
  const baseURL = `${provider.url}/v1`;
  gpt = wrap(new OpenAI({ ...settings, baseURL }), {
    client,
    workspace: workspace.id,
    user: "ada",
  });
  claude = wrap(new Anthropic({ ...settings, baseURL: provider.url }), {
    client,
    workspace: workspace.id,
  });
});
after(async () => {
  await client.close();
  await admin.close();
  provider.close();
  await server.stop();
});

function ask(content = "x".repeat(4000)): Chat {
  return { model: "gpt-4.1", messages: [{ role: "user", content }] };
}

function tell(content = "x".repeat(4000)): Message {
  const messages = [{ role: "user" as const, content }];
  return { model: "claude-sonnet-4-5", max_tokens: 500, messages };
}

function usageOf(record: UsageRecord): Usage {
  assert.ok(record.usage);
  return Usage.fromProto(record.usage);
}

async function list<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) {
    all.push(item);
  }
  return all;
}

test("a chat completion", async () => {
  const answer = await gpt.chat.completions.create({
    ...ask(),
    max_completion_tokens: 500,
    service_tier: "flex",
  });
  assert.equal(answer.choices[0]?.message.content, TEXT);
  const record = await workspace.only();
  assert.equal(record.modelId, "gpt-4.1-2025-04-14");
  assert.equal(record.serviceTier, ServiceTier.FLEX);
  assert.equal(record.attribution?.userId, "ada");
  assert.equal(record.outcome, SUCCESS);
  assert.deepEqual(usageOf(record), USED);
});

test("it is the SDK client in every other way", async () => {
  assert.ok(gpt instanceof OpenAI);
  const patient = gpt.withOptions({ timeout: 60_000 });
  assert.equal(patient.timeout, 60_000);
  assert.equal((await patient.chat.completions.create(ask())).usage?.total_tokens, 1200);
  const raw = await gpt.chat.completions.create(ask()).withResponse();
  assert.equal(raw.response.headers.get("content-type"), "application/json");
  assert.equal(raw.data.usage?.total_tokens, 1200);
  const schema = { type: "object", properties: { city: { type: "string" } } };
  const parsed = await gpt.chat.completions.parse({
    ...ask(),
    response_format: { type: "json_schema", json_schema: { name: "city", schema, strict: true } },
  });
  assert.deepEqual(parsed.choices[0]?.message.parsed, { city: "Bonn" });
  for (const record of await workspace.waitFor(3)) {
    assert.deepEqual(usageOf(record), USED);
  }
});

test("a raw response is refused before anything is sent", async () => {
  const before = provider.requests.length;
  const raw = [
    gpt.chat.completions.create(ask()).asResponse(),
    gpt.responses.create({ model: "gpt-4.1", input: "x" }).asResponse(),
    claude.messages.create(tell()).asResponse(),
  ];
  for (const response of raw) {
    await assert.rejects(response, /cannot see the usage of a raw response/);
  }
  assert.equal(provider.requests.length, before);
  assert.equal(await workspace.holds(), 0);
});

test("the model is the routed one", async () => {
  await workspace.cap("gpt-4.1", "0.001", "gpt-4.1-mini");
  const answer = await gpt.chat.completions.create({ ...ask(), max_completion_tokens: 500 });
  assert.equal(answer.model, "gpt-4.1-mini-2025-04-14");
  assert.equal(provider.requests.at(-1)?.model, "gpt-4.1-mini");
  assert.equal((await workspace.only()).pricedModelId, "gpt-4.1-mini");
});

test("a blocked call never reaches the provider, and the body says what is checked", async () => {
  await workspace.cap("gpt-4.1", "0.0059");
  await workspace.fallback(false);
  const before = provider.requests.length;
  // 1,000 tokens of input at 2 dollars a million, twice 250 of output at 8.
  const blocked = gpt.chat.completions.create({ ...ask(), max_completion_tokens: 250, n: 2 });
  await assert.rejects(blocked, (error) => {
    assert.ok(error instanceof Blocked);
    return error.message.includes("need 0.006");
  });
  assert.equal(provider.requests.length, before);
});

test("an error of the provider", async () => {
  const failed = gpt.chat.completions.create(ask("fail"));
  await assert.rejects(failed, OpenAI.InternalServerError);
  const record = await workspace.only();
  assert.equal(record.outcome, ERROR);
  assert.deepEqual(usageOf(record), new Usage());
  await assert.rejects(claude.messages.create(tell("fail")), Anthropic.InternalServerError);
  assert.equal((await workspace.waitFor(2))[1]?.outcome, ERROR);
});

test("a chat stream", async () => {
  const stream = await gpt.chat.completions.create({ ...ask(), stream: true });
  assert.ok(stream instanceof Stream);
  const chunks = await list(stream);
  assert.deepEqual(provider.requests.at(-1)?.stream_options, { include_usage: true });
  assert.ok(
    chunks.every((chunk) => chunk.choices.length),
    "what was not asked for is hidden",
  );
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), TEXT);
  const record = await workspace.only();
  assert.deepEqual(usageOf(record), USED);
  assert.deepEqual([record.outcome, record.usageSource], [SUCCESS, UsageSource.PROVIDER]);
  await assert.rejects(list(stream), /consumed stream/);
});

test("the usage chunk stays where it was asked for, and all ways to read see all", async () => {
  const options = { ...ask(), stream: true, stream_options: { include_usage: true } } as const;
  const chunks = await list(await gpt.chat.completions.create(options));
  assert.equal(chunks.at(-1)?.usage?.total_tokens, 1200);
  const [left, right] = (await gpt.chat.completions.create(options)).tee();
  assert.equal((await list(left)).length, chunks.length);
  assert.equal((await list(right)).length, chunks.length);
  const { data } = await gpt.chat.completions.create(options).withResponse();
  const readable = data.toReadableStream() as ReadableStream<Uint8Array>;
  assert.equal((await list(readable)).length, chunks.length);
  for (const record of await workspace.waitFor(3)) {
    assert.deepEqual([usageOf(record), record.outcome], [USED, SUCCESS]);
  }
});

test("the stream helper", async () => {
  const stream = gpt.chat.completions.stream({ ...ask(), stream: true });
  const completion = await stream.finalChatCompletion();
  assert.equal(completion.choices[0]?.message.content, TEXT);
  assert.deepEqual(usageOf(await workspace.only()), USED);
});

const ways: Record<string, (stream: Stream<unknown>, take: () => Promise<unknown>) => unknown> = {
  async break(stream) {
    for await (const _ of stream) {
      break;
    }
  },
  async "abort in its loop"(stream) {
    for await (const _ of stream) {
      stream.controller.abort();
    }
  },
  async abort(stream, take) {
    await take();
    stream.controller.abort();
  },
};
for (const [how, leave] of Object.entries(ways)) {
  test(`a stream that is left by ${how} is cancelled`, async () => {
    const stream = await gpt.chat.completions.create({ ...ask("slow"), stream: true });
    const iterator = stream[Symbol.asyncIterator];
    await leave(stream, () => iterator.call(stream).next());
    const record = await workspace.only();
    assert.deepEqual([record.outcome, record.usageSource], [CANCELLED, UsageSource.ESTIMATED]);
    assert.equal(record.usage?.inputTokenCount, 1n);
    assert.ok(record.usage.outputTokenCount >= 3n, "nine characters, or what was on its way");
    assert.equal(record.modelId, "gpt-4.1-2025-04-14");
  });
}

test("a signal that aborts a stream cancels the call", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const stream = await gpt.chat.completions.create({ ...ask("slow"), stream: true }, { signal });
  for await (const _ of stream) {
    controller.abort();
  }
  assert.equal((await workspace.only()).outcome, CANCELLED);
  await assert.rejects(gpt.chat.completions.create(ask(), { signal }), { name: "AbortError" });
});

test("a stream and an answer that are forgotten are cancelled", async () => {
  assert.ok(globalThis.gc, "run with --expose-gc");
  const forget = async () => {
    await gpt.chat.completions.create({ ...ask("slow"), stream: true });
    const begun = await gpt.chat.completions.create({ ...ask("slow"), stream: true });
    await begun[Symbol.asyncIterator]().next();
    void gpt.chat.completions.create(ask());
  };
  const asked = provider.requests.length;
  await forget();
  await until(
    () => provider.requests.length,
    (seen) => seen === asked + 3,
  );
  const records = await until(
    () => {
      globalThis.gc?.();
      return workspace.records();
    },
    (seen) => seen.length === 3,
  );
  assert.ok(records.every((record) => record.outcome === CANCELLED));
});

test("a stream that is read slowly is not forgotten", async () => {
  const stream = await gpt.chat.completions.create({ ...ask(), stream: true });
  const iterator = stream[Symbol.asyncIterator]();
  for (let step = await iterator.next(); !step.done; step = await iterator.next()) {
    globalThis.gc?.();
    await new Promise(setImmediate);
  }
  assert.equal((await workspace.only()).outcome, SUCCESS);
});

test("who stops at the last word has had an answer", async () => {
  const stream = await gpt.chat.completions.create({ ...ask(), stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0]?.finish_reason) {
      break;
    }
  }
  const record = await workspace.only();
  assert.deepEqual([record.outcome, record.usageSource], [SUCCESS, UsageSource.ESTIMATED]);
});

test("a stream that breaks is an error", async () => {
  const stream = await gpt.chat.completions.create({ ...ask("cut"), stream: true });
  await assert.rejects(list(stream));
  const record = await workspace.only();
  assert.deepEqual([record.outcome, record.usageSource], [ERROR, UsageSource.ESTIMATED]);
  assert.equal(record.usage?.outputTokenCount, 6n, "three words");
});

test("responses", async () => {
  const question = { model: "gpt-4.1", input: "hello" };
  const answer = await gpt.responses.create({ ...question, max_output_tokens: 500 });
  assert.equal(answer.output_text, TEXT);
  const events = await list(await gpt.responses.create({ ...question, stream: true }));
  assert.equal(events.at(-1)?.type, "response.completed");
  assert.equal((await gpt.responses.stream(question).finalResponse()).output_text, TEXT);
  assert.equal(provider.requests.at(-1)?.stream_options, undefined);
  (await gpt.responses.create({ ...question, stream: true })).controller.abort();
  const records = await workspace.waitFor(4);
  assert.deepEqual(
    records.map((record) => record.outcome),
    [SUCCESS, SUCCESS, SUCCESS, CANCELLED],
  );
  for (const record of records.slice(0, 3)) {
    assert.deepEqual(usageOf(record), USED);
  }
});

test("an answer that the SDK cannot parse is billed", async () => {
  const format = { name: "city", schema: { type: "object", properties: { city: {} } } };
  const parsing = gpt.chat.completions.parse({
    ...ask("length"),
    response_format: { type: "json_schema", json_schema: format },
  });
  await assert.rejects(parsing, /length/);
  const record = await workspace.only();
  assert.deepEqual(usageOf(record), USED);
});

test("a job in the background is recorded once, when it ends", async () => {
  const job = await gpt.responses.create({ model: "gpt-4.1", input: "hi", background: true });
  assert.equal(job.status, "queued");
  assert.equal((await gpt.responses.retrieve(job.id)).status, "in_progress");
  assert.deepEqual([await workspace.records(), await workspace.holds()], [[], 1]);
  for (let asked = 0; asked < 2; asked++) {
    assert.equal((await gpt.responses.retrieve(job.id)).status, "completed");
  }
  const record = await workspace.only();
  assert.deepEqual(usageOf(record), USED);
  assert.deepEqual([record.outcome, record.attribution?.userId], [SUCCESS, "ada"]);

  const other = await gpt.responses.create({ model: "gpt-4.1", input: "hi", background: true });
  assert.equal((await gpt.responses.cancel(other.id)).status, "cancelled");
  assert.equal((await workspace.waitFor(2))[1]?.outcome, CANCELLED);
});

test("messages", async () => {
  const answer = await claude.messages.create({ ...tell(), metadata: { user_id: "bob" } });
  assert.deepEqual(answer.content[0]?.type === "text" && answer.content[0].text, TEXT);
  const record = await workspace.only();
  assert.equal(record.attribution?.userId, "bob");
  assert.equal(record.serviceTier, ServiceTier.STANDARD);
  const events = await list(await claude.messages.create({ ...tell(), stream: true }));
  assert.equal(events.at(-1)?.type, "message_stop");
  assert.equal(await claude.messages.stream(tell()).finalText(), TEXT);
  await claude.beta.messages.create(tell());
  for (const record of await workspace.waitFor(4)) {
    assert.deepEqual(usageOf(record), CLAUDE_USED);
  }
  await workspace.cap("claude-sonnet-4-5", "0.001", "claude-haiku-4-5");
  assert.equal((await claude.messages.create(tell())).model, "claude-haiku-4-5");
  assert.equal(provider.requests.at(-1)?.model, "claude-haiku-4-5");
});

test("a message stream that breaks or is abandoned", async () => {
  const cut = await claude.messages.create({ ...tell("cut"), stream: true });
  await assert.rejects(list(cut));
  const helper = claude.messages.stream(tell("slow"));
  for await (const event of helper) {
    if (event.type === "content_block_delta") {
      helper.abort();
      break;
    }
  }
  const records = await workspace.waitFor(2);
  assert.deepEqual(
    records.map((record) => record.outcome),
    [ERROR, CANCELLED],
  );
  for (const record of records) {
    const usage = usageOf(record);
    assert.equal(record.usageSource, UsageSource.ESTIMATED);
    assert.deepEqual([usage.inputTokens, usage.cacheReadTokens], [600, 400], "as it began");
    assert.ok([3, 4].includes(usage.outputTokens), "as far as it came");
  }
});

test("other calls pass by", async () => {
  const tokens = await claude.messages.countTokens(tell());
  assert.deepEqual(tokens, {});
  assert.deepEqual([await workspace.holds(), await workspace.records()], [0, []]);
});

test("wrong arguments are refused at once", () => {
  const settings = { client, workspace: "w" };
  assert.throws(() => wrap({}, settings), /takes a client of OpenAI or Anthropic, not Object/);
  const misspelt = { ...settings, usr: "ada" };
  assert.throws(() => wrap(gpt, misspelt), /wrap\(\) has no option usr/);
  const fixed = { ...settings, requestId: "r" };
  assert.throws(() => wrap(gpt, fixed), /wrap\(\) has no option requestId/);
});

test("no SDK gets past the guard", () => {
  class OtherSdk {
    messages = { _client: "another" };
    post() {
      return undefined;
    }
    withOptions() {
      return new OtherSdk();
    }
  }
  const settings = { client, workspace: "w" };
  assert.throws(() => wrap(new OtherSdk(), settings), /does not know this version of OtherSdk/);
});

test("the environment names the server", async () => {
  process.env.TOLLGATE_ADDRESS = server.address;
  const baseURL = `${provider.url}/v1`;
  const plain = wrap(new OpenAI({ apiKey: "k", baseURL }), { workspace: workspace.id });
  await plain.chat.completions.create(ask());
  assert.equal((await workspace.only()).outcome, SUCCESS);
});
