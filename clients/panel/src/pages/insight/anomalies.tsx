// Usage that stands out of its own past: by how much, who explains it, and what it was.

import { useState } from "react";
import { useMutation } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import { AnomalyKind, AnomalyMetric } from "@stubs/alert_service_pb.js";
import type { Subject } from "@stubs/common_pb.js";
import type { Anomaly } from "@stubs/insight_service_pb.js";
import {
  AnomalyFeedback,
  AnomalySeverity,
  AnomalyState,
  InsightService,
} from "@stubs/insight_service_pb.js";

import { queries } from "../../app/api";
import { useFormat } from "../../app/format";
import { entryOf, useParam } from "../../app/route";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Badge, Button, Card, ErrorBox, Loaded, MoneyText } from "../../ui/base";
import { More, useList } from "../../ui/pages";
import { Select } from "../../ui/select";
import { useNames } from "../../ui/subject";
import { Table } from "../../ui/table";
import { MuteDialog } from "./mute";
import { QuantityText, quantityValue } from "./quantity";

const STATES: Record<string, AnomalyState> = {
  open: AnomalyState.OPEN,
  closed: AnomalyState.CLOSED,
};

export function Anomalies() {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const format = useFormat();
  const [which, setWhich] = useParam("anomalies");
  const state = entryOf(STATES, which) ?? AnomalyState.UNSPECIFIED;
  const { query, rows, first } = useList(
    InsightService.method.listAnomalies,
    { workspaceId, state, pageSize: 20 },
    (page) => page.anomalies,
  );
  const until = format.dateTime(first?.lookedUntilTime);
  return (
    <Card
      title={<Trans>Anomalies</Trans>}
      hint={
        until === "" ? (
          <Trans>Looked for after each hour.</Trans>
        ) : (
          <Trans>Looked for after each hour; up to {until} so far.</Trans>
        )
      }
      aside={
        <Select
          label={t`Which anomalies`}
          value={which}
          names={{ "": t`All`, open: t`Lasting`, closed: t`Over` }}
          onChange={setWhich}
        />
      }
    >
      <Loaded query={query} lines={4} height={200}>
        {() => (
          <>
            <Rows anomalies={rows} />
            <More query={query} />
            {first?.membersLeftOut === true && (
              <p className="hint">
                <Trans>Only the members with the greatest cost are looked at.</Trans>
              </p>
            )}
          </>
        )}
      </Loaded>
    </Card>
  );
}

const SEVERITIES: Partial<Record<AnomalySeverity, "bad" | "warn">> = {
  [AnomalySeverity.HIGH]: "bad",
  [AnomalySeverity.MEDIUM]: "warn",
};

function Rows({ anomalies }: { anomalies: Anomaly[] }) {
  const { t } = useLingui();
  const names = useNames();
  const kinds: Partial<Record<AnomalyKind, string>> = {
    [AnomalyKind.SPIKE]: t`Spike`,
    [AnomalyKind.DROP]: t`Drop`,
    [AnomalyKind.SHIFT]: t`New level`,
    [AnomalyKind.FAILURES]: t`Failures`,
    [AnomalyKind.COST_PER_REQUEST]: t`Cost per request`,
  };
  const metrics: Partial<Record<AnomalyMetric, string>> = {
    [AnomalyMetric.COST]: t`Cost`,
    [AnomalyMetric.REQUESTS]: t`Requests`,
    [AnomalyMetric.FAILED_REQUESTS]: t`Failed requests`,
    [AnomalyMetric.COST_PER_REQUEST]: t`Cost per request`,
  };
  return (
    <Table<Anomaly>
      label={t`Anomalies`}
      rows={anomalies}
      keyOf={({ anomalyId }) => anomalyId}
      empty={<Trans>Nothing odd: the normal case</Trans>}
      columns={[
        {
          title: t`What`,
          cell: ({ kind, severity, subject, metric }) => (
            <span className="model-name">
              <span>
                <Badge kind={SEVERITIES[severity] ?? "neutral"}>{kinds[kind] ?? ""}</Badge>{" "}
                {names.subject(subject)}
              </span>
              <small>{metrics[metric]}</small>
            </span>
          ),
        },
        { title: t`Since`, cell: (anomaly) => <Since anomaly={anomaly} /> },
        {
          title: t`Expected`,
          number: true,
          cell: ({ expected }) => <QuantityText quantity={expected} />,
        },
        {
          title: t`Actual`,
          number: true,
          cell: ({ actual }) => <QuantityText quantity={actual} />,
        },
        {
          title: t`Impact`,
          number: true,
          cell: (anomaly) => (
            <span className="stacked">
              <MoneyText money={anomaly.impact} />
              <Change anomaly={anomaly} />
            </span>
          ),
        },
        { title: t`Explained by`, cell: (anomaly) => <Contributors anomaly={anomaly} /> },
        { title: t`What it was`, cell: (anomaly) => <Feedback anomaly={anomaly} /> },
      ]}
    />
  );
}

/** What the server says where next to nothing was expected. */
const FROM_NOTHING = 1_000_000;

function Change({ anomaly }: { anomaly: Anomaly }) {
  const format = useFormat();
  const { impactPercent, actual, expected } = anomaly;
  const sign = quantityValue(actual) < quantityValue(expected) ? -1 : 1;
  return (
    <small className="hint">
      {impactPercent >= FROM_NOTHING ? (
        <Trans>from nothing</Trans>
      ) : (
        format.signedPercent(sign * Math.round(impactPercent))
      )}
    </small>
  );
}

function Since({ anomaly }: { anomaly: Anomaly }) {
  const format = useFormat();
  const end = format.dateTime(anomaly.endTime);
  return (
    <span className="model-name">
      <span className="number">{format.dateTime(anomaly.startTime)}</span>
      <small>
        {anomaly.state === AnomalyState.OPEN ? <Trans>lasts</Trans> : <Trans>until {end}</Trans>}
      </small>
    </span>
  );
}

/** At most so many are shown. */
const CONTRIBUTORS = 3;

function Contributors({ anomaly }: { anomaly: Anomaly }) {
  const format = useFormat();
  const names = useNames();
  if (anomaly.contributors.length === 0) return "–";
  return (
    <span className="why">
      {anomaly.contributors.slice(0, CONTRIBUTORS).map(({ subject, share }) => (
        <span key={`${subject?.type ?? 0} ${subject?.id ?? ""}`}>
          {names.subject(subject)} <small className="hint">{format.percent(share * 100)}</small>
        </span>
      ))}
    </span>
  );
}

function Feedback({ anomaly }: { anomaly: Anomaly }) {
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const { t } = useLingui();
  const [muted, setMuted] = useState<Subject>();
  const acknowledge = useMutation(InsightService.method.acknowledgeAnomaly, {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  });
  const words: Partial<Record<AnomalyFeedback, string>> = {
    [AnomalyFeedback.REAL]: t`Something was wrong`,
    [AnomalyFeedback.EXPECTED]: t`It was planned`,
    [AnomalyFeedback.FALSE]: t`Nothing was odd`,
  };
  if (!administer) return words[anomaly.feedback] ?? <Trans>not said yet</Trans>;
  const subject = anomaly.subject;
  return (
    <span className="feedback">
      <select
        aria-label={t`What anomaly ${anomaly.anomalyId} was`}
        value={anomaly.feedback}
        disabled={acknowledge.isPending}
        onChange={(event) => {
          const feedback = Number(event.target.value) as AnomalyFeedback;
          acknowledge.mutate({ workspaceId, anomalyId: anomaly.anomalyId, feedback });
        }}
      >
        {anomaly.feedback === AnomalyFeedback.UNSPECIFIED && (
          <option value={AnomalyFeedback.UNSPECIFIED}>{t`not said yet`}</option>
        )}
        {Object.entries(words).map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </select>
      {subject && (
        <Button
          kind="quiet"
          aria-label={t`Mute ${subject.id}`}
          onClick={() => {
            setMuted(subject);
          }}
        >
          <Trans>Mute</Trans>
        </Button>
      )}
      {acknowledge.error && <ErrorBox error={acknowledge.error} />}
      {muted && (
        <MuteDialog
          subject={muted}
          onClose={() => {
            setMuted(undefined);
          }}
        />
      )}
    </span>
  );
}
