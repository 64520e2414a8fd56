// Makes or changes a quota.

import { useState } from "react";
import { useMutation } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import { Enforcement, LimitPeriod, LimitUnit, SubjectType } from "@stubs/common_pb.js";
import type { Quota } from "@stubs/quota_service_pb.js";
import { QuotaService } from "@stubs/quota_service_pb.js";

import { queries, violations } from "../../app/api";
import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { AmountInput, editable, parseAmount } from "../../ui/amount";
import { Field } from "../../ui/base";
import { FormDialog } from "../../ui/dialog";
import { options, useNames } from "../../ui/subject";

const SUBJECTS = [
  SubjectType.WORKSPACE,
  SubjectType.DEPARTMENT,
  SubjectType.USER,
  SubjectType.API_KEY,
  SubjectType.KEY_GROUP,
  SubjectType.PROJECT,
  SubjectType.ASSISTANT,
  SubjectType.WORKFLOW,
  SubjectType.FEATURE,
  SubjectType.PROVIDER,
  SubjectType.TAG,
];
const UNITS = [LimitUnit.MONEY, LimitUnit.TOKENS, LimitUnit.REQUESTS];
const PERIODS = [
  LimitPeriod.HOUR,
  LimitPeriod.DAY,
  LimitPeriod.WEEK,
  LimitPeriod.MONTH,
  LimitPeriod.QUARTER,
  LimitPeriod.YEAR,
  LimitPeriod.CYCLE,
  LimitPeriod.UNTIL_RESET,
  LimitPeriod.IN_FLIGHT,
  LimitPeriod.REQUEST,
];
/** They have no alerts. */
const WITHOUT_ALERTS = [LimitPeriod.IN_FLIGHT, LimitPeriod.REQUEST];

interface Draft {
  displayName: string;
  type: SubjectType;
  id: string;
  each: boolean;
  modelId: string;
  unit: LimitUnit;
  limit: string;
  period: LimitPeriod;
  enforcement: Enforcement;
  thresholds: string;
}

function draftOf(quota: Quota | undefined, locale: string): Draft {
  const count = quota?.limitCount;
  return {
    displayName: quota?.displayName ?? "",
    type: quota?.subject?.type ?? SubjectType.USER,
    id: quota?.subject?.id ?? "",
    each: quota?.eachSubject ?? false,
    modelId: quota?.modelId ?? "",
    unit: quota?.unit ?? LimitUnit.MONEY,
    limit: quota?.limit ? editable(quota.limit.amount, locale) : (count?.toString() ?? ""),
    period: quota?.period ?? LimitPeriod.MONTH,
    enforcement: quota?.enforcement ?? Enforcement.HARD,
    thresholds: (quota?.alertThresholdPercents ?? [80, 100]).join(", "),
  };
}

/** The quota as the API takes it; what is not well typed is left for the API to refuse. */
function quotaOf(draft: Draft, quotaId: string, currencyCode: string, locale: string) {
  const isMoney = draft.unit === LimitUnit.MONEY;
  const digits = draft.limit.replaceAll(/\D/g, "");
  const noAlerts = draft.thresholds.trim() === "" || WITHOUT_ALERTS.includes(draft.period);
  const percents = draft.thresholds
    .split(/[\s,;]+/)
    .filter((text) => text !== "")
    .map(Number);
  return {
    quotaId,
    displayName: draft.displayName,
    subject: { type: draft.type, id: draft.each ? "" : draft.id.trim() },
    eachSubject: draft.each,
    modelId: draft.modelId.trim(),
    unit: draft.unit,
    period: draft.period,
    enforcement: draft.enforcement,
    noAlerts,
    alertThresholdPercents: noAlerts ? [] : percents.map((percent) => Math.trunc(percent) || 0),
    ...(isMoney
      ? { limit: { currencyCode, amount: parseAmount(draft.limit, locale) ?? draft.limit } }
      : digits !== "" && { limitCount: BigInt(digits) }),
  };
}

export function QuotaDialog({ quota, onClose }: { quota: Quota | undefined; onClose: () => void }) {
  const { workspaceId, currencyCode } = useThisWorkspace();
  const { locale } = useFormat();
  const { t } = useLingui();
  const names = useNames();
  const [draft, setDraft] = useState(() => draftOf(quota, locale));
  const set = (changes: Partial<Draft>) => {
    setDraft({ ...draft, ...changes });
  };
  const after = {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  };
  const create = useMutation(QuotaService.method.createQuota, after);
  const update = useMutation(QuotaService.method.updateQuota, after);
  const save = quota ? update : create;
  const errors = violations(save.error);
  const isOrganisation = draft.type === SubjectType.WORKSPACE;
  return (
    <FormDialog
      title={quota ? <Trans>Edit quota</Trans> : <Trans>Create quota</Trans>}
      submit={<Trans>Save</Trans>}
      busy={save.isPending}
      error={save.error}
      onClose={onClose}
      onSubmit={() => {
        const changed = quotaOf(draft, quota?.quotaId ?? "", currencyCode, locale);
        if (!quota) create.mutate({ workspaceId, quota: changed });
        else {
          const paths = [
            "display_name",
            draft.unit === LimitUnit.MONEY ? "limit" : "limit_count",
            "enforcement",
          ];
          if (!WITHOUT_ALERTS.includes(draft.period))
            paths.push("alert_threshold_percents", "no_alerts");
          update.mutate({ workspaceId, quota: changed, updateMask: { paths } });
        }
      }}
    >
      <Field label={<Trans>Name</Trans>} error={errors.get("quota.display_name")}>
        {(props) => (
          <input
            {...props}
            value={draft.displayName}
            onChange={(event) => {
              set({ displayName: event.target.value });
            }}
          />
        )}
      </Field>
      {!quota && (
        <>
          <div className="two">
            <Field label={<Trans>For</Trans>} error={errors.get("quota.subject.type")}>
              {(props) => (
                <select
                  {...props}
                  value={draft.type}
                  onChange={(event) => {
                    set({ type: Number(event.target.value) });
                  }}
                >
                  {options(names.subjects, SUBJECTS)}
                </select>
              )}
            </Field>
            <Field label={<Trans>Id</Trans>} error={errors.get("quota.subject.id")}>
              {(props) => (
                <input
                  {...props}
                  value={draft.id}
                  disabled={draft.each || isOrganisation}
                  onChange={(event) => {
                    set({ id: event.target.value });
                  }}
                />
              )}
            </Field>
          </div>
          {!isOrganisation && (
            <label className="checks">
              <span>
                <input
                  type="checkbox"
                  checked={draft.each}
                  onChange={(event) => {
                    set({ each: event.target.checked });
                  }}
                />{" "}
                <Trans>The same for each of them</Trans>
              </span>
            </label>
          )}
        </>
      )}
      <div className="two">
        <Field label={<Trans>Unit</Trans>}>
          {(props) => (
            <select
              {...props}
              disabled={quota !== undefined}
              value={draft.unit}
              onChange={(event) => {
                set({ unit: Number(event.target.value), limit: "" });
              }}
            >
              {options(names.units, UNITS)}
            </select>
          )}
        </Field>
        <Field
          label={<Trans>Limit</Trans>}
          error={
            errors.get("quota.limit") ??
            errors.get("quota.limit.amount") ??
            errors.get("quota.limit_count")
          }
        >
          {(props) =>
            draft.unit === LimitUnit.MONEY ? (
              <AmountInput
                {...props}
                currency={currencyCode}
                value={draft.limit}
                onChange={(limit) => {
                  set({ limit });
                }}
              />
            ) : (
              <input
                {...props}
                inputMode="numeric"
                value={draft.limit}
                onChange={(event) => {
                  set({ limit: event.target.value });
                }}
              />
            )
          }
        </Field>
      </div>
      <div className="two">
        <Field label={<Trans>Resets</Trans>} error={errors.get("quota.period")}>
          {(props) => (
            <select
              {...props}
              disabled={quota !== undefined}
              value={draft.period}
              onChange={(event) => {
                set({ period: Number(event.target.value) });
              }}
            >
              {options(names.periods, PERIODS)}
            </select>
          )}
        </Field>
        <Field label={<Trans>At the limit</Trans>} error={errors.get("quota.enforcement")}>
          {(props) => (
            <select
              {...props}
              value={draft.enforcement}
              onChange={(event) => {
                set({ enforcement: Number(event.target.value) });
              }}
            >
              {options(names.enforcements)}
            </select>
          )}
        </Field>
      </div>
      {!quota && (
        <Field
          label={<Trans>Only for the model</Trans>}
          hint={<Trans>Its id; empty for all models</Trans>}
          error={errors.get("quota.model_id")}
        >
          {(props) => (
            <input
              {...props}
              value={draft.modelId}
              onChange={(event) => {
                set({ modelId: event.target.value });
              }}
            />
          )}
        </Field>
      )}
      <Field
        label={<Trans>Alerts at, in percent</Trans>}
        hint={t`For example 50, 80, 100; empty for none`}
        error={errors.get("quota.alert_threshold_percents")}
      >
        {(props) => (
          <input
            {...props}
            value={draft.thresholds}
            disabled={WITHOUT_ALERTS.includes(draft.period)}
            onChange={(event) => {
              set({ thresholds: event.target.value });
            }}
          />
        )}
      </Field>
    </FormDialog>
  );
}
