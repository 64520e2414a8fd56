// Name, zone and policies of the workspace.

import { useState } from "react";
import { useMutation } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Workspace } from "@stubs/workspace_service_pb.js";
import {
  DayOfWeek,
  HoldDurability,
  HoldExpiryPolicy,
  UnknownKeyPolicy,
  UnpricedModelPolicy,
  WorkspaceService,
} from "@stubs/workspace_service_pb.js";

import { queries, violations } from "../../app/api";
import { useFormat } from "../../app/format";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Button, Card, Field, Outcome, TextField } from "../../ui/base";

const FIELDS = [
  "display_name",
  "time_zone",
  "first_day_of_week",
  "unpriced_model_policy",
  "hold_expiry_policy",
  "hold_durability",
  "unknown_key_policy",
  "usage_retention_days",
  "required_attribution_fields",
  "price_max_age_days",
  "cost_difference_alert_percent",
];

export function WorkspaceCard() {
  const workspace = useThisWorkspace();
  return (
    <Card
      title={<Trans>Workspace</Trans>}
      aside={<span className="mono">{workspace.workspaceId}</span>}
    >
      {/* Begins again with what was saved. */}
      <WorkspaceForm key={workspace.updateTime?.seconds.toString()} workspace={workspace} />
    </Card>
  );
}

function useChoices() {
  const { t } = useLingui();
  return {
    days: {
      [DayOfWeek.MONDAY]: t`Monday`,
      [DayOfWeek.TUESDAY]: t`Tuesday`,
      [DayOfWeek.WEDNESDAY]: t`Wednesday`,
      [DayOfWeek.THURSDAY]: t`Thursday`,
      [DayOfWeek.FRIDAY]: t`Friday`,
      [DayOfWeek.SATURDAY]: t`Saturday`,
      [DayOfWeek.SUNDAY]: t`Sunday`,
    },
    unpriced: {
      [UnpricedModelPolicy.DENY]: t`Block the request`,
      [UnpricedModelPolicy.ALLOW]: t`Allow it, at no cost`,
    },
    expiry: {
      [HoldExpiryPolicy.RELEASE]: t`Charge nothing`,
      [HoldExpiryPolicy.CHARGE_ESTIMATE]: t`Charge the amount held`,
    },
    durability: {
      [HoldDurability.MEMORY]: t`Are lost`,
      [HoldDurability.JOURNALED]: t`Are kept, but for the last moments`,
      [HoldDurability.COMMITTED]: t`Are kept; each check waits for that`,
    },
    keys: {
      [UnknownKeyPolicy.ACCEPT]: t`Accept them`,
      [UnknownKeyPolicy.DENY]: t`Block the request`,
    },
  };
}

function WorkspaceForm({ workspace }: { workspace: Workspace }) {
  const { administer } = useAllowed();
  const { t } = useLingui();
  const format = useFormat();
  const choices = useChoices();
  const [draft, setDraft] = useState(workspace);
  const [required, setRequired] = useState(workspace.requiredAttributionFields.join(", "));
  const set = (changes: Partial<Workspace>) => {
    setDraft({ ...draft, ...changes });
  };
  const save = useMutation(WorkspaceService.method.updateWorkspace, {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  });
  const errors = violations(save.error);
  const select = (
    label: React.ReactNode,
    field: string,
    names: object,
    value: number,
    change: (value: number) => void,
  ) => (
    <Field label={label} error={errors.get(`workspace.${field}`)}>
      {(props) => (
        <select
          {...props}
          disabled={!administer}
          value={value}
          onChange={(event) => {
            change(Number(event.target.value));
          }}
        >
          {Object.entries(names).map(([id, name]) => (
            <option key={id} value={id}>
              {String(name)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
  const days = (
    label: React.ReactNode,
    hint: React.ReactNode,
    field: string,
    value: number,
    change: (value: number) => void,
  ) => (
    <Field label={label} hint={hint} error={errors.get(`workspace.${field}`)}>
      {(props) => (
        <input
          {...props}
          disabled={!administer}
          type="number"
          min={0}
          value={value}
          onChange={(event) => {
            change(Math.trunc(Number(event.target.value)));
          }}
        />
      )}
    </Field>
  );
  return (
    <form
      className="settings-form columns"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const fields = required.split(/[\s,]+/).filter((field) => field !== "");
        save.mutate({
          workspace: { ...draft, requiredAttributionFields: fields },
          updateMask: { paths: FIELDS },
        });
      }}
    >
      <Field label={<Trans>Name</Trans>} error={errors.get("workspace.display_name")}>
        {(props) => (
          <input
            {...props}
            disabled={!administer}
            value={draft.displayName}
            onChange={(event) => {
              set({ displayName: event.target.value });
            }}
          />
        )}
      </Field>
      <Field label={<Trans>Currency</Trans>} hint={<Trans>Fixed once anything is recorded</Trans>}>
        {(props) => <input {...props} disabled value={draft.currencyCode} />}
      </Field>
      <Field
        label={<Trans>Time zone</Trans>}
        hint={<Trans>Cycles, days and weeks begin at its midnight.</Trans>}
        error={errors.get("workspace.time_zone")}
      >
        {(props) => (
          <>
            <input
              {...props}
              disabled={!administer}
              list="zones"
              value={draft.timeZone}
              onChange={(event) => {
                set({ timeZone: event.target.value });
              }}
            />
            <datalist id="zones">
              {Intl.supportedValuesOf("timeZone").map((zone) => (
                <option key={zone} value={zone} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      {select(
        <Trans>First day of the week</Trans>,
        "first_day_of_week",
        choices.days,
        draft.firstDayOfWeek,
        (firstDayOfWeek) => {
          set({ firstDayOfWeek });
        },
      )}
      {select(
        <Trans>A model without a price</Trans>,
        "unpriced_model_policy",
        choices.unpriced,
        draft.unpricedModelPolicy,
        (unpricedModelPolicy) => {
          set({ unpricedModelPolicy });
        },
      )}
      {select(
        <Trans>A hold that expires</Trans>,
        "hold_expiry_policy",
        choices.expiry,
        draft.holdExpiryPolicy,
        (holdExpiryPolicy) => {
          set({ holdExpiryPolicy });
        },
      )}
      {select(
        <Trans>Holds after a crash of the server</Trans>,
        "hold_durability",
        choices.durability,
        draft.holdDurability,
        (holdDurability) => {
          set({ holdDurability });
        },
      )}
      {select(
        <Trans>Keys that are not registered</Trans>,
        "unknown_key_policy",
        choices.keys,
        draft.unknownKeyPolicy,
        (unknownKeyPolicy) => {
          set({ unknownKeyPolicy });
        },
      )}
      {days(
        <Trans>Days that usage records are kept</Trans>,
        <Trans>62 to 3,650; 0 for ever. Reports do not change.</Trans>,
        "usage_retention_days",
        draft.usageRetentionDays,
        (usageRetentionDays) => {
          set({ usageRetentionDays });
        },
      )}
      {days(
        <Trans>Days after which a price is old</Trans>,
        <Trans>0 for never</Trans>,
        "price_max_age_days",
        draft.priceMaxAgeDays,
        (priceMaxAgeDays) => {
          set({ priceMaxAgeDays });
        },
      )}
      {days(
        <Trans>Alert where the reported cost differs by, in percent</Trans>,
        <Trans>0 for never</Trans>,
        "cost_difference_alert_percent",
        draft.costDifferenceAlertPercent,
        (costDifferenceAlertPercent) => {
          set({ costDifferenceAlertPercent });
        },
      )}
      <TextField
        label={<Trans>Required with each request</Trans>}
        hint={<Trans>Fields, for example user_id, department_id</Trans>}
        error={errors.get("workspace.required_attribution_fields")}
        disabled={!administer}
        value={required}
        onChange={setRequired}
      />
      <footer className="card-foot">
        <Outcome error={save.error} done={save.isSuccess ? t`Saved` : undefined} />
        <small className="hint">
          <Trans>Changed {format.dateTime(workspace.updateTime)}</Trans>
        </small>
        {administer && (
          <Button type="submit" kind="primary" busy={save.isPending}>
            <Trans>Save</Trans>
          </Button>
        )}
      </footer>
    </form>
  );
}
