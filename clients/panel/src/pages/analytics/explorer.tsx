// Any metric by up to two dimensions.

import { useState } from "react";
import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { UsageGroup, UsageValues } from "@stubs/analytics_service_pb.js";
import { AnalyticsService, UsageMetric } from "@stubs/analytics_service_pb.js";

import { useFormat } from "../../app/format";
import { entryOf, useParam } from "../../app/route";
import { useThisWorkspace } from "../../app/workspace";
import { Button, Card, Count, Loaded, MoneyText } from "../../ui/base";
import { CopyAsGrpcurl, callOf } from "../../ui/grpcurl";
import { Table } from "../../ui/table";
import { DIMENSIONS, useDimensionNames, useFilters } from "./filters";
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
  const [open, setOpen] = useState(by !== "");
  return (
    <Card
      title={<Trans>Explore</Trans>}
      hint={
        <Trans>Any figure by up to two dimensions, in the range and with the filters above.</Trans>
      }
      aside={
        <Button
          kind="quiet"
          aria-expanded={open}
          aria-label={open ? t`Close explorer` : t`Open explorer`}
          onClick={() => {
            setOpen(!open);
          }}
        >
          {open ? <Trans>Close</Trans> : <Trans>Open</Trans>}
        </Button>
      }
    >
      {open && <Question />}
    </Card>
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
  const choices = (chosen: string, set: (name: string) => void, label: string, none = false) => (
    <select
      aria-label={label}
      value={chosen}
      onChange={(event) => {
        set(event.target.value);
      }}
    >
      {none && <option value="">{t`and nothing else`}</option>}
      {Object.entries(names).map(([id, name]) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
  return (
    <>
      <div className="toolbar">
        <select
          aria-label={t`Figure`}
          value={metric}
          onChange={(event) => {
            setMetric(event.target.value);
          }}
        >
          {Object.entries(metrics).map(([id, name]) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
        {choices(by, setBy, t`By`)}
        {choices(then, setThen, t`Then by`, true)}
        <CopyAsGrpcurl calls={[callOf(AnalyticsService.method.queryUsage, input)]} />
      </div>
      <Loaded query={report} lines={6} height={240}>
        {({ groups }) => (
          <Groups
            groups={groups}
            titles={[by, then].flatMap((name) => entryOf(names, name) ?? [])}
            figure={entryOf(metrics, metric) ?? ""}
          />
        )}
      </Loaded>
    </>
  );
}

function Groups({
  groups,
  titles,
  figure,
}: {
  groups: UsageGroup[];
  titles: string[];
  figure: string;
}) {
  const { t } = useLingui();
  const format = useFormat();
  return (
    <Table<UsageGroup>
      label={t`Result`}
      rows={groups}
      keyOf={({ keys, others }) => (others ? "others" : keys.map(({ value }) => value).join("\n"))}
      empty={<Trans>No usage in this range</Trans>}
      columns={[
        ...titles.map((title, at) => ({
          title,
          cell: ({ keys, others }: UsageGroup) =>
            others
              ? at === 0
                ? t`Others`
                : ""
              : (keys[at]?.displayName ?? "") || (keys[at]?.value ?? "") || t`none`,
        })),
        { title: figure, number: true, cell: ({ values }) => <Value values={values} /> },
        {
          title: t`Share`,
          number: true,
          cell: ({ sharePercent }) =>
            sharePercent === undefined ? "" : format.share(sharePercent / 100),
        },
        {
          title: t`Change`,
          number: true,
          cell: ({ changePercent }) =>
            changePercent === undefined ? "" : format.signedPercent(changePercent),
        },
      ]}
    />
  );
}

/** The one value that was asked for. */
function Value({ values }: { values: UsageValues | undefined }) {
  if (!values) return null;
  const money = values.cost ?? values.costPerRequest ?? values.costPerUser;
  if (money) return <MoneyText money={money} />;
  const count =
    values.requestCount ?? values.tokenCount ?? values.errorCount ?? values.activeUserCount;
  return count === undefined ? "–" : <Count value={count} />;
}
