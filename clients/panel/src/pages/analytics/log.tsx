// The usage log of the range, newest first: what the figures above are made of.

import { Trans, useLingui } from "@lingui/react/macro";

import type { ReportPeriod } from "@stubs/analytics_service_pb.js";
import { UsageDimension } from "@stubs/analytics_service_pb.js";
import { Outcome } from "@stubs/common_pb.js";
import type { UsageRecord } from "@stubs/usage_service_pb.js";
import { UsageService } from "@stubs/usage_service_pb.js";

import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Badge, Count, Empty, Loaded, MoneyText } from "../../ui/base";
import { CopyAsGrpcurl, callOf } from "../../ui/grpcurl";
import { OpenCard } from "../../ui/open-card";
import { More, useList } from "../../ui/pages";
import { Table } from "../../ui/table";
import { DIMENSIONS, useDimensionNames, useFilters } from "./filters";

type Fields = Partial<
  Record<"userId" | "departmentId" | "apiKeyId" | "modelId", string> & { outcome: Outcome }
>;

/** The same filter on the log; none for dimensions that it cannot be searched by. */
const FIELDS: Partial<Record<UsageDimension, (value: string) => Fields | undefined>> = {
  [UsageDimension.USER]: (userId) => ({ userId }),
  [UsageDimension.DEPARTMENT]: (departmentId) => ({ departmentId }),
  [UsageDimension.API_KEY]: (apiKeyId) => ({ apiKeyId }),
  [UsageDimension.MODEL]: (modelId) => ({ modelId }),
  [UsageDimension.OUTCOME]: (value) => {
    const name = value.replace(/^OUTCOME_/, "").toUpperCase();
    return Object.hasOwn(Outcome, name)
      ? { outcome: Outcome[name as keyof typeof Outcome] }
      : undefined;
  },
};

export function Records({ period }: { period: ReportPeriod | undefined }) {
  const { t } = useLingui();
  return (
    <OpenCard
      title={<Trans>Usage records</Trans>}
      hint={<Trans>Each billed attempt in the range, with the filters above.</Trans>}
      names={[t`Open usage records`, t`Close usage records`]}
    >
      {period && <Log period={period} />}
    </OpenCard>
  );
}

function Log({ period }: { period: ReportPeriod }) {
  const names = useDimensionNames();
  const filters = useFilters();
  const fields = filters.map(({ dimension, values }) =>
    // An empty value is usage without one, which the log has no filter for.
    values[0] === undefined || values[0] === "" ? undefined : FIELDS[dimension]?.(values[0]),
  );
  const missing = filters.find((_, at) => fields[at] === undefined);
  if (missing) {
    const name =
      Object.entries(DIMENSIONS).find(([, dimension]) => dimension === missing.dimension)?.[0] ??
      "";
    const dimension = names[name] ?? name;
    return (
      <Empty>
        <Trans>The usage log cannot be searched by this filter: {dimension}</Trans>
      </Empty>
    );
  }
  return <Pages period={period} fields={Object.assign({}, ...fields) as Fields} />;
}

function Pages({ period, fields }: { period: ReportPeriod; fields: Fields }) {
  const { workspaceId } = useThisWorkspace();
  const input = {
    workspaceId,
    ...(period.startTime && { startTime: period.startTime }),
    ...(period.endTime && { endTime: period.endTime }),
    ...fields,
    pageSize: 20,
  };
  const { rows, query } = useList(
    UsageService.method.listUsageRecords,
    input,
    (page) => page.records,
  );
  return (
    <>
      <div className="toolbar">
        <CopyAsGrpcurl calls={[callOf(UsageService.method.listUsageRecords, input)]} />
      </div>
      <Loaded query={query} lines={8} height={320}>
        {() => (
          <>
            <Rows records={rows} />
            <More query={query} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Rows({ records }: { records: UsageRecord[] }) {
  const { t } = useLingui();
  const format = useFormat();
  const outcomes: Partial<Record<Outcome, string>> = {
    [Outcome.ERROR]: t`Error`,
    [Outcome.CANCELLED]: t`Cancelled`,
  };
  return (
    <Table<UsageRecord>
      label={t`Usage records`}
      rows={records}
      keyOf={({ sequence }) => sequence.toString()}
      empty={<Trans>No usage in this range</Trans>}
      columns={[
        {
          title: t`Time`,
          cell: ({ chargeTime }) => <span className="number">{format.dateTime(chargeTime)}</span>,
        },
        {
          title: t`Request`,
          cell: ({ requestId, attempt, reason }) => (
            <span className="mono" title={reason || undefined}>
              {requestId}
              {attempt > 0 ? ` · ${attempt}` : ""}
            </span>
          ),
        },
        {
          title: t`User`,
          cell: ({ attribution }) => <span className="number">{attribution?.userId || "–"}</span>,
        },
        {
          title: t`Model`,
          cell: ({ modelId, outcome, unpriced }) => (
            <span className="model-name">
              <span>{modelId || "–"}</span>
              {outcomes[outcome] && <Badge kind="bad">{outcomes[outcome]}</Badge>}
              {unpriced && (
                <Badge kind="warn">
                  <Trans>Unpriced</Trans>
                </Badge>
              )}
            </span>
          ),
        },
        {
          title: t`Input`,
          number: true,
          cell: ({ usage }) => <Count value={usage?.inputTokenCount ?? 0n} />,
        },
        {
          title: t`Output`,
          number: true,
          cell: ({ usage }) => <Count value={usage?.outputTokenCount ?? 0n} />,
        },
        { title: t`Cost`, number: true, cell: ({ cost }) => <MoneyText money={cost} /> },
      ]}
    />
  );
}
