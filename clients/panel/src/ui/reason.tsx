// Asks for a reason, which the audit log keeps.

import { useState } from "react";
import type { ReactNode } from "react";
import { Trans } from "@lingui/react/macro";

import { TextField } from "./base";
import { FormDialog } from "./dialog";

interface Props {
  title: ReactNode;
  submit: ReactNode;
  busy: boolean;
  error: unknown;
  onConfirm: (reason: string) => void;
  onClose: () => void;
  children: ReactNode;
}

export function ReasonDialog({ title, submit, busy, error, onConfirm, onClose, children }: Props) {
  const [reason, setReason] = useState("");
  return (
    <FormDialog
      title={title}
      submit={submit}
      danger
      busy={busy}
      error={error}
      disabled={reason.trim() === ""}
      onSubmit={() => {
        onConfirm(reason);
      }}
      onClose={onClose}
    >
      <p>{children}</p>
      <TextField label={<Trans>Reason</Trans>} value={reason} onChange={setReason} />
    </FormDialog>
  );
}
