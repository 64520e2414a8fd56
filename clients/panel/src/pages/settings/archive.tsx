// Archives the workspace, or brings it back; for operators.

import { useState } from "react";
import { useMutation } from "@connectrpc/connect-query";
import { Trans } from "@lingui/react/macro";

import { WorkspaceService } from "@stubs/workspace_service_pb.js";

import { queries } from "../../app/api";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Button, Card, ErrorBox } from "../../ui/base";
import { Confirm } from "../../ui/confirm";

export function Archive() {
  const { workspaceId, archiveTime } = useThisWorkspace();
  const { operate } = useAllowed();
  const [asking, setAsking] = useState(false);
  const close = () => {
    setAsking(false);
  };
  const after = {
    onSuccess: () => {
      void queries.invalidateQueries();
      close();
    },
  };
  const archive = useMutation(WorkspaceService.method.archiveWorkspace, after);
  const restore = useMutation(WorkspaceService.method.restoreWorkspace, after);
  if (!operate) return null;
  return (
    <Card
      title={<Trans>Archive</Trans>}
      hint={
        <Trans>
          An archived workspace takes no requests and changes; nothing of it is deleted.
        </Trans>
      }
    >
      {archiveTime ? (
        <Button
          busy={restore.isPending}
          onClick={() => {
            restore.mutate({ workspaceId });
          }}
        >
          <Trans>Restore this workspace</Trans>
        </Button>
      ) : (
        <Button
          kind="danger"
          onClick={() => {
            setAsking(true);
          }}
        >
          <Trans>Archive this workspace</Trans>
        </Button>
      )}
      {restore.error && <ErrorBox error={restore.error} />}
      {asking && (
        <Confirm
          title={<Trans>Archive this workspace</Trans>}
          submit={<Trans>Archive</Trans>}
          word={workspaceId}
          busy={archive.isPending}
          error={archive.error}
          onClose={close}
          onConfirm={() => {
            archive.mutate({ workspaceId });
          }}
        >
          <Trans>Its requests are blocked from now on. It can be restored.</Trans>
        </Confirm>
      )}
    </Card>
  );
}
