// Models of the catalog that a workspace does not use yet.

import { useState } from "react";
import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Model } from "@stubs/catalog_service_pb.js";
import { CatalogService } from "@stubs/catalog_service_pb.js";
import type { ModelLimit } from "@stubs/model_limit_service_pb.js";
import { ModelLimitService } from "@stubs/model_limit_service_pb.js";

import { queries } from "../../app/api";
import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Button, Empty, ErrorBox, Loaded } from "../../ui/base";
import { Dialog } from "../../ui/dialog";
import { useSettled } from "../../ui/settled";

/** Most that are listed: then the search has to say more. */
const SHOWN_MAX = 100;

export function EnableDialog({ enabled, onClose }: { enabled: ModelLimit[]; onClose: () => void }) {
  const { t } = useLingui();
  const [search, setSearch] = useState("");
  const query = useSettled(search);
  const models = useQuery(CatalogService.method.listModels, { query, pageSize: SHOWN_MAX });
  const on = new Set(enabled.filter((row) => row.modelEnabled).map((row) => row.modelId));
  return (
    <Dialog title={<Trans>Enable models</Trans>} onClose={onClose}>
      <div className="dialog-form">
        <input
          type="search"
          autoFocus
          aria-label={t`Search models`}
          placeholder={t`Name or provider`}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
          }}
        />
        <Loaded query={models} lines={6} height={300}>
          {(page) => <Found found={page.models} total={page.totalCount} on={on} />}
        </Loaded>
      </div>
    </Dialog>
  );
}

function Found({ found, total, on }: { found: Model[]; total: bigint; on: Set<string> }) {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const change = {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  };
  const enable = useMutation(ModelLimitService.method.enableModel, change);
  const format = useFormat();
  const left = total - BigInt(found.length);
  const more = format.count(left);
  if (found.length === 0) {
    return (
      <Empty>
        <Trans>No model has this name</Trans>
      </Empty>
    );
  }
  return (
    <>
      {enable.error && <ErrorBox error={enable.error} />}
      <ul className="choices" tabIndex={0} aria-label={t`Models`}>
        {found.map((model) => (
          <li key={model.modelId}>
            <span className="model-name">
              <span>{model.displayName || model.modelId}</span>
              <small>
                {model.modelId} · {model.provider}
              </small>
            </span>
            {on.has(model.modelId) ? (
              <small className="hint">
                <Trans>enabled</Trans>
              </small>
            ) : (
              <Button
                aria-label={t`Enable ${model.modelId}`}
                busy={enable.isPending && enable.variables.modelId === model.modelId}
                onClick={() => {
                  enable.mutate({ workspaceId, modelId: model.modelId });
                }}
              >
                <Trans>Enable</Trans>
              </Button>
            )}
          </li>
        ))}
      </ul>
      {left > 0n && (
        <small className="hint">
          <Trans>{more} more: search for a name or a provider</Trans>
        </small>
      )}
    </>
  );
}
