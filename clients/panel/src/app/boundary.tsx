// What a page that cannot be shown is replaced by: its code did not arrive, for example because the
// server is another version by now, or it failed.

import { Component } from "react";
import type { ReactNode } from "react";
import { Trans } from "@lingui/react/macro";

import { Button } from "../ui/base";

interface Props {
  children: ReactNode;
}

export class Boundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <div className="notice bad" role="alert">
        <span>
          <Trans>This page cannot be shown. The server may have another version by now.</Trans>
        </span>
        <Button
          onClick={() => {
            location.reload();
          }}
        >
          <Trans>Load it again</Trans>
        </Button>
      </div>
    );
  }
}
