// Changes of one user: its entry, its archiving, its erasure.

import { useState } from "react";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans } from "@lingui/react/macro";

import type { DirectoryEntry } from "@stubs/directory_service_pb.js";
import { DirectoryKind, DirectoryService } from "@stubs/directory_service_pb.js";

import { queries, violations } from "../../app/api";
import { useThisWorkspace } from "../../app/workspace";
import { Field, TextField } from "../../ui/base";
import { Confirm } from "../../ui/confirm";
import { FormDialog } from "../../ui/dialog";

export interface Asked {
  what: "edit" | "archive" | "restore" | "erase";
  /** None for a new one. */
  user?: DirectoryEntry;
}

interface Props {
  asked: Asked;
  onClose: () => void;
}

export function UserDialogs({ asked, onClose }: Props) {
  const { user } = asked;
  if (asked.what === "edit" || !user) return <EditDialog user={user} onClose={onClose} />;
  if (asked.what === "erase") return <EraseDialog user={user} onClose={onClose} />;
  return <ArchiveDialog user={user} restore={asked.what === "restore"} onClose={onClose} />;
}

const after = (onClose: () => void) => ({
  onSuccess: () => {
    void queries.invalidateQueries();
    onClose();
  },
});

function EditDialog({ user, onClose }: { user: DirectoryEntry | undefined; onClose: () => void }) {
  const { workspaceId } = useThisWorkspace();
  const [id, setId] = useState(user?.id ?? "");
  const [displayName, setDisplayName] = useState(user?.displayName ?? "");
  const [departmentId, setDepartmentId] = useState(user?.departmentId ?? "");
  const departments = useQuery(DirectoryService.method.listEntries, {
    workspaceId,
    kind: DirectoryKind.DEPARTMENT,
    pageSize: 1000,
  });
  const save = useMutation(DirectoryService.method.upsertEntries, after(onClose));
  const errors = violations(save.error);
  const signUp = user?.signUpTime ?? timestampFromDate(new Date());
  return (
    <FormDialog
      title={user ? <Trans>Edit user</Trans> : <Trans>Add user</Trans>}
      submit={<Trans>Save</Trans>}
      busy={save.isPending}
      error={save.error}
      disabled={id === ""}
      onClose={onClose}
      onSubmit={() => {
        const entry = {
          kind: DirectoryKind.USER,
          id,
          displayName,
          departmentId,
          signUpTime: signUp,
          externalId: user?.externalId ?? "",
          ...(user?.firstValueTime && { firstValueTime: user.firstValueTime }),
        };
        save.mutate({ workspaceId, entries: [entry] });
      }}
    >
      <TextField
        label={<Trans>Id</Trans>}
        error={errors.get("entries[0].id")}
        hint={<Trans>As services send it with their requests.</Trans>}
        disabled={user !== undefined}
        value={id}
        onChange={setId}
      />
      <TextField
        label={<Trans>Name</Trans>}
        error={errors.get("entries[0].display_name")}
        value={displayName}
        onChange={setDisplayName}
      />
      <Field label={<Trans>Department</Trans>} error={errors.get("entries[0].department_id")}>
        {(props) => (
          <>
            <input
              {...props}
              list="departments"
              value={departmentId}
              onChange={(event) => {
                setDepartmentId(event.target.value);
              }}
            />
            <datalist id="departments">
              {departments.data?.entries.map((department) => (
                <option key={department.id} value={department.id}>
                  {department.displayName}
                </option>
              ))}
            </datalist>
          </>
        )}
      </Field>
    </FormDialog>
  );
}

function ArchiveDialog({
  user,
  restore,
  onClose,
}: {
  user: DirectoryEntry;
  restore: boolean;
  onClose: () => void;
}) {
  const { workspaceId } = useThisWorkspace();
  const { archiveEntries, restoreEntries } = DirectoryService.method;
  const archive = useMutation(archiveEntries, after(onClose));
  const bringBack = useMutation(restoreEntries, after(onClose));
  const change = restore ? bringBack : archive;
  const name = user.displayName || user.id;
  return (
    <FormDialog
      title={restore ? <Trans>Restore {name}</Trans> : <Trans>Archive {name}</Trans>}
      submit={restore ? <Trans>Restore</Trans> : <Trans>Archive</Trans>}
      busy={change.isPending}
      error={change.error}
      onClose={onClose}
      onSubmit={() => {
        change.mutate({ workspaceId, kind: DirectoryKind.USER, ids: [user.id] });
      }}
    >
      <p>
        {restore ? (
          <Trans>The user counts among all users again.</Trans>
        ) : (
          <Trans>
            The user no longer counts among all users; the usage so far stays in the reports.
          </Trans>
        )}
      </p>
    </FormDialog>
  );
}

function EraseDialog({ user, onClose }: { user: DirectoryEntry; onClose: () => void }) {
  const { workspaceId } = useThisWorkspace();
  const erase = useMutation(DirectoryService.method.eraseUser, after(onClose));
  return (
    <Confirm
      title={<Trans>Erase user</Trans>}
      submit={<Trans>Erase</Trans>}
      word={user.id}
      busy={erase.isPending}
      error={erase.error}
      onClose={onClose}
      onConfirm={() => {
        erase.mutate({ workspaceId, userId: user.id });
      }}
    >
      <Trans>
        The id is replaced by a pseudonym in all records and reports. This cannot be undone.
      </Trans>
    </Confirm>
  );
}
