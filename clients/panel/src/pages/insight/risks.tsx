// Limits by the probability that they are reached before they reset.

import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import { LimitKind } from "@stubs/common_pb.js";
import type { BudgetRisk } from "@stubs/insight_service_pb.js";
import { InsightService } from "@stubs/insight_service_pb.js";

import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Card, Loaded } from "../../ui/base";
import { useNames } from "../../ui/subject";
import { Table } from "../../ui/table";
import { UseBar } from "../keys/utilisation";
import { When } from "./forecast";
import { QuantityText } from "./quantity";

export function Risks() {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const format = useFormat();
  const names = useNames();
  const risks = useQuery(InsightService.method.listBudgetRisks, { workspaceId });
  const limitOf = ({ kind, modelId, subject, quotaId }: BudgetRisk): [string, string] => {
    if (kind === LimitKind.ENVELOPE) return [t`Budget`, t`plan, overage and boosts`];
    if (kind === LimitKind.MODEL_LIMIT) return [modelId, t`model limit`];
    return [names.subject(subject), modelId === "" ? quotaId : `${quotaId} · ${modelId}`];
  };
  return (
    <Card
      title={<Trans>Limits at risk</Trans>}
      hint={<Trans>By the probability that they are reached before they reset.</Trans>}
    >
      <Loaded query={risks} lines={5} height={240}>
        {(data) => (
          <>
            <Table<BudgetRisk>
              label={t`Limits at risk`}
              rows={data.risks}
              keyOf={(risk) => `${risk.kind}\n${limitOf(risk).join("\n")}`}
              empty={<Trans>No limit that resets by the clock</Trans>}
              columns={[
                {
                  title: t`Limit`,
                  cell: (risk) => {
                    const [name, detail] = limitOf(risk);
                    return (
                      <span className="model-name">
                        <span>{name}</span>
                        <small>{detail}</small>
                      </span>
                    );
                  },
                },
                {
                  title: t`Used`,
                  number: true,
                  cell: ({ outlook }) => <QuantityText quantity={outlook?.used} />,
                },
                {
                  title: t`Expected`,
                  number: true,
                  cell: ({ outlook }) => <QuantityText quantity={outlook?.expected} />,
                },
                {
                  title: t`Limit`,
                  number: true,
                  cell: ({ outlook }) => <QuantityText quantity={outlook?.limit} />,
                },
                {
                  title: t`Reached`,
                  number: true,
                  by: ({ outlook }) => outlook?.probability,
                  cell: ({ outlook }) => (
                    <span className="number">
                      {format.percent((outlook?.probability ?? 0) * 100)}
                    </span>
                  ),
                },
                {
                  title: "",
                  name: t`Probability`,
                  cell: ({ outlook }) => <UseBar share={outlook?.probability ?? 0} />,
                },
                { title: t`When`, cell: ({ outlook }) => outlook && <When outlook={outlook} /> },
              ]}
            />
            {data.tooLittleCount > 0 && <TooLittle count={data.tooLittleCount} />}
          </>
        )}
      </Loaded>
    </Card>
  );
}

function TooLittle({ count }: { count: number }) {
  const format = useFormat();
  const limits = format.count(count);
  return (
    <p className="hint">
      <Trans>
        {limits} more have fewer than three days of usage, so that nothing can be said of them.
      </Trans>
    </p>
  );
}
