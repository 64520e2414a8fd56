// The switch for automatic fallback: changed here, in force once saved.

import { useEffect, useState } from "react";
import { useMutation } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import { BudgetService } from "@stubs/budget_service_pb.js";

import { queries } from "../../app/api";
import { useLive } from "../../app/live";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Button, Card, Outcome, Switch } from "../../ui/base";

export function FallbackCard() {
  const workspace = useThisWorkspace();
  const { budget } = useLive();
  const { administer } = useAllowed();
  const { t } = useLingui();
  const [wanted, setWanted] = useState<boolean | undefined>();
  // What the server has answered, until the stream says it, too.
  const [saved, setSaved] = useState<boolean | undefined>();
  const watched = budget?.automaticFallback;
  useEffect(() => {
    setSaved(undefined);
  }, [watched]);
  const current = saved ?? watched ?? workspace.automaticFallback;
  const save = useMutation(BudgetService.method.setAutomaticFallback, {
    // What was there before comes back, with the reason.
    onError: () => {
      setWanted(undefined);
    },
    onSuccess: (response) => {
      setSaved(response.workspace?.automaticFallback);
      setWanted(undefined);
      void queries.invalidateQueries();
    },
  });
  const shown = wanted ?? current;
  const label = t`Automatically switch to a cheaper model when a model limit is reached`;
  return (
    <Card title={<Trans>Automatic fallback</Trans>}>
      <div className="switch-row">
        <Switch label={label} checked={shown} disabled={!administer} onChange={setWanted} />
        <span className="switch-text">
          {label}
          <small className="hint">
            {shown ? (
              <Trans>Requests go to a cheaper model and work continues.</Trans>
            ) : (
              <Trans>Requests on a model fail once its limit is reached.</Trans>
            )}
          </small>
        </span>
        <Button
          kind="primary"
          disabled={!administer || shown === current}
          busy={save.isPending}
          onClick={() => {
            save.mutate({ workspaceId: workspace.workspaceId, enabled: shown });
          }}
        >
          <Trans>Save</Trans>
        </Button>
      </div>
      <Outcome
        error={save.error}
        done={save.isSuccess && shown === current ? t`Saved` : undefined}
      />
    </Card>
  );
}
