// "Top assistants by usage": #rank, name, tokens, requests.

import { Trans, useLingui } from "@lingui/react/macro";

import type { RankedUsage } from "@stubs/analytics_service_pb.js";

import { nanos, useFormat } from "../../app/format";
import { Card, Compact, Count, MoneyText } from "../../ui/base";
import { Table } from "../../ui/table";

export function Assistants({ assistants }: { assistants: RankedUsage[] }) {
  const { t } = useLingui();
  const format = useFormat();
  return (
    <Card title={<Trans>Top assistants by usage</Trans>}>
      <Table<RankedUsage>
        label={t`Top assistants by usage`}
        rows={assistants}
        keyOf={({ id }) => id}
        empty={<Trans>No usage in this range</Trans>}
        columns={[
          {
            title: t`Assistant`,
            by: ({ displayName, id }) => displayName || id,
            cell: ({ rank, displayName, id }) => (
              <span className="model-name">
                <span>
                  <span className="rank">#{rank}</span> {displayName || id}
                </span>
              </span>
            ),
          },
          {
            title: t`Tokens`,
            number: true,
            by: ({ tokenCount }) => tokenCount,
            cell: ({ tokenCount }) => <Compact value={tokenCount} />,
          },
          {
            title: t`Requests`,
            number: true,
            by: ({ requestCount }) => requestCount,
            cell: ({ requestCount }) => <Count value={requestCount} />,
          },
          {
            title: t`Tokens per request`,
            number: true,
            by: ({ tokensPerRequest }) => tokensPerRequest,
            cell: ({ tokensPerRequest }) => (
              <span className="number">{format.count(Math.round(tokensPerRequest))}</span>
            ),
          },
          {
            title: t`Cost`,
            number: true,
            by: ({ cost }) => nanos(cost?.amount),
            cell: ({ cost }) => <MoneyText money={cost} />,
          },
        ]}
      />
    </Card>
  );
}
