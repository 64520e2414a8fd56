// "Token limits": what the cycle has spent of its envelope, and what each model may.

import { useLingui } from "@lingui/react/macro";

import { BudgetService } from "@stubs/budget_service_pb.js";
import { ModelLimitService } from "@stubs/model_limit_service_pb.js";

import { useThisWorkspace } from "../../app/workspace";
import { callOf } from "../../ui/grpcurl";
import { PageHead } from "../../ui/page";
import { BudgetCard } from "./budget";
import { CyclesCard } from "./cycles";
import { FallbackCard } from "./fallback";
import { FreezeButton, Freezes } from "./freeze";
import { ModelLimitsCard } from "./models";
import { SpendCard } from "./spend";

export default function LimitsPage() {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const calls = [
    callOf(BudgetService.method.getBudget, { workspaceId }),
    callOf(ModelLimitService.method.listModelLimits, { workspaceId }),
  ];
  return (
    <>
      <PageHead title={t`Token limits`} calls={calls}>
        <FreezeButton />
      </PageHead>
      <Freezes />
      <BudgetCard />
      <FallbackCard />
      <ModelLimitsCard />
      <SpendCard />
      <CyclesCard />
    </>
  );
}
