// Asks before what cannot be undone.

import { useState } from "react";
import type { ReactNode } from "react";
import { Trans } from "@lingui/react/macro";

import { TextField } from "./base";
import { FormDialog } from "./dialog";

interface Props {
  title: ReactNode;
  submit: ReactNode;
  /** What has to be typed. */
  word?: string;
  busy: boolean;
  error: unknown;
  onConfirm: () => void;
  onClose: () => void;
  children: ReactNode;
}

export function Confirm({ title, submit, word, busy, error, onConfirm, onClose, children }: Props) {
  const [typed, setTyped] = useState("");
  return (
    <FormDialog
      title={title}
      submit={submit}
      danger
      busy={busy}
      error={error}
      disabled={word !== undefined && typed !== word}
      onSubmit={onConfirm}
      onClose={onClose}
    >
      <p>{children}</p>
      {word !== undefined && (
        <TextField
          label={<Trans>Type {word} to go on</Trans>}
          autoComplete="off"
          value={typed}
          onChange={setTyped}
        />
      )}
    </FormDialog>
  );
}
