// Any metric by up to two dimensions.

import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { UsageGroup, UsageValues } from "@stubs/analytics_service_pb.js";
import { AnalyticsService, UsageMetric } from "@stubs/analytics_service_pb.js";

import { nanos, useFormat } from "../../app/format";
import { entryOf, useParam } from "../../app/route";
import { useThisWorkspace } from "../../app/workspace";
import { Count, Loaded, MoneyText } from "../../ui/base";
import { CopyAsGrpcurl, callOf } from "../../ui/grpcurl";
import { OpenCard } from "../../ui/open-card";
import { Select } from "../../ui/select";
import { Table } from "../../ui/table";
import { DIMENSIONS, useAddFilter, useDimensionNames, useFilters } from "./filters";
import { useRange } from "./range";

const METRICS: Record<string, UsageMetric> = {
  cost: UsageMetric.COST,
  requests: UsageMetric.REQUESTS,
  tokens: UsageMetric.TOKENS,
  errors: UsageMetric.ERRORS,
  "cost-per-request": UsageMetric.COST_PER_REQUEST,
  "cost-per-user": UsageMetric.COST_PER_USER,
  users: UsageMetric.ACTIVE_USERS,
};

export function Explorer() {
  const { t } = useLingui();
  const [by] = useParam("by");
  return (
    <OpenCard
      title={<Trans>Explore</Trans>}
      hint={
        <Trans>Any figure by up to two dimensions, in the range and with the filters above.</Trans>
      }
      names={[t`Open explorer`, t`Close explorer`]}
      openAtFirst={by !== ""}
    >
      <Question />
    </OpenCard>
  );
}

function Question() {
  const { t } = useLingui();
  const { workspaceId } = useThisWorkspace();
  const names = useDimensionNames();
  const [metric, setMetric] = useParam("metric", "cost");
  const [by, setBy] = useParam("by", "model");
  const [then, setThen] = useParam("then");
  const metrics: Record<string, string> = {
    cost: t`Cost`,
    requests: t`Requests`,
    tokens: t`Tokens`,
    errors: t`Errors`,
    "cost-per-request": t`Cost per request`,
    "cost-per-user": t`Cost per user`,
    users: t`Active users`,
  };
  const dimensions = [by, then].flatMap((name) => entryOf(DIMENSIONS, name) ?? []);
  const input = {
    workspaceId,
    range: useRange(),
    filters: useFilters(),
    metrics: [entryOf(METRICS, metric) ?? UsageMetric.COST],
    groupBy: dimensions.map((dimension) => ({ dimension })),
    top: 20,
    comparePrevious: true,
  };
  const report = useQuery(AnalyticsService.method.queryUsage, input);
  return (
    <>
      <div className="toolbar">
        <Select label={t`Figure`} value={metric} names={metrics} onChange={setMetric} />
        <Select label={t`By`} value={by} names={names} onChange={setBy} />
        <Select
          label={t`Then by`}
          value={then}
          names={{ "": t`and nothing else`, ...names }}
          onChange={setThen}
        />
        <CopyAsGrpcurl calls={[callOf(AnalyticsService.method.queryUsage, input)]} />
      </div>
      <Loaded query={report} lines={6} height={240}>
        {({ groups }) => (
          <Groups
            groups={groups}
            by={[by, then].filter((name) => entryOf(names, name) !== undefined)}
            figure={entryOf(metrics, metric) ?? ""}
          />
        )}
      </Loaded>
    </>
  );
}

function Groups({ groups, by, figure }: { groups: UsageGroup[]; by: string[]; figure: string }) {
  const { t } = useLingui();
  const format = useFormat();
  const names = useDimensionNames();
  const addFilter = useAddFilter();
  const nameOf = ({ keys }: UsageGroup, at: number) =>
    (keys[at]?.displayName ?? "") || (keys[at]?.value ?? "") || t`none`;
  return (
    <Table<UsageGroup>
      label={t`Result`}
      rows={groups}
      keyOf={({ keys, others }) => (others ? "others" : keys.map(({ value }) => value).join("\n"))}
      empty={<Trans>No usage in this range</Trans>}
      columns={[
        ...by.map((dimension, at) => ({
          title: entryOf(names, dimension) ?? "",
          by: (group: UsageGroup) => (group.others ? undefined : nameOf(group, at)),
          cell: (group: UsageGroup) => {
            const { keys, others } = group;
            if (others) return at === 0 ? t`Others` : "";
            const [name, value] = [nameOf(group, at), keys[at]?.value ?? ""];
            return (
              <button
                type="button"
                className="link"
                title={t`Filter the page by ${name}`}
                onClick={() => {
                  addFilter(dimension, value);
                }}
              >
                {name}
              </button>
            );
          },
        })),
        {
          title: figure,
          number: true,
          by: ({ values, others }) => (others ? undefined : valueOf(values)),
          cell: ({ values }) => <Value values={values} />,
        },
        {
          title: t`Share`,
          number: true,
          by: ({ sharePercent, others }) => (others ? undefined : sharePercent),
          cell: ({ sharePercent }) =>
            sharePercent === undefined ? "" : format.share(sharePercent / 100),
        },
        {
          title: t`Change`,
          number: true,
          by: ({ changePercent, others }) => (others ? undefined : changePercent),
          cell: ({ changePercent }) =>
            changePercent === undefined ? "" : format.signedPercent(changePercent),
        },
      ]}
    />
  );
}

const moneyOf = (values: UsageValues) => values.cost ?? values.costPerRequest ?? values.costPerUser;
const countOf = (values: UsageValues) =>
  values.requestCount ?? values.tokenCount ?? values.errorCount ?? values.activeUserCount;

/** The one value that was asked for, as a number that can be compared. */
function valueOf(values: UsageValues | undefined): bigint | undefined {
  if (!values) return undefined;
  const money = moneyOf(values);
  return money ? nanos(money.amount) : countOf(values);
}

function Value({ values }: { values: UsageValues | undefined }) {
  if (!values) return null;
  const money = moneyOf(values);
  if (money) return <MoneyText money={money} />;
  const count = countOf(values);
  return count === undefined ? "–" : <Count value={count} />;
}
