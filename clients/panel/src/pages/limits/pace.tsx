// Where the cycle ends: by the forecast, or before there is one at the pace so far.

import { timestampDate } from "@bufbuild/protobuf/wkt";
import { useQuery } from "@connectrpc/connect-query";
import { Trans } from "@lingui/react/macro";

import { UsageMetric } from "@stubs/analytics_service_pb.js";
import type { Budget } from "@stubs/budget_service_pb.js";
import { BudgetState } from "@stubs/common_pb.js";
import type { GetForecastResponse } from "@stubs/insight_service_pb.js";
import { ForecastPeriod, InsightService } from "@stubs/insight_service_pb.js";

import { nanos, useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { likely, quantityText } from "../insight/quantity";

/** Before that a pace says nothing. */
const LEAST_MS = 24 * 60 * 60 * 1000;

export function Pace({ budget }: { budget: Budget }) {
  const { workspaceId } = useThisWorkspace();
  const isOpen =
    budget.state === BudgetState.WITHIN_PLAN || budget.state === BudgetState.IN_OVERAGE;
  // Beside the budget: where it fails, the pace is enough.
  const { data } = useQuery(
    InsightService.method.getForecast,
    {
      workspaceId,
      metric: UsageMetric.COST,
      until: { case: "period", value: ForecastPeriod.CYCLE },
    },
    { enabled: isOpen, retry: false, staleTime: 60_000 },
  );
  if (!isOpen) return null;
  return data?.total ? <Forecast forecast={data} /> : <SoFar budget={budget} />;
}

function Forecast({ forecast }: { forecast: GetForecastResponse }) {
  const format = useFormat();
  const { budget } = forecast;
  const band = likely(forecast.totalIntervals);
  const [low, high] = [quantityText(band?.low, format), quantityText(band?.high, format)];
  const total = quantityText(forecast.total, format);
  const chance = format.percent((budget?.probability ?? 0) * 100);
  const when = format.dateTime(budget?.exhaustionTime);
  return (
    <p className="pace">
      <Trans>
        Forecast: {total} at the end of the cycle (80 %: {low} – {high})
      </Trans>
      {budget && (
        <>
          {" · "}
          {when === "" ? (
            <Trans>budget reached with {chance}</Trans>
          ) : (
            <Trans>
              budget reached with {chance}, likely on {when}
            </Trans>
          )}
        </>
      )}
    </p>
  );
}

function SoFar({ budget }: { budget: Budget }) {
  const format = useFormat();
  if (!budget.cycleStartTime || !budget.cycleEndTime || !budget.asOfTime) return null;
  const start = timestampDate(budget.cycleStartTime).getTime();
  const end = timestampDate(budget.cycleEndTime).getTime();
  const passed = timestampDate(budget.asOfTime).getTime() - start;
  if (passed < LEAST_MS || budget.usedShare <= 0) return null;
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
