// Past cycles: what each spent of the envelope of its day.

import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Cycle } from "@stubs/budget_service_pb.js";
import { BudgetService } from "@stubs/budget_service_pb.js";

import { fromNanos, nanos, useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Card, Count, Loaded, MoneyText } from "../../ui/base";
import { Table } from "../../ui/table";

const CYCLES = 12;

/** What might have been spent. */
const envelopeOf = (cycle: Cycle) =>
  nanos(cycle.planBudget?.amount) + nanos(cycle.overageLimit?.amount) + nanos(cycle.boost?.amount);

export function CyclesCard() {
  const { workspaceId, currencyCode } = useThisWorkspace();
  const { t } = useLingui();
  const format = useFormat();
  const list = useQuery(BudgetService.method.listCycles, { workspaceId, pageSize: CYCLES });
  const shareOf = (cycle: Cycle) => {
    const envelope = envelopeOf(cycle);
    return envelope > 0n ? Number((nanos(cycle.spent?.amount) * 10_000n) / envelope) / 10_000 : 0;
  };
  return (
    <Card
      title={<Trans>Cycles</Trans>}
      hint={<Trans>Each against the envelope that was in force at its end.</Trans>}
    >
      <Loaded query={list} lines={3} height={140}>
        {({ cycles }) => (
          <Table<Cycle>
            label={t`Cycles`}
            rows={cycles}
            keyOf={({ firstDate }) => firstDate}
            empty={<Trans>No cycle yet: there is no plan</Trans>}
            columns={[
              {
                title: t`Cycle`,
                cell: ({ firstDate, lastDate, running }) => (
                  <span className="number">
                    {format.localDate(firstDate)} – {format.localDate(lastDate)}
                    {running && (
                      <small className="hint">
                        {" "}
                        <Trans>running</Trans>
                      </small>
                    )}
                  </span>
                ),
              },
              {
                title: t`Requests`,
                number: true,
                cell: ({ requestCount }) => <Count value={requestCount} />,
              },
              { title: t`Spent`, number: true, cell: ({ spent }) => <MoneyText money={spent} /> },
              {
                title: t`Envelope`,
                number: true,
                cell: (cycle) =>
                  cycle.planBudget ? (
                    <span className="number">
                      {format.amount(fromNanos(envelopeOf(cycle)), currencyCode)}
                    </span>
                  ) : (
                    t`no plan`
                  ),
              },
              {
                title: "",
                name: t`Share`,
                cell: (cycle) => <CycleBar share={shareOf(cycle)} />,
              },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}

function CycleBar({ share }: { share: number }) {
  return (
    <span className={`share-bar cycle ${share >= 1 ? "bad" : ""}`} aria-hidden="true">
      <span style={{ width: `${Math.min(100, share * 100)}%` }} />
    </span>
  );
}
