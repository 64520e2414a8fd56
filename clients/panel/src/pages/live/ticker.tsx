// The spend of the cycle as it changes, the latest change first.

import { useEffect, useState } from "react";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Budget } from "@stubs/budget_service_pb.js";

import { fromNanos, nanos, useFormat } from "../../app/format";
import { Card, Empty, MoneyText } from "../../ui/base";

/** Most changes that are shown. */
const KEPT = 12;

interface Change {
  sequence: number;
  time: Timestamp | undefined;
  amount: bigint;
}

export function Ticker({ budget }: { budget: Budget | undefined }) {
  const { t } = useLingui();
  const format = useFormat();
  const [{ changes }, set] = useState<{
    last: bigint | undefined;
    count: number;
    changes: Change[];
  }>({
    last: undefined,
    count: 0,
    changes: [],
  });
  const spent = budget?.spent?.amount;
  const time = budget?.asOfTime;
  useEffect(() => {
    if (spent === undefined) return;
    const now = nanos(spent);
    set((before) => {
      if (before.last === now) return before;
      if (before.last === undefined) return { ...before, last: now };
      const change = { sequence: before.count, time, amount: now - before.last };
      return {
        last: now,
        count: before.count + 1,
        changes: [change, ...before.changes].slice(0, KEPT),
      };
    });
  }, [spent, time]);
  const currency = budget?.spent?.currencyCode ?? "";
  return (
    <Card title={<Trans>Spend as it happens</Trans>} aside={<MoneyText money={budget?.spent} />}>
      {changes.length === 0 ? (
        <Empty>
          <Trans>Waiting for the next request</Trans>
        </Empty>
      ) : (
        <ol className="ticker" aria-label={t`Latest changes`}>
          {changes.map(({ sequence, time, amount }) => (
            <li key={sequence}>
              <span>{format.time(time)}</span>
              <span className="number">
                {amount > 0n ? "+" : ""}
                {new Intl.NumberFormat(format.locale, {
                  style: "currency",
                  currency,
                  maximumFractionDigits: 6,
                }).format(fromNanos(amount) as Intl.StringNumericLiteral)}
              </span>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
