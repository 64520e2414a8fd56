// How much of each rate limit is used now, the fullest first.

import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { RateLimitUsage } from "@stubs/quota_service_pb.js";
import { QuotaService } from "@stubs/quota_service_pb.js";

import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Card, Count, Loaded } from "../../ui/base";
import { useNames } from "../../ui/subject";
import { Table } from "../../ui/table";
import { UseBar } from "./utilisation";

export function RateUsage() {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const format = useFormat();
  const names = useNames();
  const usage = useQuery(
    QuotaService.method.listRateLimitUsage,
    { workspaceId, pageSize: 50 },
    { refetchInterval: 3_000 },
  );
  return (
    <Card title={<Trans>Used now</Trans>}>
      <Loaded query={usage} lines={4} height={180}>
        {({ usages }) => (
          <Table<RateLimitUsage>
            label={t`Rate limits that are used now`}
            rows={usages}
            keyOf={(row) =>
              `${row.rateLimitId} ${row.subject?.id ?? ""} ${row.modelId} ${row.bound?.unit ?? 0} ${row.bound?.period ?? 0}`
            }
            empty={<Trans>No rate limit is used at the moment</Trans>}
            columns={[
              {
                title: t`Subject`,
                cell: (row) => (
                  <span className="model-name">
                    <span>{row.subjectDisplayName || names.subject(row.subject)}</span>
                    <small>
                      {row.rateLimitDisplayName || row.rateLimitId}
                      {row.modelId !== "" && ` · ${row.modelDisplayName || row.modelId}`}
                    </small>
                  </span>
                ),
              },
              {
                title: t`Bound`,
                cell: ({ bound }) =>
                  bound &&
                  `${format.count(bound.amount)} ${names.units[bound.unit] ?? ""} ${names.periods[bound.period] ?? ""}`,
              },
              {
                title: t`Used`,
                number: true,
                cell: ({ usedCount }) => <Count value={usedCount} />,
              },
              {
                title: t`Utilisation`,
                number: true,
                cell: ({ utilization }) => (
                  <span className="number">{format.share(utilization)}</span>
                ),
              },
              {
                title: "",
                name: t`Share`,
                cell: ({ utilization }) => <UseBar share={utilization} />,
              },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}
