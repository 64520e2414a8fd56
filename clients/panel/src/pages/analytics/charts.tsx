// The four charts of the page.

import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type {
  GetDashboardResponse,
  RankedUsage,
  TeamUsage,
  TimeToFirstValue,
} from "@stubs/analytics_service_pb.js";
import { AnalyticsService, TimeGranularity, UsageMetric } from "@stubs/analytics_service_pb.js";

import { useFormat } from "../../app/format";
import { useParam } from "../../app/route";
import { useThisWorkspace } from "../../app/workspace";
import { Card, Empty } from "../../ui/base";
import { BarChart, ColumnChart, Donut, Figures, LineChart } from "../../ui/charts";
import { Table } from "../../ui/table";
import { localDate } from "../../ui/zone";
import { useFilters } from "./filters";

/** Teams with a slice of their own; the rest is Others. */
const TEAMS = 7;

export function ActiveUsers({ dashboard }: { dashboard: GetDashboardResponse }) {
  const { timeZone } = useThisWorkspace();
  const { t } = useLingui();
  const format = useFormat();
  const [compare, setCompare] = useParam("compare");
  const before = usePreviousUsers(dashboard, compare !== "");
  const total = dashboard.overview?.activeUsers?.value ?? 0n;
  const today = localDate(new Date(), timeZone);
  const points = dashboard.activeUsers.map((point, at) => ({
    label: format.shortDate(point.startTime),
    value: Number(point.userCount),
    before: before?.(at),
    open: point.firstDate >= today,
  }));
  const counted = format.count(total);
  return (
    <Card
      title={<Trans>Active users</Trans>}
      aside={
        <span className="hint">
          <Trans>{counted} in the period</Trans> ·{" "}
          <label className="check">
            <input
              type="checkbox"
              checked={compare !== ""}
              onChange={(event) => {
                setCompare(event.target.checked ? "previous" : "");
              }}
            />{" "}
            <Trans>previous period</Trans>
          </label>
        </span>
      }
    >
      {points.length > 0 ? (
        <LineChart
          label={t`Active users by day`}
          points={points}
          format={(value) => format.compact(value)}
        />
      ) : (
        <NoUsage />
      )}
      <Figures
        name={t`Active users`}
        columns={[t`Day`, t`Users`]}
        rows={dashboard.activeUsers.map((point) => [
          format.localDate(point.firstDate),
          format.count(point.userCount),
        ])}
        exact={dashboard.activeUsers.map((point) => [point.firstDate, point.userCount.toString()])}
      />
    </Card>
  );
}

/** The users of the day that lies as far into the previous period. */
function usePreviousUsers({ period }: GetDashboardResponse, wanted: boolean) {
  const { workspaceId } = useThisWorkspace();
  const filters = useFilters();
  const [first, last] = [period?.previousFirstDate ?? "", period?.previousLastDate ?? ""];
  const { data } = useQuery(
    AnalyticsService.method.queryUsage,
    {
      workspaceId,
      range: { firstDate: first, lastDate: last },
      filters,
      metrics: [UsageMetric.ACTIVE_USERS],
      granularity: TimeGranularity.DAY,
    },
    { enabled: wanted && first !== "" },
  );
  if (!wanted || !data) return undefined;
  const counts = new Map(
    data.total?.points.map(({ firstDate, values }) => [firstDate, values?.activeUserCount]),
  );
  return (at: number): number | undefined => {
    const day = new Date(`${first}T00:00:00Z`);
    day.setUTCDate(day.getUTCDate() + at);
    const date = day.toISOString().slice(0, 10);
    return date > last ? undefined : Number(counts.get(date) ?? 0n);
  };
}

export function NoUsage() {
  return (
    <Empty>
      <Trans>No usage in this range</Trans>
    </Empty>
  );
}

interface Slice {
  name: string;
  tokens: bigint;
  percent: number;
  className: string;
}

export function Teams({ teams }: { teams: TeamUsage[] }) {
  const { t } = useLingui();
  const format = useFormat();
  const nameOf = (team: TeamUsage) =>
    team.others ? t`Others` : team.departmentId === "" ? t`No department` : team.displayName;
  const shown = teams.filter(({ others }) => !others).slice(0, TEAMS);
  const rest = teams.filter((team) => !shown.includes(team));
  const slices: Slice[] = shown.map((team, at) => ({
    name: nameOf(team),
    tokens: team.tokenCount,
    percent: team.tokenSharePercent,
    className: `s${at + 1}`,
  }));
  if (rest.length > 0) {
    slices.push({
      name: t`Others`,
      tokens: rest.reduce((sum, team) => sum + team.tokenCount, 0n),
      percent: rest.reduce((sum, team) => sum + team.tokenSharePercent, 0),
      className: "s8",
    });
  }
  return (
    <Card title={<Trans>Token usage per team</Trans>}>
      {slices.length === 0 ? (
        <NoUsage />
      ) : (
        <div className="donut-block">
          <Donut
            label={t`Token usage per team`}
            slices={slices.map(({ name, tokens, percent, className }) => ({
              label: `${name}: ${format.percent(percent)}`,
              value: Number(tokens),
              className,
            }))}
          />
          <Table<Slice>
            label={t`Tokens by team`}
            className="keep"
            rows={slices}
            keyOf={({ name }) => name}
            columns={[
              {
                title: t`Team`,
                cell: ({ name, className }) => (
                  <span className="legend">
                    <i className={className} aria-hidden="true" />
                    {name}
                  </span>
                ),
              },
              {
                title: t`Tokens`,
                number: true,
                cell: ({ tokens }) => (
                  <span title={format.count(tokens)}>{format.compact(tokens)}</span>
                ),
              },
              { title: t`Share`, number: true, cell: ({ percent }) => format.share(percent / 100) },
            ]}
          />
        </div>
      )}
      <Figures
        name={t`Token usage per team`}
        columns={[t`Team`, t`Tokens`, t`Requests`]}
        rows={teams.map((team) => [
          nameOf(team),
          format.count(team.tokenCount),
          format.count(team.requestCount),
        ])}
        exact={teams.map((team) => [
          nameOf(team),
          team.tokenCount.toString(),
          team.requestCount.toString(),
        ])}
      />
    </Card>
  );
}

/** The most run workflows. */
export function Workflows({ workflows }: { workflows: RankedUsage[] }) {
  const { t } = useLingui();
  const format = useFormat();
  const bars = workflows.map(({ displayName, id, requestCount, tokenCount }) => ({
    label: displayName || id,
    value: Number(requestCount),
    tokens: tokenCount,
  }));
  return (
    <Card
      title={<Trans>Top workflows by usage</Trans>}
      aside={
        <span className="hint">
          <Trans>Requests</Trans>
        </span>
      }
    >
      {bars.length > 0 ? (
        <BarChart
          label={t`Requests of the most run workflows`}
          bars={bars}
          format={(value) => format.compact(value)}
        />
      ) : (
        <NoUsage />
      )}
      <Figures
        name={t`Top workflows`}
        columns={[t`Workflow`, t`Requests`, t`Tokens`]}
        rows={bars.map((bar) => [bar.label, format.count(bar.value), format.count(bar.tokens)])}
        exact={bars.map((bar) => [bar.label, String(bar.value), bar.tokens.toString()])}
      />
    </Card>
  );
}

export function FirstValue({ figures }: { figures: TimeToFirstValue | undefined }) {
  const { t } = useLingui();
  const format = useFormat();
  if (!figures) return null;
  const labelOf = (label: string) => (label === "never" ? t`Never` : label);
  const median = format.duration(figures.median);
  const users = format.count(figures.userCount);
  return (
    <Card
      title={<Trans>Time to first value</Trans>}
      aside={
        <span className="hint">
          {median === "" ? <Trans>no median</Trans> : <Trans>median {median}</Trans>} ·{" "}
          <Trans>{users} users</Trans>
        </span>
      }
    >
      {figures.userCount === 0n ? (
        <Empty>
          <Trans>No sign-ups in this range</Trans>
        </Empty>
      ) : (
        <ColumnChart
          label={t`Users by time to first value`}
          bars={figures.buckets.map(({ label, userCount }) => ({
            label: labelOf(label),
            value: Number(userCount),
            className: label === "never" ? "never" : "",
          }))}
          format={(value) => format.compact(value)}
        />
      )}
      <Figures
        name={t`Time to first value`}
        columns={[t`Time`, t`Users`, t`Share`]}
        rows={figures.buckets.map((bucket) => [
          labelOf(bucket.label),
          format.count(bucket.userCount),
          format.share(bucket.sharePercent / 100),
        ])}
        exact={figures.buckets.map((bucket) => [
          bucket.label,
          bucket.userCount.toString(),
          String(bucket.sharePercent),
        ])}
      />
    </Card>
  );
}
