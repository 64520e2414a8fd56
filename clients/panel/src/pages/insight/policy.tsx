// The policy of anomalies: sensitivity, least impact and mutes.

import { useState } from "react";
import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { AnomalyPolicy } from "@stubs/insight_service_pb.js";
import { AnomalySensitivity, InsightService } from "@stubs/insight_service_pb.js";

import { queries } from "../../app/api";
import { useFormat } from "../../app/format";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { editable, parseAmount } from "../../ui/amount";
import { Button, Card, Field, Loaded, Outcome, TextField } from "../../ui/base";
import { options, useNames } from "../../ui/subject";
import { Table } from "../../ui/table";

export function Policy() {
  const { workspaceId } = useThisWorkspace();
  const policy = useQuery(InsightService.method.getAnomalyPolicy, { workspaceId });
  return (
    <Card
      title={<Trans>Anomaly policy</Trans>}
      hint={<Trans>Anomalies below the least impact are not stored.</Trans>}
    >
      <Loaded query={policy} lines={4} height={180}>
        {({ anomalyPolicy }) =>
          anomalyPolicy && (
            <>
              <Settings key={workspaceId} policy={anomalyPolicy} />
              <Mutes policy={anomalyPolicy} />
            </>
          )
        }
      </Loaded>
    </Card>
  );
}

function useSave() {
  return useMutation(InsightService.method.setAnomalyPolicy, {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  });
}

function Settings({ policy }: { policy: AnomalyPolicy }) {
  const { workspaceId, currencyCode } = useThisWorkspace();
  const { administer } = useAllowed();
  const { t } = useLingui();
  const format = useFormat();
  const save = useSave();
  const [sensitivity, setSensitivity] = useState(policy.sensitivity);
  const [least, setLeast] = useState(editable(policy.leastImpact?.amount, format.locale));
  const [wrong, setWrong] = useState<string>();
  const effective = format.money(policy.effectiveLeastImpact);
  const sensitivities: Partial<Record<AnomalySensitivity, string>> = {
    [AnomalySensitivity.LOW]: t`Low: the worst alone`,
    [AnomalySensitivity.MEDIUM]: t`Medium: a quiet week is the normal case`,
    [AnomalySensitivity.HIGH]: t`High: with false alarms`,
  };
  return (
    <form
      className="toolbar top"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const amount = least === "" ? undefined : parseAmount(least, format.locale);
        if (least !== "" && amount === undefined) {
          setWrong(t`Expected an amount, or nothing`);
          return;
        }
        setWrong(undefined);
        save.mutate({
          workspaceId,
          anomalyPolicy: {
            sensitivity,
            ...(amount !== undefined && { leastImpact: { currencyCode, amount } }),
          },
          updateMask: { paths: ["sensitivity", "least_impact"] },
        });
      }}
    >
      <Field label={<Trans>Sensitivity</Trans>}>
        {(props) => (
          <select
            {...props}
            value={sensitivity}
            disabled={!administer}
            onChange={(event) => {
              setSensitivity(Number(event.target.value));
            }}
          >
            {options(sensitivities)}
          </select>
        )}
      </Field>
      <TextField
        label={<Trans>Least impact in {currencyCode}</Trans>}
        hint={<Trans>Empty: 1 % of the plan budget a day. In force: {effective}</Trans>}
        error={wrong}
        inputMode="decimal"
        disabled={!administer}
        value={least}
        onChange={setLeast}
      />
      {administer && (
        <Button type="submit" kind="primary" busy={save.isPending}>
          <Trans>Save</Trans>
        </Button>
      )}
      <Outcome error={save.error} done={save.isSuccess && <Trans>Saved</Trans>} />
    </form>
  );
}

interface Quiet {
  key: string;
  name: string;
  until: string;
  /** Whether somebody muted it; otherwise feedback raised its bar. */
  isMuted: boolean;
}

function Mutes({ policy }: { policy: AnomalyPolicy }) {
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const { t } = useLingui();
  const format = useFormat();
  const names = useNames();
  const save = useSave();
  const keyOf = (subject: AnomalyPolicy["mutes"][number]["subject"]) =>
    `${subject?.type ?? 0} ${subject?.id ?? ""}`;
  const rows: Quiet[] = [
    ...policy.mutes.map(({ subject, endTime }) => ({
      key: keyOf(subject),
      name: names.subject(subject),
      until: format.dateTime(endTime),
      isMuted: true,
    })),
    ...policy.raisedBars.map(({ subject, untilTime }) => ({
      key: `bar ${keyOf(subject)}`,
      name: names.subject(subject),
      until: format.dateTime(untilTime),
      isMuted: false,
    })),
  ];
  if (rows.length === 0) return null;
  return (
    <>
      <Table<Quiet>
        label={t`Muted subjects and raised bars`}
        rows={rows}
        keyOf={({ key }) => key}
        columns={[
          { title: t`Subject`, cell: ({ name }) => name },
          {
            title: t`Why`,
            cell: ({ isMuted }) =>
              isMuted ? t`muted` : t`three times said that nothing was odd: twice the least impact`,
          },
          { title: t`Until`, cell: ({ until }) => until },
          ...(administer
            ? [
                {
                  title: "",
                  name: t`Actions`,
                  cell: ({ key, name, isMuted }: Quiet) =>
                    isMuted && (
                      <Button
                        kind="quiet"
                        busy={save.isPending}
                        aria-label={t`Unmute ${name}`}
                        onClick={() => {
                          save.mutate({
                            workspaceId,
                            anomalyPolicy: {
                              mutes: policy.mutes.filter(({ subject }) => keyOf(subject) !== key),
                            },
                            updateMask: { paths: ["mutes"] },
                          });
                        }}
                      >
                        <Trans>Unmute</Trans>
                      </Button>
                    ),
                },
              ]
            : []),
        ]}
      />
      <Outcome error={save.error} />
    </>
  );
}
