// A modal dialog: the browser's own, which keeps the focus inside and closes with Escape.

import { useEffect, useId, useRef } from "react";
import type { ReactNode } from "react";
import { Trans, useLingui } from "@lingui/react/macro";

import { Button, ErrorBox } from "./base";

interface DialogProps {
  title: ReactNode;
  wide?: boolean;
  onClose: () => void;
  children: ReactNode;
}

export function Dialog({ title, wide = false, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const { t } = useLingui();
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} className={wide ? "wide" : ""} aria-labelledby={id} onClose={onClose}>
      <header className="dialog-head">
        <h2 id={id}>{title}</h2>
        <Button kind="quiet" aria-label={t`Close`} onClick={() => dialog.current?.close()}>
          ✕
        </Button>
      </header>
      {children}
    </dialog>
  );
}

interface FormProps {
  title: ReactNode;
  submit: ReactNode;
  danger?: boolean;
  busy: boolean;
  error: unknown;
  disabled?: boolean;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** A dialog that asks for something and does it. */
export function FormDialog(props: FormProps) {
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <form
        className="dialog-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          props.onSubmit();
        }}
      >
        {props.children}
        {props.error !== null && props.error !== undefined && <ErrorBox error={props.error} />}
        <footer>
          <Button onClick={props.onClose}>
            <Trans>Cancel</Trans>
          </Button>
          <Button
            type="submit"
            kind={props.danger === true ? "danger" : "primary"}
            busy={props.busy}
            disabled={props.disabled === true}
          >
            {props.submit}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
