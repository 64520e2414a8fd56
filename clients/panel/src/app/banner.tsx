// Above every tab: that the budget of the plan is used up, or everything.

import { Trans } from "@lingui/react/macro";

import { BudgetState } from "@stubs/common_pb.js";

import { useFormat } from "./format";
import { useLive } from "./live";

export function BudgetBanner() {
  const { budget } = useLive();
  const format = useFormat();
  const reset = format.date(budget?.cycleEndTime);
  switch (budget?.state) {
    case BudgetState.IN_OVERAGE:
      return (
        <p className="banner warn">
          <Trans>The plan budget is used up: the workspace is in its overage.</Trans>
        </p>
      );
    case BudgetState.EXHAUSTED:
      return (
        <p className="banner bad">
          <Trans>The limit is reached: new requests are blocked until {reset}.</Trans>
        </p>
      );
    default:
      return null;
  }
}
