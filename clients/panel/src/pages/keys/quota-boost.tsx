// A temporary raise of a quota.

import { useState } from "react";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans } from "@lingui/react/macro";

import { LimitUnit } from "@stubs/common_pb.js";
import type { Quota } from "@stubs/quota_service_pb.js";
import { QuotaService } from "@stubs/quota_service_pb.js";

import { queries, violations } from "../../app/api";
import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { AmountInput, parseAmount } from "../../ui/amount";
import { Button, Field, TextField } from "../../ui/base";
import { FormDialog } from "../../ui/dialog";
import { localMidnight } from "../../ui/zone";

export function QuotaBoostDialog({ quota, onClose }: { quota: Quota; onClose: () => void }) {
  const { workspaceId, currencyCode, timeZone } = useThisWorkspace();
  const { locale } = useFormat();
  const [amount, setAmount] = useState("");
  const [subject, setSubject] = useState("");
  const [until, setUntil] = useState("");
  const [reason, setReason] = useState("");
  const isMoney = quota.unit === LimitUnit.MONEY;
  const create = useMutation(QuotaService.method.createQuotaBoost, {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  const errors = violations(create.error);
  const digits = amount.replaceAll(/\D/g, "");
  return (
    <FormDialog
      title={<Trans>Boost of {quota.displayName || quota.quotaId}</Trans>}
      submit={<Trans>Add boost</Trans>}
      busy={create.isPending}
      error={create.error}
      onClose={onClose}
      onSubmit={() => {
        create.mutate({
          workspaceId,
          quotaId: quota.quotaId,
          subjectId: subject.trim(),
          reason,
          ...(isMoney
            ? { amount: { currencyCode, amount: parseAmount(amount, locale) ?? amount } }
            : digits !== "" && { count: BigInt(digits) }),
          ...(until !== "" && { endTime: timestampFromDate(localMidnight(until, timeZone, 1)) }),
        });
      }}
    >
      <InForce quota={quota} />
      <Field
        label={<Trans>Amount</Trans>}
        error={errors.get("amount.amount") ?? errors.get("amount") ?? errors.get("count")}
      >
        {(props) =>
          isMoney ? (
            <AmountInput {...props} currency={currencyCode} value={amount} onChange={setAmount} />
          ) : (
            <input
              {...props}
              inputMode="numeric"
              value={amount}
              onChange={(event) => {
                setAmount(event.target.value);
              }}
            />
          )
        }
      </Field>
      {quota.eachSubject && (
        <TextField
          label={<Trans>Only for</Trans>}
          hint={<Trans>The id of one; empty for all</Trans>}
          error={errors.get("subject_id")}
          value={subject}
          onChange={setSubject}
        />
      )}
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

function InForce({ quota }: { quota: Quota }) {
  const { workspaceId } = useThisWorkspace();
  const format = useFormat();
  const { quotaId } = quota;
  const list = useQuery(QuotaService.method.listQuotaBoosts, { workspaceId, quotaId });
  const cancel = useMutation(QuotaService.method.cancelQuotaBoost, {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  });
  const boosts = (list.data?.boosts ?? []).filter(({ active }) => active);
  if (boosts.length === 0) return null;
  return (
    <ul className="choices">
      {boosts.map((boost) => {
        const amount = boost.amount ? format.money(boost.amount) : format.count(boost.count);
        const until = format.date(boost.endTime);
        return (
          <li key={boost.boostId}>
            <span>
              <Trans>
                + {amount} until {until}
              </Trans>{" "}
              <small className="hint">{boost.reason}</small>
            </span>
            <Button
              kind="quiet"
              busy={cancel.isPending}
              onClick={() => {
                cancel.mutate({ workspaceId, boostId: boost.boostId });
              }}
            >
              <Trans>End now</Trans>
            </Button>
          </li>
        );
      })}
    </ul>
  );
}
