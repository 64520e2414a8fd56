// "Model limits": caps of models. Several rows are changed, and saved together.

import { useState } from "react";
import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { ModelLimit } from "@stubs/model_limit_service_pb.js";
import { ModelLimitService, ModelLimitState } from "@stubs/model_limit_service_pb.js";

import { useFormat } from "../../app/format";
import { useLive } from "../../app/live";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { AmountInput, editable } from "../../ui/amount";
import { Badge, Button, Card, Loaded, MoneyText, Outcome, Switch } from "../../ui/base";
import { Table } from "../../ui/table";
import { EnableDialog } from "./enable-dialog";
import { ModelDialog } from "./model-dialog";
import type { Edit } from "./save";
import { isChanged, useSave } from "./save";

export function ModelLimitsCard() {
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const [enabling, setEnabling] = useState(false);
  const limits = useQuery(ModelLimitService.method.listModelLimits, {
    workspaceId,
    pageSize: 1000,
  });
  return (
    <Card
      title={<Trans>Model limits</Trans>}
      hint={<Explanation />}
      aside={
        administer && (
          <Button
            onClick={() => {
              setEnabling(true);
            }}
          >
            <Trans>Enable models</Trans>
          </Button>
        )
      }
    >
      <Loaded query={limits} lines={6} height={320}>
        {({ modelLimits, etag }) =>
          modelLimits.length === 0 ? (
            <NoModels
              onEnable={() => {
                setEnabling(true);
              }}
            />
          ) : (
            <Rows limits={modelLimits} etag={etag} />
          )
        }
      </Loaded>
      {enabling && (
        <EnableDialog
          enabled={limits.data?.modelLimits ?? []}
          onClose={() => {
            setEnabling(false);
          }}
        />
      )}
    </Card>
  );
}

function Explanation() {
  const { currencyCode } = useThisWorkspace();
  const { locale } = useFormat();
  const names = new Intl.DisplayNames(locale, { type: "currency" });
  const currency = names.of(currencyCode) ?? currencyCode;
  return (
    <Trans>
      Optional: set a limit per cycle ({currency}) for a specific model. When the limit is reached,
      requests are automatically routed to a cheaper model (or blocked if none is available). Leave
      empty to use the shared org budget pool.
    </Trans>
  );
}

function NoModels({ onEnable }: { onEnable: () => void }) {
  const { administer } = useAllowed();
  return (
    <div className="empty">
      <p>
        <Trans>No models are enabled yet</Trans>
      </p>
      {administer && (
        <Button kind="primary" onClick={onEnable}>
          <Trans>Enable models</Trans>
        </Button>
      )}
    </div>
  );
}

function Rows({ limits, etag }: { limits: ModelLimit[]; etag: string }) {
  const { t } = useLingui();
  const { currencyCode } = useThisWorkspace();
  const { administer } = useAllowed();
  const { budget } = useLive();
  const { locale } = useFormat();
  const [edits, setEdits] = useState<ReadonlyMap<string, Edit>>(new Map());
  const [shown, setShown] = useState<string | undefined>();
  // Of the state that is being changed: another administrator may be faster.
  const [begun, setBegun] = useState(etag);
  const save = useSave(setEdits);
  const spent = new Map(budget?.spendByModel.map((model) => [model.modelId, model.spent]));
  const before = (row: ModelLimit): Edit => ({
    limit: editable(row.limit?.amount, locale),
    enabled: row.limit ? (row.limitEnabled ?? true) : false,
  });
  const editOf = (row: ModelLimit) => edits.get(row.modelId) ?? before(row);
  const change = (row: ModelLimit, changes: Partial<Edit>) => {
    const edit = { ...editOf(row), ...changes };
    if (edits.size === 0) setBegun(etag);
    const next = new Map(edits);
    if (isChanged(edit, before(row))) next.set(row.modelId, edit);
    else next.delete(row.modelId);
    setEdits(next);
    save.forget(row.modelId);
  };
  const type = (row: ModelLimit, limit: string) => {
    const wasEmpty = editOf(row).limit === "";
    // A new limit is in force; one that is taken away is not.
    change(row, { limit, ...(limit === "" ? { enabled: false } : wasEmpty && { enabled: true }) });
  };
  const row = limits.find(({ modelId }) => modelId === shown);
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save.run(edits, limits, begun).then((isLate) => {
          // Told once: what is saved again is meant.
          if (isLate) setBegun("");
        });
      }}
    >
      <Table<ModelLimit>
        label={t`Model limits`}
        className="model-limits"
        rows={limits}
        keyOf={({ modelId }) => modelId}
        rowClass={({ modelId }) => (edits.has(modelId) ? "changed" : "")}
        columns={[
          { title: t`Model`, cell: (row) => <Name row={row} /> },
          {
            title: t`In this cycle`,
            number: true,
            cell: (row) => (
              <MoneyText
                money={
                  spent.get(row.modelId) ??
                  (budget && row.spent ? { ...row.spent, amount: "0.00" } : row.spent)
                }
              />
            ),
          },
          {
            title: t`Limit`,
            cell: (row) => (
              <LimitCell
                row={row}
                value={editOf(row).limit}
                error={save.errors.get(row.modelId)}
                disabled={!administer}
                currency={currencyCode}
                onChange={(limit) => {
                  type(row, limit);
                }}
              />
            ),
          },
          {
            title: t`Enabled`,
            cell: (row) => (
              <Switch
                label={t`Limit of ${row.modelId} enabled`}
                checked={editOf(row).enabled}
                disabled={!administer || editOf(row).limit === ""}
                onChange={(enabled) => {
                  change(row, { enabled });
                }}
              />
            ),
          },
          {
            title: "",
            name: t`Actions`,
            cell: (row) => (
              <Button
                kind="quiet"
                aria-label={t`Details of ${row.modelId}`}
                onClick={() => {
                  setShown(row.modelId);
                }}
              >
                <Trans>Details</Trans>
              </Button>
            ),
          },
        ]}
      />
      {administer && (
        <footer className="card-foot">
          {save.isLate && <Late />}
          <Outcome
            error={save.isLate ? undefined : save.error}
            done={save.done && edits.size === 0 ? t`Saved` : undefined}
          />
          {edits.size > 0 && (
            <Button
              kind="quiet"
              onClick={() => {
                setEdits(new Map());
                save.reset();
              }}
            >
              <Trans>Discard changes</Trans>
            </Button>
          )}
          <Button type="submit" kind="primary" busy={save.busy} disabled={edits.size === 0}>
            <Trans>Save</Trans>
          </Button>
        </footer>
      )}
      {row && (
        <ModelDialog
          row={row}
          all={limits}
          onClose={() => {
            setShown(undefined);
          }}
        />
      )}
    </form>
  );
}

function Late() {
  return (
    <p className="notice warn" role="alert">
      <Trans>
        Somebody else has changed the limits meanwhile. The table shows theirs; your changes are
        marked. Save again to replace theirs.
      </Trans>
    </p>
  );
}

function Name({ row }: { row: ModelLimit }) {
  return (
    <div className="model-name">
      <span>{row.displayName || row.modelId}</span>
      <span className="badges">
        {!row.modelEnabled && (
          <Badge kind="warn">
            <Trans>not allowed</Trans>
          </Badge>
        )}
        {row.priceStale && (
          <Badge kind="warn">
            <Trans>price is old</Trans>
          </Badge>
        )}
        {row.limitState === ModelLimitState.REACHED && (
          <Badge kind="bad">
            <Trans>limit reached</Trans>
          </Badge>
        )}
      </span>
      <small>{[row.modelId, row.provider].filter((text) => text !== "").join(" · ")}</small>
    </div>
  );
}

interface LimitCellProps {
  row: ModelLimit;
  value: string;
  error: string | undefined;
  disabled: boolean;
  currency: string;
  onChange: (limit: string) => void;
}

function LimitCell({ row, value, error, disabled, currency, onChange }: LimitCellProps) {
  const { t } = useLingui();
  const id = `limit-error-${row.modelId}`;
  return (
    <div className="limit-cell">
      <AmountInput
        currency={currency}
        label={t`Limit of ${row.modelId}`}
        placeholder={t`shared pool`}
        value={value}
        disabled={disabled}
        onChange={onChange}
        aria-invalid={error === undefined ? undefined : true}
        aria-describedby={error === undefined ? undefined : id}
      />
      {error !== undefined && (
        <span id={id} className="error-text" role="alert">
          {error}
        </span>
      )}
    </div>
  );
}
