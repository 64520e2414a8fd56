/** The converters on what providers answer, recorded for all languages, and on odd input. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import type { JsonObject } from "@bufbuild/protobuf";
import { fromJson } from "@bufbuild/protobuf";
import { Decimal } from "decimal.js";
import type { Provider } from "tollgate";
import {
  durationOf,
  estimateTokens,
  Money,
  spanOf,
  timeOf,
  timestampOf,
  Usage,
  UsageReader,
} from "tollgate";
import { UsageSchema } from "tollgate/v1";

import { PACKAGE } from "./server.js";

interface Case {
  provider: Provider;
  input: unknown;
  expected: { usage: JsonObject; model: string | null; service_tier: string | null };
}
const FOLDER = join(PACKAGE, "../conformance/usage");
const RECORDED = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));

test("there are recorded answers", () => {
  assert.ok(RECORDED.length >= 40);
});

for (const name of RECORDED) {
  test(`recorded: ${name}`, () => {
    const recorded = JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as Case;
    const { provider, input, expected } = recorded;
    for (const read of [provider, "any"] as const) {
      const reader = new UsageReader(read);
      assert.ok(reader.feed(input));
      assert.deepEqual(reader.usage?.toProto(), fromJson(UsageSchema, expected.usage));
      assert.equal(reader.model || null, expected.model);
      assert.equal(reader.serviceTier ?? null, expected.service_tier);
    }
  });
}

test("objects, JSON, and both spellings", () => {
  const usage = {
    prompt_tokens: 100,
    completion_tokens: 20,
    prompt_tokens_details: { cached_tokens: 40 },
  };
  const expected = new Usage({ inputTokens: 60, cacheReadTokens: 40, outputTokens: 20 });
  for (const answer of [
    usage,
    { usage },
    JSON.stringify({ usage }),
    [{ usage: null }, { usage }],
  ]) {
    assert.deepEqual(Usage.fromOpenAI(answer), expected);
    assert.deepEqual(Usage.fromAny(answer), expected);
  }
  const claude = { type: "message", usage: { input_tokens: 5, output_tokens: 6 } };
  const five = new Usage({ inputTokens: 5, outputTokens: 6 });
  assert.deepEqual([Usage.fromAny(claude), Usage.fromAnthropic(claude)], [five, five]);
  const gemini = { usage_metadata: { prompt_token_count: 10, cached_content_token_count: 4 } };
  assert.deepEqual(Usage.fromGemini(gemini), new Usage({ inputTokens: 6, cacheReadTokens: 4 }));
  assert.deepEqual(Usage.fromProto(expected.toProto()), expected);
});

test("what has no usage is refused", () => {
  const converters = ["fromAny", "fromOpenAI", "fromAnthropic", "fromGemini"] as const;
  for (const nothing of [{}, { usage: null }, [], 7, "{}", { choices: [] }, null, undefined]) {
    for (const convert of converters) {
      assert.throws(() => Usage[convert](nothing), /no usage/);
    }
  }
  assert.throws(() => new Usage({ inputTokens: -1 }), RangeError);
  assert.throws(() => new Usage({ outputTokens: 0.5 }), /outputTokens is 0.5/);
});

test("figures that are none count as zero", () => {
  const odd = { prompt_tokens: -5, completion_tokens: "many", prompt_tokens_details: 3 };
  assert.deepEqual(Usage.fromOpenAI({ usage: odd }), new Usage());
  assert.deepEqual(Usage.fromOpenAI({ usage: { prompt_tokens: NaN } }), new Usage());
});

test("the estimate", () => {
  assert.equal(estimateTokens(""), 0);
  assert.equal(estimateTokens("x".repeat(9)), 3);
  assert.equal(estimateTokens("🙂🙂🙂🙂🙂"), 2, "characters, not units of UTF-16");
  const messages = [
    { role: "system", content: "x".repeat(8) },
    { role: "user", content: [{ type: "text", text: "y".repeat(8) }, { type: "image_url" }] },
    { role: "user", content: new Uint8Array(99) },
  ];
  assert.equal(estimateTokens(messages), 4);
  assert.equal(
    estimateTokens(messages, (text) => text.length),
    16,
  );
});

test("money is exact", () => {
  const money = new Money("123456789.123456789", "EUR");
  assert.equal(money.toString(), "123456789.123456789 EUR");
  assert.equal(money.toProto().amount, "123456789.123456789");
  assert.deepEqual(Money.fromProto(money.toProto()), money);
  assert.equal(new Money(new Decimal("0.000000001"), "EUR").toProto().amount, "0.000000001");
  assert.equal(Money.fromProto({ ...money.toProto(), amount: "" }).amount.toFixed(), "0");
  assert.throws(() => new Money("0.0000000001", "EUR").toProto(), /more than 9 fraction digits/);
  assert.throws(() => new Money(NaN, "EUR").toProto(), /NaN is not an amount/);
});

test("times and spans", () => {
  const time = new Date("2026-02-03T04:05:06.789Z");
  assert.deepEqual(timeOf(timestampOf(time)), time);
  for (const span of [0, 1, 1500, 86_400_000]) {
    assert.equal(spanOf(durationOf(span)), span);
  }
  assert.equal(durationOf(0.1234567).nanos, 123_000);
  assert.equal(durationOf(999.9999999).seconds, 1n);
  assert.equal(spanOf(durationOf(0.2)), 1, "who waits so long has waited long enough");
});
