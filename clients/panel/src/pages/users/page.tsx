// "Users": who is in the directory, since when, and what each spends in this cycle.

import { useState } from "react";
import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import {
  AnalyticsService,
  ReportPreset,
  UsageDimension,
  UsageMetric,
} from "@stubs/analytics_service_pb.js";
import type { DirectoryEntry } from "@stubs/directory_service_pb.js";
import { DirectoryKind, DirectoryService, DirectoryState } from "@stubs/directory_service_pb.js";

import { useFormat } from "../../app/format";
import { entryOf, useParam } from "../../app/route";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Badge, Button, Card, ErrorBox, MoneyText, Skeleton } from "../../ui/base";
import { callOf } from "../../ui/grpcurl";
import { PageHead } from "../../ui/page";
import { More, Total, useList } from "../../ui/pages";
import { Select } from "../../ui/select";
import { useSettled } from "../../ui/settled";
import { Table } from "../../ui/table";
import type { Asked } from "./dialogs";
import { UserDialogs } from "./dialogs";
import { NeverActive } from "./never";
import { UploadDialog } from "./upload";

const STATES: Record<string, DirectoryState> = {
  active: DirectoryState.ACTIVE,
  seen: DirectoryState.SEEN,
  archived: DirectoryState.ARCHIVED,
};

export default function UsersPage() {
  const { t } = useLingui();
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const [asked, setAsked] = useState<Asked | undefined>();
  const [uploading, setUploading] = useState(false);
  const [view, setView] = useParam("view", "all");
  const input = { workspaceId, kind: DirectoryKind.USER };
  return (
    <>
      <PageHead title={t`Users`} calls={[callOf(DirectoryService.method.listEntries, input)]}>
        {administer && (
          <>
            <Button
              onClick={() => {
                setUploading(true);
              }}
            >
              <Trans>Upload CSV</Trans>
            </Button>
            <Button
              kind="primary"
              onClick={() => {
                setAsked({ what: "edit" });
              }}
            >
              <Trans>Add user</Trans>
            </Button>
          </>
        )}
      </PageHead>
      <div className="sub-tabs">
        <Button
          kind="quiet"
          aria-pressed={view === "all"}
          onClick={() => {
            setView("all");
          }}
        >
          <Trans>All users</Trans>
        </Button>
        <Button
          kind="quiet"
          aria-pressed={view === "never"}
          onClick={() => {
            setView("never");
          }}
        >
          <Trans>Without first value</Trans>
        </Button>
      </div>
      {view === "never" ? <NeverActive /> : <UserList onAsk={setAsked} />}
      {asked && (
        <UserDialogs
          asked={asked}
          onClose={() => {
            setAsked(undefined);
          }}
        />
      )}
      {uploading && (
        <UploadDialog
          onClose={() => {
            setUploading(false);
          }}
        />
      )}
    </>
  );
}

function UserList({ onAsk }: { onAsk: (asked: Asked) => void }) {
  const { t } = useLingui();
  const { workspaceId } = useThisWorkspace();
  const [state, setState] = useParam("state", "active");
  const [department, setDepartment] = useParam("department");
  const [search, setSearch] = useParam("q");
  const query = useSettled(search);
  const list = useList(
    DirectoryService.method.listEntries,
    {
      workspaceId,
      kind: DirectoryKind.USER,
      state: entryOf(STATES, state) ?? DirectoryState.UNSPECIFIED,
      departmentId: department,
      query,
      pageSize: 50,
    },
    (page) => page.entries,
  );
  const departments = useQuery(DirectoryService.method.listEntries, {
    workspaceId,
    kind: DirectoryKind.DEPARTMENT,
    pageSize: 1000,
  });
  const names = new Map(
    departments.data?.entries.map(({ id, displayName }) => [id, displayName || id]),
  );
  return (
    <Card title={<Trans>Directory</Trans>} aside={<Total count={list.first?.totalCount} />}>
      <div className="toolbar">
        <input
          type="search"
          className="grow"
          aria-label={t`Search users`}
          placeholder={t`Name or id`}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
          }}
        />
        <Select
          label={t`State`}
          value={state}
          names={{
            active: t`Registered`,
            seen: t`Seen in usage, not registered`,
            archived: t`Archived`,
            any: t`All states`,
          }}
          onChange={setState}
        />
        <select
          aria-label={t`Department`}
          value={department}
          onChange={(event) => {
            setDepartment(event.target.value);
          }}
        >
          <option value="">{t`All departments`}</option>
          {[...names].map(([id, name]) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </div>
      {list.query.error && (
        <ErrorBox error={list.query.error} onRetry={() => void list.query.refetch()} />
      )}
      {list.query.isPending ? (
        <Skeleton lines={8} height={420} />
      ) : (
        !list.query.error && <Rows users={list.rows} names={names} onAsk={onAsk} />
      )}
      <More query={list.query} />
    </Card>
  );
}

interface RowsProps {
  users: DirectoryEntry[];
  names: Map<string, string>;
  onAsk: (asked: Asked) => void;
}

function Rows({ users, names, onAsk }: RowsProps) {
  const { t } = useLingui();
  const format = useFormat();
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const ids = users.map(({ id }) => id);
  const spend = useQuery(
    AnalyticsService.method.queryUsage,
    {
      workspaceId,
      range: { preset: ReportPreset.THIS_CYCLE },
      metrics: [UsageMetric.COST],
      groupBy: [{ dimension: UsageDimension.USER }],
      filters: [{ dimension: UsageDimension.USER, values: ids.slice(0, 100) }],
      top: 100,
    },
    { enabled: ids.length > 0 },
  );
  const spent = new Map(
    spend.data?.groups.map(({ keys, values }) => [keys[0]?.value, values?.cost]),
  );
  return (
    <Table<DirectoryEntry>
      label={t`Users`}
      rows={users}
      keyOf={({ id }) => id}
      empty={<Trans>No users here yet</Trans>}
      rowClass={({ archiveTime }) => (archiveTime ? "dim" : "")}
      columns={[
        { title: t`User`, cell: (user) => <Name user={user} /> },
        {
          title: t`Department`,
          cell: ({ departmentId }) => names.get(departmentId) ?? departmentId,
        },
        { title: t`Signed up`, cell: ({ signUpTime }) => format.date(signUpTime) || "–" },
        {
          title: t`First value`,
          cell: ({ firstValueTime, firstSuccessTime }) =>
            format.date(firstValueTime ?? firstSuccessTime) || t`never`,
        },
        {
          title: t`Last use`,
          cell: ({ lastUseTime }) => (
            <span title={format.dateTime(lastUseTime)}>
              {format.relative(lastUseTime) || t`never`}
            </span>
          ),
        },
        {
          title: t`In this cycle`,
          number: true,
          cell: ({ id }) => <MoneyText money={spent.get(id)} />,
        },
        ...(administer
          ? [
              {
                title: "",
                name: t`Actions`,
                cell: (user: DirectoryEntry) => <Actions user={user} onAsk={onAsk} />,
              },
            ]
          : []),
      ]}
    />
  );
}

function Name({ user }: { user: DirectoryEntry }) {
  return (
    <span className="model-name">
      <span>{user.displayName || user.id}</span>
      {!user.registered && (
        <Badge>
          <Trans>seen</Trans>
        </Badge>
      )}
      {user.archiveTime && (
        <Badge>
          <Trans>archived</Trans>
        </Badge>
      )}
      {user.displayName !== "" && user.displayName !== user.id && <small>{user.id}</small>}
    </span>
  );
}

function Actions({ user, onAsk }: { user: DirectoryEntry; onAsk: (asked: Asked) => void }) {
  const { t } = useLingui();
  return (
    <span className="row-actions">
      <Button
        kind="quiet"
        aria-label={t`Edit ${user.id}`}
        onClick={() => {
          onAsk({ what: "edit", user });
        }}
      >
        <Trans>Edit</Trans>
      </Button>
      {user.archiveTime ? (
        <Button
          kind="quiet"
          aria-label={t`Restore ${user.id}`}
          onClick={() => {
            onAsk({ what: "restore", user });
          }}
        >
          <Trans>Restore</Trans>
        </Button>
      ) : (
        <Button
          kind="quiet"
          aria-label={t`Archive ${user.id}`}
          disabled={!user.registered}
          onClick={() => {
            onAsk({ what: "archive", user });
          }}
        >
          <Trans>Archive</Trans>
        </Button>
      )}
      <Button
        kind="quiet"
        aria-label={t`Erase ${user.id}`}
        onClick={() => {
          onAsk({ what: "erase", user });
        }}
      >
        <Trans>Erase</Trans>
      </Button>
    </span>
  );
}
