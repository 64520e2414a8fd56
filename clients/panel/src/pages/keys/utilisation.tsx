// How far quotas are used, the fullest first.

import { Trans, useLingui } from "@lingui/react/macro";

import { LimitUnit } from "@stubs/common_pb.js";
import type { QuotaUsage } from "@stubs/quota_service_pb.js";
import { QuotaService } from "@stubs/quota_service_pb.js";

import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Card, Count, ErrorBox, MoneyText, Skeleton } from "../../ui/base";
import { More, useList } from "../../ui/pages";
import { useNames } from "../../ui/subject";
import { Table } from "../../ui/table";

export function Utilisation() {
  const { workspaceId } = useThisWorkspace();
  const { query, rows } = useList(
    QuotaService.method.listQuotaUsage,
    { workspaceId, pageSize: 100 },
    (page) => page.usages,
  );
  return (
    <Card
      title={<Trans>Utilisation</Trans>}
      hint={<Trans>Of each subject with a quota that is used, the fullest first.</Trans>}
    >
      {query.error && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending ? <Skeleton lines={6} height={320} /> : <UsageTable usages={rows} />}
      <More query={query} />
    </Card>
  );
}

export function UsageTable({ usages }: { usages: QuotaUsage[] }) {
  const { t } = useLingui();
  const format = useFormat();
  const names = useNames();
  const isMoney = (usage: QuotaUsage) => usage.unit === LimitUnit.MONEY;
  return (
    <Table<QuotaUsage>
      label={t`Utilisation of quotas`}
      rows={usages}
      keyOf={({ quotaId, subject }) => `${quotaId}\n${subject?.id ?? ""}`}
      empty={<Trans>No quota is used yet</Trans>}
      columns={[
        {
          title: t`Subject`,
          cell: ({
            subject,
            quotaId,
            modelId,
            quotaDisplayName,
            subjectDisplayName,
            modelDisplayName,
          }) => (
            <span className="model-name">
              <span>{subjectDisplayName || names.subject(subject)}</span>
              <small>
                {subjectDisplayName !== "" && `${names.subject(subject)} · `}
                {quotaDisplayName || quotaId}
                {modelId !== "" && ` · ${modelDisplayName || modelId}`}
              </small>
            </span>
          ),
        },
        {
          title: t`Resets`,
          cell: ({ period, resetTime }) => (
            <span title={format.dateTime(resetTime)}>{names.periods[period]}</span>
          ),
        },
        {
          title: t`Used`,
          number: true,
          cell: (usage) =>
            isMoney(usage) ? <MoneyText money={usage.spent} /> : <Count value={usage.spentCount} />,
        },
        {
          title: t`Limit`,
          number: true,
          cell: (usage) =>
            isMoney(usage) ? <MoneyText money={usage.limit} /> : <Count value={usage.limitCount} />,
        },
        {
          title: t`Utilisation`,
          number: true,
          cell: ({ utilization }) => <span className="number">{format.share(utilization)}</span>,
        },
        { title: "", name: t`Share`, cell: ({ utilization }) => <UseBar share={utilization} /> },
      ]}
    />
  );
}

export function UseBar({ share }: { share: number }) {
  const kind = share >= 1 ? "bad" : share >= 0.8 ? "warn" : "";
  return (
    <span className={`share-bar fixed ${kind}`} aria-hidden="true">
      <span style={{ width: `${Math.min(100, share * 100)}%` }} />
    </span>
  );
}
