// Alerts, the latest first; those that are not acknowledged yet can be.

import { useEffect } from "react";
import { useMutation } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Alert } from "@stubs/alert_service_pb.js";
import { AlertService, AlertType } from "@stubs/alert_service_pb.js";

import { queries } from "../../app/api";
import { useFormat } from "../../app/format";
import { useLive } from "../../app/live";
import { useParam } from "../../app/route";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Badge, Button, Card, ErrorBox, Skeleton } from "../../ui/base";
import { More, useList } from "../../ui/pages";
import { Select } from "../../ui/select";
import { Table } from "../../ui/table";
import { useTypeNames } from "./types";

export function AlertList() {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const [seen, setSeen] = useParam("seen", "open");
  const { query, rows } = useList(
    AlertService.method.listAlerts,
    { workspaceId, unacknowledgedOnly: seen === "open", pageSize: 50 },
    (page) => page.alerts,
  );
  const { alerts } = useLive();
  const newest = alerts?.alerts[0]?.alertId;
  const { refetch } = query;
  useEffect(() => {
    // One came in while the page is open.
    if (newest !== undefined) void refetch();
  }, [newest, refetch]);
  const acknowledge = useMutation(AlertService.method.acknowledgeAlert, {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  });
  return (
    <Card
      title={<Trans>Alerts</Trans>}
      aside={
        <Select
          label={t`Which alerts`}
          value={seen}
          names={{ open: t`Not acknowledged`, all: t`All` }}
          onChange={setSeen}
        />
      }
    >
      {(query.error ?? acknowledge.error) && (
        <ErrorBox error={query.error ?? acknowledge.error} onRetry={() => void query.refetch()} />
      )}
      {query.isPending ? (
        <Skeleton lines={6} height={320} />
      ) : (
        <Rows
          alerts={rows}
          busy={acknowledge.isPending}
          onAcknowledge={(alertId) => {
            acknowledge.mutate({ workspaceId, alertId });
          }}
        />
      )}
      <More query={query} />
    </Card>
  );
}

interface RowsProps {
  alerts: Alert[];
  busy: boolean;
  onAcknowledge: (alertId: bigint) => void;
}

/** Those that stop requests. */
const BAD = [AlertType.EXHAUSTED];

function Rows({ alerts, busy, onAcknowledge }: RowsProps) {
  const { t } = useLingui();
  const format = useFormat();
  const types = useTypeNames();
  const { administer } = useAllowed();
  return (
    <Table<Alert>
      label={t`Alerts`}
      rows={alerts}
      keyOf={({ alertId }) => alertId.toString()}
      empty={<Trans>No alerts</Trans>}
      columns={[
        {
          title: t`Alert`,
          cell: ({ type, message }) => (
            <span className="model-name">
              <span>
                <Badge kind={BAD.includes(type) ? "bad" : "warn"}>{types[type]}</Badge>
              </span>
              <small>{message}</small>
            </span>
          ),
        },
        {
          title: t`Raised`,
          cell: ({ createTime }) => (
            <span title={format.dateTime(createTime)}>{format.relative(createTime)}</span>
          ),
        },
        {
          title: t`Acknowledged`,
          cell: ({ alertId, acknowledgeTime, acknowledgeActor }) =>
            acknowledgeTime ? (
              <span>
                {format.dateTime(acknowledgeTime)}{" "}
                <small className="hint">{acknowledgeActor}</small>
              </span>
            ) : administer ? (
              <Button
                busy={busy}
                aria-label={t`Acknowledge alert ${alertId.toString()}`}
                onClick={() => {
                  onAcknowledge(alertId);
                }}
              >
                <Trans>Acknowledge</Trans>
              </Button>
            ) : (
              <Trans>not yet</Trans>
            ),
        },
      ]}
    />
  );
}
