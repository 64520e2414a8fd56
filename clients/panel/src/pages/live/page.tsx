// "Live": what is used now, and what is held.

import { Trans, useLingui } from "@lingui/react/macro";

import type { LiveMetrics, UsageTotals } from "@stubs/analytics_service_pb.js";
import { AnalyticsService } from "@stubs/analytics_service_pb.js";

import { useFormat } from "../../app/format";
import { useLive } from "../../app/live";
import { useThisWorkspace } from "../../app/workspace";
import { Card, Compact, Count, MoneyText, Skeleton } from "../../ui/base";
import { callOf } from "../../ui/grpcurl";
import { PageHead } from "../../ui/page";
import { UsageTable } from "../keys/utilisation";
import { Holds } from "./holds";
import { Refusals } from "./refusals";
import { Ticker } from "./ticker";

/** Quotas that are shown. */
const QUOTAS = 10;

export default function LivePage() {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const { budget, metrics, quotas } = useLive();
  return (
    <>
      <PageHead
        title={t`Live`}
        calls={[callOf(AnalyticsService.method.watchWorkspace, { workspaceId })]}
      />
      {metrics ? <Totals metrics={metrics} /> : <Skeleton lines={6} height={300} />}
      <Ticker budget={budget} />
      <Card title={<Trans>Quotas with the highest utilisation</Trans>}>
        {quotas ? (
          <UsageTable usages={quotas.usages.slice(0, QUOTAS)} />
        ) : (
          <Skeleton lines={4} height={200} />
        )}
      </Card>
      <Refusals />
      <Holds />
    </>
  );
}

function Totals({ metrics }: { metrics: LiveMetrics }) {
  const { t } = useLingui();
  const format = useFormat();
  const [month, cycle] = [format.date(metrics.monthEndTime), format.date(metrics.cycleEndTime)];
  return (
    <div className="live-grid">
      <Total title={t`Today`} totals={metrics.today} />
      <Total title={t`Last hour`} totals={metrics.lastHour} />
      <Total title={t`Month to date`} totals={metrics.monthToDate} />
      <Total title={t`Cycle to date`} totals={metrics.cycleToDate} />
      {metrics.monthRunRate && (
        <section className="card kpi" aria-label={t`Run rate of the month`}>
          <h2>
            <Trans>Run rate of the month</Trans>
          </h2>
          <div className="value">
            <MoneyText money={metrics.monthRunRate} />
          </div>
          <div className="sub">
            <Trans>at this pace until {month}</Trans>
          </div>
        </section>
      )}
      {metrics.cycleRunRate && (
        <section className="card kpi" aria-label={t`Run rate of the cycle`}>
          <h2>
            <Trans>Run rate of the cycle</Trans>
          </h2>
          <div className="value">
            <MoneyText money={metrics.cycleRunRate} />
          </div>
          <div className="sub">
            <Trans>at this pace until {cycle}</Trans>
          </div>
        </section>
      )}
    </div>
  );
}

function Total({ title, totals }: { title: string; totals: UsageTotals | undefined }) {
  return (
    <section className="card kpi" aria-label={title}>
      <h2>{title}</h2>
      <div className="value">
        <MoneyText money={totals?.cost} />
      </div>
      <dl className="kpi-facts">
        <dt>
          <Trans>Requests</Trans>
        </dt>
        <dd>
          <Count value={totals?.requestCount ?? 0n} />
        </dd>
        <dt>
          <Trans>Tokens</Trans>
        </dt>
        <dd>
          <Compact value={totals?.tokenCount ?? 0n} />
        </dd>
        <dt>
          <Trans>Errors</Trans>
        </dt>
        <dd>
          <Count value={totals?.errorCount ?? 0n} />
        </dd>
      </dl>
    </section>
  );
}
