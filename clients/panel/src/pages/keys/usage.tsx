// What one caller used: tokens by day, and figures by model.

import { Trans, useLingui } from "@lingui/react/macro";

import type { QueryUsageResponse, UsageGroup } from "@stubs/analytics_service_pb.js";

import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Compact, Count, MoneyText } from "../../ui/base";
import { LineChart } from "../../ui/charts";
import { Table } from "../../ui/table";
import { localDate } from "../../ui/zone";

export function TokensByDay({ total }: { total: QueryUsageResponse["total"] }) {
  const { timeZone } = useThisWorkspace();
  const { t } = useLingui();
  const format = useFormat();
  const today = localDate(new Date(), timeZone);
  return (
    <LineChart
      label={t`Tokens by day`}
      format={(value) => format.compact(value)}
      points={(total?.points ?? []).map((point) => ({
        label: format.shortDate(point.startTime),
        value: Number(point.values?.tokenCount ?? 0n),
        open: point.firstDate >= today,
      }))}
    />
  );
}

export function UsageByModel({ groups }: { groups: UsageGroup[] }) {
  const { t } = useLingui();
  return (
    <Table<UsageGroup>
      label={t`Usage by model`}
      rows={groups}
      keyOf={({ keys, others }) => (others ? "others" : (keys[0]?.value ?? ""))}
      empty={<Trans>No usage in this range</Trans>}
      columns={[
        {
          title: t`Model`,
          cell: ({ keys, others }) => (others ? t`Others` : keys[0]?.value),
        },
        {
          title: t`Tokens`,
          number: true,
          cell: ({ values }) => <Compact value={values?.tokenCount ?? 0n} />,
        },
        {
          title: t`Requests`,
          number: true,
          cell: ({ values }) => <Count value={values?.requestCount ?? 0n} />,
        },
        {
          title: t`Cost`,
          number: true,
          cell: ({ values }) => <MoneyText money={values?.cost} />,
        },
      ]}
    />
  );
}
