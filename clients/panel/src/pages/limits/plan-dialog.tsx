// The plan of a workspace, for operators.

import { useState } from "react";
import { useMutation } from "@connectrpc/connect-query";
import { Trans } from "@lingui/react/macro";

import { BudgetService } from "@stubs/budget_service_pb.js";

import { queries, violations } from "../../app/api";
import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { AmountInput, editable, parseAmount } from "../../ui/amount";
import { Field, TextField } from "../../ui/base";
import { FormDialog } from "../../ui/dialog";

export function PlanDialog({ onClose }: { onClose: () => void }) {
  const { workspaceId, currencyCode, plan } = useThisWorkspace();
  const { locale } = useFormat();
  const [budget, setBudget] = useState(editable(plan?.budget?.amount, locale));
  const [overage, setOverage] = useState(editable(plan?.overageLimit?.amount, locale));
  const [start, setStart] = useState(plan?.startDate ?? new Date().toISOString().slice(0, 10));
  const save = useMutation(BudgetService.method.setPlan, {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  const errors = violations(save.error);
  const amount = (text: string) => ({ currencyCode, amount: parseAmount(text, locale) ?? text });
  return (
    <FormDialog
      title={<Trans>Plan</Trans>}
      submit={<Trans>Save</Trans>}
      busy={save.isPending}
      error={save.error}
      onClose={onClose}
      onSubmit={() => {
        const changed = {
          budget: amount(budget),
          overageLimit: amount(overage || "0"),
          startDate: start,
        };
        save.mutate({ workspaceId, plan: changed });
      }}
    >
      <Field label={<Trans>Plan budget</Trans>} error={errors.get("plan.budget.amount")}>
        {(props) => (
          <AmountInput {...props} currency={currencyCode} value={budget} onChange={setBudget} />
        )}
      </Field>
      <Field label={<Trans>Overage limit</Trans>} error={errors.get("plan.overage_limit.amount")}>
        {(props) => (
          <AmountInput {...props} currency={currencyCode} value={overage} onChange={setOverage} />
        )}
      </Field>
      <TextField
        label={<Trans>Start date</Trans>}
        hint={<Trans>Its day of the month is the first day of each cycle.</Trans>}
        error={errors.get("plan.start_date")}
        type="date"
        value={start}
        onChange={setStart}
      />
    </FormDialog>
  );
}
