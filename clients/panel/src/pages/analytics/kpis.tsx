// The key figures: five that every page of this kind has, and spend and refusals.

import type { ReactNode } from "react";
import { Trans, useLingui } from "@lingui/react/macro";

import type { CountFigure, Overview } from "@stubs/analytics_service_pb.js";

import { useFormat } from "../../app/format";
import { Compact, MoneyText } from "../../ui/base";

export function KeyFigures({ overview }: { overview: Overview | undefined }) {
  const { t } = useLingui();
  const format = useFormat();
  if (!overview) return null;
  const active = format.count(overview.activeUsers?.value ?? 0n);
  const workflows = format.count(overview.workflows?.value ?? 0n);
  const assistants = format.count(overview.assistants?.value ?? 0n);
  return (
    <>
      <div className="kpis five">
        <Kpi
          title={t`Total users`}
          figure={overview.totalUsers}
          sub={<Trans>{active} active in the period</Trans>}
        />
        <Kpi title={t`Tokens used`} figure={overview.tokens} />
        <Kpi
          title={t`Workflows`}
          figure={overview.totalWorkflows}
          sub={<Trans>{workflows} used in the period</Trans>}
        />
        <Kpi
          title={t`Assistants`}
          figure={overview.totalAssistants}
          sub={<Trans>{assistants} used in the period</Trans>}
        />
        <Kpi title={t`Total requests`} figure={overview.requests} />
      </div>
      <div className="kpis">
        <Frame title={t`Spend`} sub={<Delta percent={overview.spend?.changePercent} />}>
          <MoneyText money={overview.spend?.value} />
        </Frame>
        <Refusals overview={overview} />
        <ErrorRate overview={overview} />
      </div>
    </>
  );
}

function Frame({ title, sub, children }: { title: string; sub?: ReactNode; children: ReactNode }) {
  return (
    <section className="card kpi" aria-label={title}>
      <h2>{title}</h2>
      <div className="value">{children}</div>
      <div className="sub">{sub}</div>
    </section>
  );
}

function Kpi({
  title,
  figure,
  sub,
}: {
  title: string;
  figure: CountFigure | undefined;
  sub?: ReactNode;
}) {
  return (
    <Frame
      title={title}
      sub={
        <>
          {sub} <Delta percent={figure?.changePercent} isShort={sub !== undefined} />
        </>
      }
    >
      <Compact value={figure?.value ?? 0n} />
    </Frame>
  );
}

/** The change against the previous period. */
function Delta({ percent, isShort = false }: { percent: number | undefined; isShort?: boolean }) {
  const format = useFormat();
  const { t } = useLingui();
  if (percent === undefined) return null;
  const change = format.signedPercent(percent);
  return (
    <span className="delta" title={t`against the previous period`}>
      {isShort ? `(${change})` : <Trans>{change} against the previous period</Trans>}
    </span>
  );
}

function ErrorRate({ overview }: { overview: Overview }) {
  const { t } = useLingui();
  const format = useFormat();
  const { value, previous } = overview.errorRate ?? {};
  const before = previous === undefined ? undefined : format.share(previous / 100);
  return (
    <Frame
      title={t`Failed requests`}
      sub={before !== undefined && <Trans>{before} in the previous period</Trans>}
    >
      <span className="number">{value === undefined ? "–" : format.share(value / 100)}</span>
    </Frame>
  );
}

function Refusals({ overview }: { overview: Overview }) {
  const { t } = useLingui();
  const format = useFormat();
  const { blocked, routed } = overview;
  if (!blocked || !routed) {
    return (
      <Frame title={t`Blocked or routed`} sub={<Trans>not counted with these filters</Trans>}>
        –
      </Frame>
    );
  }
  const [b, r] = [format.count(blocked.value), format.count(routed.value)];
  return (
    <Frame
      title={t`Blocked or routed`}
      sub={
        <Trans>
          {b} blocked, {r} routed to another model
        </Trans>
      }
    >
      <Compact value={blocked.value + routed.value} />
    </Frame>
  );
}
