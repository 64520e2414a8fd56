/** Amounts, times, spans, and what a caller counted. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Decimal } from "decimal.js";
import { durationOf, Money, spanOf, timeOf, timestampOf, Usage } from "tollgate-grpc";
import { UnitKind } from "tollgate-grpc/v1";

test("usage has whole counts, units and factors", () => {
  assert.throws(() => new Usage({ outputTokens: 0.5 }).toProto(), /outputTokens is 0.5/);
  assert.throws(() => new Usage({ units: { PAGE: -1 } }).toProto(), /PAGE is -1/);
  const usage = new Usage({ inputTokens: 5, units: { WEB_SEARCH: 3 }, factors: ["us"] });
  const message = usage.toProto();
  assert.deepEqual(
    message.units.map(({ kind, count }) => [kind, count]),
    [[UnitKind.WEB_SEARCH, 3n]],
  );
  assert.deepEqual(Usage.fromProto(message, ["us"]), usage);
  const odd = new Usage({ units: { GIZMO: 1 } as never });
  assert.throws(() => odd.toProto(), /GIZMO is no kind/);
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
