// A temporary raise of the envelope, for operators.

import { useState } from "react";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { useMutation } from "@connectrpc/connect-query";
import { Trans } from "@lingui/react/macro";

import { BudgetService } from "@stubs/budget_service_pb.js";

import { queries, violations } from "../../app/api";
import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { AmountInput, parseAmount } from "../../ui/amount";
import { Field, TextField } from "../../ui/base";
import { FormDialog } from "../../ui/dialog";
import { localMidnight } from "../../ui/zone";

export function BoostDialog({ currency, onClose }: { currency: string; onClose: () => void }) {
  const { workspaceId, timeZone } = useThisWorkspace();
  const { locale } = useFormat();
  const [amount, setAmount] = useState("");
  const [until, setUntil] = useState("");
  const [reason, setReason] = useState("");
  const save = useMutation(BudgetService.method.createBudgetBoost, {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  const errors = violations(save.error);
  return (
    <FormDialog
      title={<Trans>Boost of the budget</Trans>}
      submit={<Trans>Add boost</Trans>}
      busy={save.isPending}
      error={save.error}
      onClose={onClose}
      onSubmit={() => {
        save.mutate({
          workspaceId,
          amount: { currencyCode: currency, amount: parseAmount(amount, locale) ?? amount },
          reason,
          ...(until !== "" && { endTime: timestampFromDate(localMidnight(until, timeZone, 1)) }),
        });
      }}
    >
      <Field label={<Trans>Amount</Trans>} error={errors.get("amount.amount")}>
        {(props) => (
          <AmountInput {...props} currency={currency} value={amount} onChange={setAmount} />
        )}
      </Field>
      <TextField
        label={<Trans>Last day</Trans>}
        hint={<Trans>Included, in {timeZone}</Trans>}
        error={errors.get("end_time")}
        type="date"
        value={until}
        onChange={setUntil}
      />
      <TextField
        label={<Trans>Reason</Trans>}
        error={errors.get("reason")}
        value={reason}
        onChange={setReason}
      />
    </FormDialog>
  );
}
