// Where the cycle would end at the pace of its spend so far; no forecast.

import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Trans } from "@lingui/react/macro";

import type { Budget } from "@stubs/budget_service_pb.js";
import { BudgetState } from "@stubs/common_pb.js";

import { nanos, useFormat } from "../../app/format";

/** Before that a pace says nothing. */
const LEAST_MS = 24 * 60 * 60 * 1000;

export function Pace({ budget }: { budget: Budget }) {
  const format = useFormat();
  if (!budget.cycleStartTime || !budget.cycleEndTime || !budget.asOfTime) return null;
  const isOpen =
    budget.state === BudgetState.WITHIN_PLAN || budget.state === BudgetState.IN_OVERAGE;
  const start = timestampDate(budget.cycleStartTime).getTime();
  const end = timestampDate(budget.cycleEndTime).getTime();
  const passed = timestampDate(budget.asOfTime).getTime() - start;
  if (!isOpen || passed < LEAST_MS || budget.usedShare <= 0) return null;
  const exhausted = new Date(start + passed / budget.usedShare);
  if (exhausted.getTime() < end) {
    const when = format.dateTime(exhausted);
    return (
      <p className="pace">
        <Trans>At this pace: exhausted on {when}</Trans>
      </p>
    );
  }
  const currency = budget.spent?.currencyCode ?? "";
  const spent = Number(nanos(budget.spent?.amount)) / 1e9;
  const atEnd = format.amount((spent * ((end - start) / passed)).toFixed(2), currency);
  return (
    <p className="pace">
      <Trans>At this pace: about {atEnd} at the end of the cycle</Trans>
    </p>
  );
}
