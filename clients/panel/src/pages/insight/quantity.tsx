// Amounts of a metric: money, or a count.

import type { Interval, Quantity } from "@stubs/insight_service_pb.js";

import { type Format, nanos } from "../../app/format";
import { Count, MoneyText } from "../../ui/base";

export function quantityText(quantity: Quantity | undefined, format: Format): string {
  const amount = quantity?.quantity;
  if (amount?.case === "cost") return format.money(amount.value);
  return amount?.case === "count" ? format.compact(amount.value) : "–";
}

/** For charts alone: a float. */
export function quantityValue(quantity: Quantity | undefined): number {
  const amount = quantity?.quantity;
  if (amount?.case === "cost") return Number(nanos(amount.value.amount)) / 1e9;
  return amount?.case === "count" ? Number(amount.value) : 0;
}

export function QuantityText({ quantity }: { quantity: Quantity | undefined }) {
  const amount = quantity?.quantity;
  if (amount?.case === "cost") return <MoneyText money={amount.value} />;
  return amount?.case === "count" ? <Count value={amount.value} /> : "–";
}

/** The narrower of the bands: it is right in 80 of 100 cases. */
export function likely(intervals: Interval[]): Interval | undefined {
  return intervals.find(({ coveragePercent }) => coveragePercent === 80);
}
