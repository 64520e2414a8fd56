// Users from a CSV file: id, and whatever else its head names.

import { useState } from "react";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Trans, useLingui } from "@lingui/react/macro";

import type { DirectoryEntrySchema } from "@stubs/directory_service_pb.js";
import { DirectoryKind, DirectoryService } from "@stubs/directory_service_pb.js";

import { callOnce, queries, reasonOf } from "../../app/api";
import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Field } from "../../ui/base";
import { FormDialog } from "../../ui/dialog";
import { readCsv } from "./csv";

type Entry = MessageInitShape<typeof DirectoryEntrySchema>;

/** Most entries of one call. */
const BATCH = 1000;

function entriesOf(rows: string[][]): Entry[] | undefined {
  const [head = [], ...body] = rows;
  const at = (name: string) => head.findIndex((title) => title.trim().toLowerCase() === name);
  const [id, name, department, external, signUp] = [
    "id",
    "display_name",
    "department_id",
    "external_id",
    "sign_up_time",
  ].map(at);
  if (id === undefined || id < 0) return undefined;
  const cell = (row: string[], index: number | undefined) =>
    index === undefined ? "" : (row[index] ?? "").trim();
  return body.map((row) => {
    const time = cell(row, signUp);
    return {
      kind: DirectoryKind.USER,
      id: cell(row, id),
      displayName: cell(row, name),
      departmentId: cell(row, department),
      externalId: cell(row, external),
      ...(time !== "" && { signUpTime: timestampFromDate(new Date(time)) }),
    };
  });
}

export function UploadDialog({ onClose }: { onClose: () => void }) {
  const { t } = useLingui();
  const format = useFormat();
  const { workspaceId } = useThisWorkspace();
  const [entries, setEntries] = useState<Entry[]>([]);
  const [error, setError] = useState<string | undefined>();
  const [busy, setBusy] = useState(false);
  const read = async (file: File | undefined) => {
    setError(undefined);
    const found = file && entriesOf(readCsv(await file.text()));
    setEntries(found ?? []);
    if (file && !found) setError(t`Expected a first line that names the column id`);
  };
  const upload = async () => {
    setBusy(true);
    for (let from = 0; from < entries.length; from += BATCH) {
      try {
        const batch = entries.slice(from, from + BATCH);
        await callOnce(DirectoryService.method.upsertEntries, { workspaceId, entries: batch });
      } catch (failure) {
        // Those before are there: the file can be uploaded again.
        setError(reasonOf(failure));
        setBusy(false);
        return;
      }
    }
    await queries.invalidateQueries();
    onClose();
  };
  const count = format.count(entries.length);
  return (
    <FormDialog
      title={<Trans>Upload users</Trans>}
      submit={entries.length > 0 ? <Trans>Upload {count} users</Trans> : <Trans>Upload</Trans>}
      busy={busy}
      error={undefined}
      disabled={entries.length === 0}
      onSubmit={() => void upload()}
      onClose={onClose}
    >
      <Field
        label={<Trans>CSV file</Trans>}
        error={error}
        hint={
          <Trans>
            Columns: id, display_name, department_id, external_id, sign_up_time; only id is needed.
            Users that are there already are changed.
          </Trans>
        }
      >
        {(props) => (
          <input
            {...props}
            type="file"
            accept=".csv,text/csv"
            onChange={(event) => void read(event.target.files?.[0])}
          />
        )}
      </Field>
    </FormDialog>
  );
}
