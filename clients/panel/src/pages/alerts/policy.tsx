// At which shares of the budget and of model limits alerts are raised, and above which cost.

import { useState } from "react";
import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { AlertPolicy } from "@stubs/alert_service_pb.js";
import { AlertService } from "@stubs/alert_service_pb.js";

import { queries, violations } from "../../app/api";
import { useFormat } from "../../app/format";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { AmountInput, editable, parseAmount } from "../../ui/amount";
import { Button, Card, Field, Loaded, Outcome, TextField } from "../../ui/base";

export function Policy() {
  const { workspaceId } = useThisWorkspace();
  const policy = useQuery(AlertService.method.getAlertPolicy, { workspaceId });
  return (
    <Card
      title={<Trans>Thresholds</Trans>}
      hint={<Trans>Quotas have thresholds of their own.</Trans>}
    >
      <Loaded query={policy} lines={5} height={260}>
        {({ alertPolicy }) => alertPolicy && <PolicyForm policy={alertPolicy} />}
      </Loaded>
    </Card>
  );
}

const read = (text: string) =>
  text
    .split(/[\s,;]+/)
    .filter((part) => part !== "")
    .map((part) => Math.trunc(Number(part)) || 0);

function PolicyForm({ policy }: { policy: AlertPolicy }) {
  const { workspaceId, currencyCode } = useThisWorkspace();
  const { administer } = useAllowed();
  const { locale } = useFormat();
  const { t } = useLingui();
  const [envelope, setEnvelope] = useState(policy.envelopeThresholdPercents.join(", "));
  const [models, setModels] = useState(policy.modelLimitThresholdPercents.join(", "));
  const [large, setLarge] = useState(editable(policy.largeRecordCost?.amount, locale));
  const save = useMutation(AlertService.method.setAlertPolicy, {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  });
  const errors = violations(save.error);
  return (
    <form
      className="settings-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate({
          workspaceId,
          alertPolicy: {
            envelopeThresholdPercents: read(envelope),
            modelLimitThresholdPercents: read(models),
            ...(large !== "" && {
              largeRecordCost: { currencyCode, amount: parseAmount(large, locale) ?? large },
            }),
          },
        });
      }}
    >
      <TextField
        label={<Trans>Of the budget, in percent</Trans>}
        hint={t`For example 50, 80, 100; empty for none`}
        error={errors.get("alert_policy.envelope_threshold_percents")}
        disabled={!administer}
        value={envelope}
        onChange={setEnvelope}
      />
      <TextField
        label={<Trans>Of a model limit, in percent</Trans>}
        error={errors.get("alert_policy.model_limit_threshold_percents")}
        disabled={!administer}
        value={models}
        onChange={setModels}
      />
      <Field
        label={<Trans>A single request that costs more than</Trans>}
        hint={<Trans>Empty for none</Trans>}
        error={
          errors.get("alert_policy.large_record_cost") ??
          errors.get("alert_policy.large_record_cost.amount")
        }
      >
        {(props) => (
          <AmountInput
            {...props}
            disabled={!administer}
            currency={currencyCode}
            value={large}
            onChange={setLarge}
          />
        )}
      </Field>
      {administer && (
        <footer className="card-foot">
          <Outcome error={save.error} done={save.isSuccess ? t`Saved` : undefined} />
          <Button type="submit" kind="primary" busy={save.isPending}>
            <Trans>Save</Trans>
          </Button>
        </footer>
      )}
    </form>
  );
}
