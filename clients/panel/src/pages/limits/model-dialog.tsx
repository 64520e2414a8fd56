// One model of a workspace: whether it is allowed, where its requests go at the limit, its price.

import { useState } from "react";
import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import { CatalogService } from "@stubs/catalog_service_pb.js";
import type { ModelLimit } from "@stubs/model_limit_service_pb.js";
import { ModelLimitService } from "@stubs/model_limit_service_pb.js";
import { Decision, UsageService } from "@stubs/usage_service_pb.js";

import { queries } from "../../app/api";
import { useFormat } from "../../app/format";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Button, ErrorBox, MoneyText } from "../../ui/base";
import { Dialog } from "../../ui/dialog";

interface Props {
  row: ModelLimit;
  all: ModelLimit[];
  onClose: () => void;
}

export function ModelDialog({ row, all, onClose }: Props) {
  const { workspaceId } = useThisWorkspace();
  const { administer, operate } = useAllowed();
  const after = {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  };
  const enable = useMutation(ModelLimitService.method.enableModel, after);
  const disable = useMutation(ModelLimitService.method.disableModel, after);
  const { modelId } = row;
  return (
    <Dialog title={modelId} onClose={onClose}>
      <div className="dialog-form">
        <dl className="facts">
          <dt>
            <Trans>In this cycle</Trans>
          </dt>
          <dd>
            <MoneyText money={row.spent} />
          </dd>
          <dt>
            <Trans>Held by requests in flight</Trans>
          </dt>
          <dd>
            <MoneyText money={row.held} />
          </dd>
          <Price modelId={modelId} />
        </dl>
        <Chain row={row} all={all} />
        {operate && <Preview modelId={modelId} />}
        {(enable.error ?? disable.error) && <ErrorBox error={enable.error ?? disable.error} />}
        {administer && (
          <footer>
            {row.modelEnabled ? (
              <Button
                kind="danger"
                busy={disable.isPending}
                onClick={() => {
                  disable.mutate({ workspaceId, modelId });
                }}
              >
                <Trans>Block this model</Trans>
              </Button>
            ) : (
              <Button
                kind="primary"
                busy={enable.isPending}
                onClick={() => {
                  enable.mutate({ workspaceId, modelId });
                }}
              >
                <Trans>Allow this model</Trans>
              </Button>
            )}
          </footer>
        )}
      </div>
    </Dialog>
  );
}

/** The price of today, and the rate at which it is charged. */
function Price({ modelId }: { modelId: string }) {
  const { workspaceId, currencyCode } = useThisWorkspace();
  const format = useFormat();
  const prices = useQuery(CatalogService.method.listModelPrices, {
    modelId,
    workspaceId,
    pageSize: 1,
  });
  const rates = useQuery(CatalogService.method.listExchangeRates, { pageSize: 1000 });
  const price = prices.data?.prices[0];
  if (!price) return null;
  const rate = rates.data?.exchangeRates.find(
    (known) =>
      known.fromCurrencyCode === price.currencyCode && known.toCurrencyCode === currencyCode,
  );
  const each = (amount: string) => format.amount(amount || "0", price.currencyCode);
  const [input, output] = [each(price.inputPerMillion), each(price.outputPerMillion)];
  const [since, source] = [format.date(price.effectiveTime), price.source];
  return (
    <>
      <dt>
        <Trans>Price per million tokens</Trans>
      </dt>
      <dd>
        <Trans>
          {input} in, {output} out
        </Trans>
        <small className="hint">
          <Trans>since {since}</Trans>
          {source !== "" && ` · ${source}`}
        </small>
      </dd>
      {price.currencyCode !== currencyCode && rate && (
        <>
          <dt>
            <Trans>Exchange rate</Trans>
          </dt>
          <dd>
            {`${price.currencyCode}→${currencyCode} ${rate.rate} (${format.date(rate.effectiveTime)})`}
          </dd>
        </>
      )}
    </>
  );
}

/** Models to try at the limit, in their order. */
function Chain({ row, all }: { row: ModelLimit; all: ModelLimit[] }) {
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const { t } = useLingui();
  const [chain, setChain] = useState(row.fallbackModelIds);
  const save = useMutation(ModelLimitService.method.setModelLimit, {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  });
  const others = all.filter(
    ({ modelId, modelEnabled }) =>
      modelEnabled && modelId !== row.modelId && !chain.includes(modelId),
  );
  const isChanged = chain.join("\n") !== row.fallbackModelIds.join("\n");
  const move = (at: number, to: number) => {
    const next = chain.filter((_, index) => index !== at);
    const moved = chain[at];
    if (moved !== undefined && to >= 0) next.splice(to, 0, moved);
    setChain(next);
  };
  return (
    <fieldset className="chain" disabled={!administer}>
      <legend>
        <Trans>At the limit, requests go to</Trans>
      </legend>
      {chain.length === 0 ? (
        <p className="hint">
          <Trans>Every cheaper allowed model, the dearest first.</Trans>
        </p>
      ) : (
        <ol>
          {chain.map((modelId, at) => (
            <li key={modelId}>
              <span>{modelId}</span>
              <Button
                kind="quiet"
                aria-label={t`Move ${modelId} up`}
                disabled={at === 0}
                onClick={() => {
                  move(at, at - 1);
                }}
              >
                ↑
              </Button>
              <Button
                kind="quiet"
                aria-label={t`Remove ${modelId}`}
                onClick={() => {
                  move(at, -1);
                }}
              >
                ✕
              </Button>
            </li>
          ))}
        </ol>
      )}
      {administer && (
        <div className="chain-add">
          <select
            aria-label={t`Add a model to the chain`}
            value=""
            onChange={(event) => {
              setChain([...chain, event.target.value]);
            }}
          >
            <option value="">{t`Add a model…`}</option>
            {others.map(({ modelId }) => (
              <option key={modelId}>{modelId}</option>
            ))}
          </select>
          <Button
            busy={save.isPending}
            disabled={!isChanged}
            onClick={() => {
              const { modelId, limit, limitEnabled } = row;
              save.mutate({
                workspaceId,
                modelId,
                fallbackModelIds: chain,
                ...(limit && { limit }),
                ...(limitEnabled !== undefined && { limitEnabled }),
              });
            }}
          >
            <Trans>Save the order</Trans>
          </Button>
        </div>
      )}
      {save.error && <ErrorBox error={save.error} />}
    </fieldset>
  );
}

/** Tokens of the request that is tried, each way. */
const TRIED = 1_000n;

/** Where a request would go now: tried without holding anything. */
function Preview({ modelId }: { modelId: string }) {
  const { workspaceId } = useThisWorkspace();
  const format = useFormat();
  const check = useMutation(UsageService.method.checkAndRoute);
  const { data } = check;
  const verdict = data?.verdicts.find(({ blocking }) => blocking) ?? data?.verdicts[0];
  const tokens = format.count(TRIED);
  return (
    <div className="preview">
      <Button
        busy={check.isPending}
        onClick={() => {
          check.mutate({
            workspaceId,
            modelId,
            inputTokenCount: TRIED,
            maxOutputTokenCount: TRIED,
            dryRun: true,
          });
        }}
      >
        <Trans>Try a request</Trans>
      </Button>
      <small className="hint">
        <Trans>of {tokens} tokens in and out; nothing is held</Trans>
      </small>
      {data && (
        <p role="status">
          {data.decision === Decision.ALLOWED && <Trans>It would run on this model.</Trans>}
          {data.decision === Decision.ROUTED && <Trans>It would go to {data.modelId}.</Trans>}
          {data.decision === Decision.BLOCKED && <Trans>It would be blocked.</Trans>}{" "}
          <span className="hint">{verdict?.message}</span>
        </p>
      )}
      {check.error && <ErrorBox error={check.error} />}
    </div>
  );
}
