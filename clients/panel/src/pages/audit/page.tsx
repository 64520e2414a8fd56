// "Audit": who changed what, and what was there before.

import { useState } from "react";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Trans, useLingui } from "@lingui/react/macro";

import type { AuditEvent } from "@stubs/audit_service_pb.js";
import { AuditService } from "@stubs/audit_service_pb.js";

import { useFormat } from "../../app/format";
import { useParam } from "../../app/route";
import { useThisWorkspace } from "../../app/workspace";
import { Button, Card, ErrorBox, Field, Skeleton } from "../../ui/base";
import { csv } from "../../ui/charts";
import { Dialog } from "../../ui/dialog";
import { save } from "../../ui/download";
import { callOf } from "../../ui/grpcurl";
import { PageHead } from "../../ui/page";
import { More, useList } from "../../ui/pages";
import { Table } from "../../ui/table";
import { localMidnight } from "../../ui/zone";
import { changesOf } from "./diff";

export default function AuditPage() {
  const { workspaceId, timeZone } = useThisWorkspace();
  const { t } = useLingui();
  const [actor, setActor] = useParam("actor");
  const [type, setType] = useParam("type");
  const [id, setId] = useParam("id");
  const [from, setFrom] = useParam("from");
  const [to, setTo] = useParam("to");
  const [shown, setShown] = useState<AuditEvent | undefined>();
  const input = {
    workspaceId,
    actor,
    resourceType: type,
    resourceId: id,
    pageSize: 50,
    ...(from !== "" && { startTime: timestampFromDate(localMidnight(from, timeZone)) }),
    ...(to !== "" && { endTime: timestampFromDate(localMidnight(to, timeZone, 1)) }),
  };
  const { query, rows } = useList(
    AuditService.method.listAuditEvents,
    input,
    (page) => page.auditEvents,
  );
  const text = (
    label: React.ReactNode,
    value: string,
    set: (value: string) => void,
    kind = "search",
  ) => (
    <Field label={label}>
      {(props) => (
        <input
          {...props}
          type={kind}
          value={value}
          onChange={(event) => {
            set(event.target.value);
          }}
        />
      )}
    </Field>
  );
  return (
    <>
      <PageHead title={t`Audit`} calls={[callOf(AuditService.method.listAuditEvents, input)]}>
        <Button
          disabled={rows.length === 0}
          onClick={() => {
            save(new Blob([asCsv(rows)], { type: "text/csv" }), `audit-${workspaceId}.csv`);
          }}
        >
          <Trans>Export as CSV</Trans>
        </Button>
      </PageHead>
      <Card title={<Trans>Changes</Trans>} hint={<Trans>Times are in {timeZone}.</Trans>}>
        <div className="toolbar">
          {text(<Trans>Actor</Trans>, actor, setActor)}
          {text(<Trans>Kind of resource</Trans>, type, setType)}
          {text(<Trans>Id</Trans>, id, setId)}
          {text(<Trans>From</Trans>, from, setFrom, "date")}
          {text(<Trans>To</Trans>, to, setTo, "date")}
        </div>
        {query.error && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending ? (
          <Skeleton lines={8} height={420} />
        ) : (
          !query.error && <Rows events={rows} onShow={setShown} />
        )}
        <More query={query} />
      </Card>
      {shown && (
        <EventDialog
          event={shown}
          onClose={() => {
            setShown(undefined);
          }}
        />
      )}
    </>
  );
}

/** What the page shows so far. */
function asCsv(events: AuditEvent[]): string {
  const head = [
    "time",
    "actor",
    "on_behalf_of",
    "action",
    "resource_type",
    "resource_id",
    "before",
    "after",
  ];
  const rows = events.map((event) => [
    event.time
      ? new Date(Number(event.time.seconds) * 1000 + event.time.nanos / 1e6).toISOString()
      : "",
    event.actor,
    event.onBehalfOf,
    event.action,
    event.resourceType,
    event.resourceId,
    event.beforeJson,
    event.afterJson,
  ]);
  return csv([head, ...rows]);
}

function Rows({ events, onShow }: { events: AuditEvent[]; onShow: (event: AuditEvent) => void }) {
  const { t } = useLingui();
  const format = useFormat();
  return (
    <Table<AuditEvent>
      label={t`Changes`}
      rows={events}
      keyOf={({ auditEventId }) => auditEventId}
      empty={<Trans>No changes with these filters</Trans>}
      columns={[
        {
          title: t`Time`,
          cell: ({ time }) => <span className="number">{format.dateTime(time)}</span>,
        },
        {
          title: t`Actor`,
          cell: ({ actor, onBehalfOf }) => (
            <span className="model-name">
              <span>{actor}</span>
              {onBehalfOf !== "" && <small>{onBehalfOf}</small>}
            </span>
          ),
        },
        { title: t`Action`, cell: ({ action }) => action },
        {
          title: t`Resource`,
          cell: ({ resourceType, resourceId }) => (
            <span className="model-name">
              <span>{resourceType}</span>
              <small>{resourceId}</small>
            </span>
          ),
        },
        {
          title: "",
          name: t`Actions`,
          cell: (event) => (
            <Button
              kind="quiet"
              aria-label={t`Details of ${event.action} ${event.resourceId}`}
              onClick={() => {
                onShow(event);
              }}
            >
              <Trans>Details</Trans>
            </Button>
          ),
        },
      ]}
    />
  );
}

function EventDialog({ event, onClose }: { event: AuditEvent; onClose: () => void }) {
  const format = useFormat();
  const changes = changesOf(event.beforeJson, event.afterJson);
  return (
    <Dialog wide title={`${event.action} · ${event.resourceId}`} onClose={onClose}>
      <div className="dialog-form">
        <p className="hint">
          {format.dateTime(event.time)} · {event.actor}
        </p>
        {changes.length === 0 ? (
          <p>
            <Trans>No field differs.</Trans>
          </p>
        ) : (
          <div className="diff mono">
            <strong>
              <Trans>Field</Trans>
            </strong>
            <strong>
              <Trans>Before</Trans>
            </strong>
            <strong>
              <Trans>After</Trans>
            </strong>
            {changes.map(({ path, before, after }) => (
              <Change key={path} path={path} before={before} after={after} />
            ))}
          </div>
        )}
      </div>
    </Dialog>
  );
}

function Change({
  path,
  before,
  after,
}: {
  path: string;
  before: string | undefined;
  after: string | undefined;
}) {
  return (
    <>
      <span>{path}</span>
      <span>{before === undefined ? "–" : <del>{before}</del>}</span>
      <span>{after === undefined ? "–" : <ins>{after}</ins>}</span>
    </>
  );
}
