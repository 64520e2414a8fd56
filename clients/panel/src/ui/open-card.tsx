// A card whose content is asked for only once it is opened.

import { type ReactNode, useState } from "react";
import { Trans } from "@lingui/react/macro";

import { Button, Card } from "./base";

interface OpenCardProps {
  title: ReactNode;
  hint: ReactNode;
  /** What the button is called for readers, to open and to close. */
  names: [string, string];
  openAtFirst?: boolean;
  children: ReactNode;
}

export function OpenCard({ title, hint, names, openAtFirst = false, children }: OpenCardProps) {
  const [open, setOpen] = useState(openAtFirst);
  return (
    <Card
      title={title}
      hint={hint}
      aside={
        <Button
          kind="quiet"
          aria-expanded={open}
          aria-label={names[open ? 1 : 0]}
          onClick={() => {
            setOpen(!open);
          }}
        >
          {open ? <Trans>Close</Trans> : <Trans>Open</Trans>}
        </Button>
      }
    >
      {open && children}
    </Card>
  );
}
