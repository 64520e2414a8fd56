// What a period will be in all, with its bands, and whether the budget lasts.

import type { ReactNode } from "react";
import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import { TimeGranularity, UsageMetric } from "@stubs/analytics_service_pb.js";
import type { GetForecastResponse } from "@stubs/insight_service_pb.js";
import {
  ForecastBasis,
  ForecastPeriod,
  InsightService,
  IntervalBasis,
} from "@stubs/insight_service_pb.js";

import { useFormat } from "../../app/format";
import { entryOf, useParam } from "../../app/route";
import { useThisWorkspace } from "../../app/workspace";
import { Card, Empty, Loaded } from "../../ui/base";
import { Figures } from "../../ui/charts";
import { FanChart } from "../../ui/fan-chart";
import { Select } from "../../ui/select";
import { QuantityText, likely, quantityText, quantityValue } from "./quantity";

const METRICS: Record<string, UsageMetric> = {
  cost: UsageMetric.COST,
  tokens: UsageMetric.TOKENS,
  requests: UsageMetric.REQUESTS,
};

const PERIODS: Record<string, ForecastPeriod> = {
  day: ForecastPeriod.DAY,
  week: ForecastPeriod.WEEK,
  month: ForecastPeriod.MONTH,
  cycle: ForecastPeriod.CYCLE,
};

export function useForecastInput() {
  const { workspaceId } = useThisWorkspace();
  const [metric] = useParam("metric", "cost");
  const [period] = useParam("period", "cycle");
  return {
    workspaceId,
    metric: entryOf(METRICS, metric) ?? UsageMetric.COST,
    until: {
      case: "period" as const,
      value: entryOf(PERIODS, period) ?? ForecastPeriod.CYCLE,
    },
  };
}

export function Forecast() {
  const { t } = useLingui();
  const [metric, setMetric] = useParam("metric", "cost");
  const [period, setPeriod] = useParam("period", "cycle");
  const forecast = useQuery(InsightService.method.getForecast, useForecastInput());
  return (
    <Card
      title={<Trans>Forecast</Trans>}
      aside={
        <span className="toolbar">
          <Select
            label={t`Figure`}
            value={metric}
            names={{
              cost: t`Cost`,
              tokens: t`Tokens`,
              requests: t`Requests`,
            }}
            onChange={setMetric}
          />
          <Select
            label={t`Until the end of`}
            value={period}
            names={{
              cycle: t`this cycle`,
              month: t`this month`,
              week: t`this week`,
              day: t`today`,
            }}
            onChange={setPeriod}
          />
        </span>
      }
    >
      <Loaded query={forecast} lines={8} height={420}>
        {(data) => <Answer forecast={data} />}
      </Loaded>
    </Card>
  );
}

function Answer({ forecast }: { forecast: GetForecastResponse }) {
  const { t } = useLingui();
  if (forecast.basis === ForecastBasis.TOO_LITTLE) {
    return (
      <>
        <Empty>
          <Trans>Fewer than three days of usage: too little for a forecast</Trans>
        </Empty>
        <div className="facts">
          <Fact title={t`So far`}>
            <QuantityText quantity={forecast.known} />
          </Fact>
          {forecast.runRate && (
            <Fact title={t`At the rate so far`}>
              <QuantityText quantity={forecast.runRate} />
            </Fact>
          )}
        </div>
      </>
    );
  }
  return (
    <>
      <Facts forecast={forecast} />
      <Fan forecast={forecast} />
      <Basis forecast={forecast} />
    </>
  );
}

function Fact({ title, sub, children }: { title: string; sub?: ReactNode; children: ReactNode }) {
  return (
    <section className="fact" aria-label={title}>
      <h3>{title}</h3>
      <div className="value">{children}</div>
      <div className="sub">{sub}</div>
    </section>
  );
}

function Facts({ forecast }: { forecast: GetForecastResponse }) {
  const { t } = useLingui();
  const format = useFormat();
  const { known, total, totalIntervals, runRate, budget } = forecast;
  const band = likely(totalIntervals);
  const [low, high] = [quantityText(band?.low, format), quantityText(band?.high, format)];
  return (
    <div className="facts">
      <Fact
        title={t`In all`}
        sub={
          band && (
            <Trans>
              80 of 100 times between {low} and {high}
            </Trans>
          )
        }
      >
        <QuantityText quantity={total} />
      </Fact>
      <Fact title={t`So far`}>
        <QuantityText quantity={known} />
      </Fact>
      {runRate && (
        <Fact title={t`At the rate so far`} sub={<Trans>no forecast, for comparison</Trans>}>
          <QuantityText quantity={runRate} />
        </Fact>
      )}
      {budget && (
        <Fact title={t`Budget reached`} sub={<When outlook={budget} />}>
          {format.percent(budget.probability * 100)}
        </Fact>
      )}
    </div>
  );
}

export function When({
  outlook,
}: {
  outlook: Pick<
    NonNullable<GetForecastResponse["budget"]>,
    "exhaustionTime" | "earliestTime" | "probability"
  >;
}) {
  const format = useFormat();
  const likelyOn = format.date(outlook.exhaustionTime);
  const earliest = format.date(outlook.earliestTime);
  if (outlook.exhaustionTime && outlook.earliestTime)
    return (
      <Trans>
        likely on {likelyOn}, at the earliest on {earliest}
      </Trans>
    );
  if (outlook.earliestTime) return <Trans>at the earliest on {earliest}</Trans>;
  return outlook.probability >= 1 ? (
    <Trans>already</Trans>
  ) : (
    <Trans>unlikely before it resets</Trans>
  );
}

function Fan({ forecast }: { forecast: GetForecastResponse }) {
  const { t } = useLingui();
  const format = useFormat();
  const isHourly = forecast.granularity === TimeGranularity.HOUR;
  const points = forecast.points.map((point) => {
    const label = isHourly ? format.dateTime(point.startTime) : format.localDate(point.date);
    const band = likely(point.intervals);
    const value = quantityText(point.value, format);
    const range = `${quantityText(band?.low, format)} – ${quantityText(band?.high, format)}`;
    return {
      label: format.shortDate(point.startTime),
      title: `${label}: ${value} (${range})`,
      value: quantityValue(point.value),
      bands: point.intervals
        .toSorted((a, b) => b.coveragePercent - a.coveragePercent)
        .map(({ low, high }): [number, number] => [quantityValue(low), quantityValue(high)]),
      row: [label, value, range],
      exact: [
        isHourly ? label : point.date,
        String(quantityValue(point.value)),
        String(quantityValue(band?.low)),
        String(quantityValue(band?.high)),
      ],
    };
  });
  if (points.length === 0) return null;
  return (
    <>
      <FanChart
        label={isHourly ? t`Forecast by hour` : t`Forecast by day`}
        points={points}
        format={(value) => (value < 10 ? format.small(value) : format.compact(value))}
      />
      <Figures
        name={t`Forecast`}
        columns={[isHourly ? t`Hour` : t`Day`, t`Forecast`, t`80 of 100 times between`]}
        rows={points.map(({ row }) => row)}
        exact={points.map(({ exact }) => exact)}
      />
    </>
  );
}

/** What the forecast rests on, so that nobody believes it more than it deserves. */
function Basis({ forecast }: { forecast: GetForecastResponse }) {
  const format = useFormat();
  const days = format.count(forecast.historyDays);
  const censored = format.count(forecast.censoredDays ?? 0);
  const { method } = forecast;
  return (
    <p className="hint">
      <Trans>
        From {days} days of usage; {method}.
      </Trans>{" "}
      {forecast.basis === ForecastBasis.SHORT_HISTORY && (
        <Trans>Fewer than two weeks: a weekly rhythm is not known yet.</Trans>
      )}{" "}
      {(forecast.censoredDays ?? 0) > 0 && (
        <Trans>On {censored} days limits blocked requests: the demand was higher.</Trans>
      )}{" "}
      {forecast.intervalBasis === IntervalBasis.SHIPPED && (
        <Trans>The bands are those of similar usage elsewhere, as there is too little here.</Trans>
      )}
    </p>
  );
}
