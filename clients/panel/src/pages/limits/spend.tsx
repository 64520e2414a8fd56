// "Spend by model (this cycle)": who costs how much, the largest first.

import { Trans, useLingui } from "@lingui/react/macro";

import type { ModelSpend } from "@stubs/budget_service_pb.js";

import { useFormat } from "../../app/format";
import { useLive } from "../../app/live";
import { Card, MoneyText, Skeleton } from "../../ui/base";
import { Table } from "../../ui/table";

export function SpendCard() {
  const { budget } = useLive();
  const { t } = useLingui();
  const format = useFormat();
  const largest = Math.max(0, ...(budget?.spendByModel ?? []).map(({ share }) => share));
  return (
    <Card title={<Trans>Spend by model (this cycle)</Trans>}>
      {budget ? (
        <Table<ModelSpend>
          label={t`Spend by model`}
          className="spend"
          rows={budget.spendByModel}
          keyOf={({ modelId }) => modelId}
          empty={<Trans>Nothing spent in this cycle yet</Trans>}
          columns={[
            { title: t`Model`, cell: (row) => <ModelName row={row} /> },
            {
              title: t`Amount`,
              number: true,
              cell: ({ spent }) => <MoneyText money={spent} />,
            },
            {
              title: t`% of total`,
              number: true,
              cell: ({ share }) => <span className="number">{format.share(share)}</span>,
            },
            {
              title: "",
              name: t`Share`,
              cell: ({ share }) => (
                <span className="share-bar" aria-hidden="true">
                  <span style={{ width: `${largest > 0 ? (share / largest) * 100 : 0}%` }} />
                </span>
              ),
            },
          ]}
        />
      ) : (
        <Skeleton lines={4} height={180} />
      )}
    </Card>
  );
}

function ModelName({ row }: { row: ModelSpend }) {
  return (
    <span className="model-name">
      <span>{row.displayName || row.modelId}</span>
      <small>{[row.modelId, row.provider].filter((text) => text !== "").join(" · ")}</small>
    </span>
  );
}
