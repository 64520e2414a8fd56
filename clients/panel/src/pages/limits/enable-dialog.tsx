// Models of the catalog that a workspace does not use yet.

import { useState } from "react";
import { useMutation } from "@connectrpc/connect-query";
import { useQuery } from "@tanstack/react-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Model } from "@stubs/catalog_service_pb.js";
import { CatalogService } from "@stubs/catalog_service_pb.js";
import type { ModelLimit } from "@stubs/model_limit_service_pb.js";
import { ModelLimitService } from "@stubs/model_limit_service_pb.js";

import { callOnce, queries } from "../../app/api";
import { useThisWorkspace } from "../../app/workspace";
import { Button, Empty, ErrorBox, Loaded } from "../../ui/base";
import { Dialog } from "../../ui/dialog";

/** Most that are listed: then the search has to say more. */
const SHOWN_MAX = 100;

async function allModels(): Promise<Model[]> {
  const models: Model[] = [];
  let pageToken = "";
  do {
    const page = await callOnce(CatalogService.method.listModels, { pageSize: 1000, pageToken });
    models.push(...page.models);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return models;
}

export function EnableDialog({ enabled, onClose }: { enabled: ModelLimit[]; onClose: () => void }) {
  const { t } = useLingui();
  const [search, setSearch] = useState("");
  const models = useQuery({ queryKey: ["models"], queryFn: allModels, staleTime: 300_000 });
  const on = new Set(enabled.filter((row) => row.modelEnabled).map((row) => row.modelId));
  const words = search.toLowerCase().split(/\s+/);
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
          {(all) => {
            const found = all.filter((model) => {
              const text = `${model.modelId} ${model.displayName} ${model.provider}`.toLowerCase();
              return words.every((word) => text.includes(word));
            });
            return <Found found={found} on={on} />;
          }}
        </Loaded>
      </div>
    </Dialog>
  );
}

function Found({ found, on }: { found: Model[]; on: Set<string> }) {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const change = {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  };
  const enable = useMutation(ModelLimitService.method.enableModel, change);
  const more = found.length - SHOWN_MAX;
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
        {found.slice(0, SHOWN_MAX).map((model) => (
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
      {more > 0 && (
        <small className="hint">
          <Trans>{more} more: search for a name or a provider</Trans>
        </small>
      )}
    </>
  );
}
