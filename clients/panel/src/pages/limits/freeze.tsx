// An emergency stop: nothing that costs is let through while something is frozen.

import { useState } from "react";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import { SubjectType } from "@stubs/common_pb.js";
import { WorkspaceService } from "@stubs/workspace_service_pb.js";

import { queries, violations } from "../../app/api";
import { useFormat } from "../../app/format";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Button, ErrorBox, Field, TextField } from "../../ui/base";
import { FormDialog } from "../../ui/dialog";
import { options, useNames } from "../../ui/subject";
import { localMidnight } from "../../ui/zone";

const SUBJECTS = [
  SubjectType.WORKSPACE,
  SubjectType.DEPARTMENT,
  SubjectType.USER,
  SubjectType.API_KEY,
  SubjectType.KEY_GROUP,
  SubjectType.PROJECT,
  SubjectType.ASSISTANT,
  SubjectType.WORKFLOW,
];

export function FreezeButton() {
  const { t } = useLingui();
  const { administer } = useAllowed();
  const [asking, setAsking] = useState(false);
  if (!administer) return null;
  return (
    <>
      <Button
        kind="danger"
        title={t`An emergency stop, seen by the next request`}
        onClick={() => {
          setAsking(true);
        }}
      >
        <Trans>Freeze…</Trans>
      </Button>
      {asking && (
        <FreezeDialog
          onClose={() => {
            setAsking(false);
          }}
        />
      )}
    </>
  );
}

/** What is frozen now, and by whom. */
export function Freezes() {
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const { t } = useLingui();
  const format = useFormat();
  const names = useNames();
  const { data } = useQuery(
    WorkspaceService.method.listFreezes,
    { workspaceId, pageSize: 100 },
    { refetchInterval: 10_000 },
  );
  const end = useMutation(WorkspaceService.method.unfreeze, {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  });
  if (!data || data.freezes.length === 0) return null;
  return (
    <div className="notice bad freezes" role="group" aria-label={t`Frozen`}>
      <ul>
        {data.freezes.map((freeze) => {
          const { subject, reason, actor } = freeze;
          const name = names.subject(subject);
          const until = format.dateTime(freeze.endTime);
          return (
            <li key={name}>
              <span>
                {until === "" ? (
                  <Trans>
                    <strong>{name}</strong> is frozen: {reason}
                  </Trans>
                ) : (
                  <Trans>
                    <strong>{name}</strong> is frozen until {until}: {reason}
                  </Trans>
                )}{" "}
                <small>({actor})</small>
              </span>
              {administer && (
                <Button
                  aria-label={t`Unfreeze ${name}`}
                  busy={end.isPending}
                  onClick={() => {
                    end.mutate({ workspaceId, ...(subject && { subject }) });
                  }}
                >
                  <Trans>Unfreeze</Trans>
                </Button>
              )}
            </li>
          );
        })}
      </ul>
      {end.error && <ErrorBox error={end.error} />}
    </div>
  );
}

function FreezeDialog({ onClose }: { onClose: () => void }) {
  const { workspaceId, timeZone } = useThisWorkspace();
  const names = useNames();
  const [type, setType] = useState(SubjectType.WORKSPACE);
  const [id, setId] = useState("");
  const [reason, setReason] = useState("");
  const [until, setUntil] = useState("");
  const freeze = useMutation(WorkspaceService.method.freeze, {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  const errors = violations(freeze.error);
  const isAll = type === SubjectType.WORKSPACE;
  return (
    <FormDialog
      title={<Trans>Freeze</Trans>}
      submit={<Trans>Freeze</Trans>}
      danger
      busy={freeze.isPending}
      error={freeze.error}
      onClose={onClose}
      onSubmit={() => {
        freeze.mutate({
          workspaceId,
          subject: { type, id: isAll ? "" : id.trim() },
          reason,
          ...(until !== "" && { endTime: timestampFromDate(localMidnight(until, timeZone, 1)) }),
        });
      }}
    >
      <p>
        <Trans>The next request of it is blocked. What runs already may end, and is charged.</Trans>
      </p>
      <div className="two">
        <Field
          label={<Trans>What</Trans>}
          error={errors.get("subject.type") ?? errors.get("subject")}
        >
          {(props) => (
            <select
              {...props}
              value={type}
              onChange={(event) => {
                setType(Number(event.target.value));
              }}
            >
              {options(names.subjects, SUBJECTS)}
            </select>
          )}
        </Field>
        <TextField
          label={<Trans>Id</Trans>}
          error={errors.get("subject.id")}
          disabled={isAll}
          value={id}
          onChange={setId}
        />
      </div>
      <TextField
        label={<Trans>Reason</Trans>}
        error={errors.get("reason")}
        value={reason}
        onChange={setReason}
      />
      <TextField
        label={<Trans>Last day</Trans>}
        hint={<Trans>Included, in {timeZone}; empty until it is ended by hand</Trans>}
        error={errors.get("end_time")}
        type="date"
        value={until}
        onChange={setUntil}
      />
    </FormDialog>
  );
}
