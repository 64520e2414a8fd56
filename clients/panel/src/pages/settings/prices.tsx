// Prices of a model: what is charged, since when, and one that this workspace pays instead.

import { useState } from "react";
import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Price } from "@stubs/catalog_service_pb.js";
import { CatalogService } from "@stubs/catalog_service_pb.js";
import { ModelLimitService } from "@stubs/model_limit_service_pb.js";
import { UsageService } from "@stubs/usage_service_pb.js";

import { queries, violations } from "../../app/api";
import { useFormat } from "../../app/format";
import { useParam } from "../../app/route";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { AmountInput, parseAmount } from "../../ui/amount";
import { Badge, Button, Card, ErrorBox, Field, Loaded } from "../../ui/base";
import { FormDialog } from "../../ui/dialog";
import { Table } from "../../ui/table";
import { WithdrawPrice } from "./withdraw";

export function Prices() {
  const { workspaceId } = useThisWorkspace();
  const { operate } = useAllowed();
  const { t } = useLingui();
  const [model, setModel] = useParam("model");
  const [setting, setSetting] = useState(false);
  const limits = useQuery(ModelLimitService.method.listModelLimits, {
    workspaceId,
    pageSize: 1000,
  });
  const models = limits.data?.modelLimits.map(({ modelId }) => modelId) ?? [];
  const modelId = model || (models[0] ?? "");
  const prices = useQuery(
    CatalogService.method.listModelPrices,
    { workspaceId, modelId, pageSize: 50 },
    { enabled: modelId !== "" },
  );
  return (
    <Card
      title={<Trans>Models & prices</Trans>}
      hint={<Trans>Per million tokens. The latest price that has begun is charged.</Trans>}
      aside={
        operate &&
        modelId !== "" && (
          <Button
            onClick={() => {
              setSetting(true);
            }}
          >
            <Trans>Set price</Trans>
          </Button>
        )
      }
    >
      <div className="toolbar">
        <select
          aria-label={t`Model`}
          value={modelId}
          onChange={(event) => {
            setModel(event.target.value);
          }}
        >
          {models.map((id) => (
            <option key={id}>{id}</option>
          ))}
        </select>
        {operate && modelId !== "" && <Reprice modelId={modelId} />}
      </div>
      {modelId !== "" && (
        <Loaded query={prices} lines={3} height={140}>
          {(page) => <Rows prices={page.prices} />}
        </Loaded>
      )}
      {setting && (
        <PriceDialog
          modelId={modelId}
          onClose={() => {
            setSetting(false);
          }}
        />
      )}
    </Card>
  );
}

function Rows({ prices }: { prices: Price[] }) {
  const { t } = useLingui();
  const format = useFormat();
  const each = (amount: string, price: Price) =>
    amount === ""
      ? "–"
      : new Intl.NumberFormat(format.locale, {
          style: "currency",
          currency: price.currencyCode,
          maximumFractionDigits: 9,
        }).format(amount as Intl.StringNumericLiteral);
  const [now] = useState(() => Date.now() / 1000);
  const { operate } = useAllowed();
  const current = prices.find(
    ({ effectiveTime, withdrawTime }) =>
      !withdrawTime && Number(effectiveTime?.seconds ?? 0n) <= now,
  );
  return (
    <Table<Price>
      label={t`Prices`}
      rows={prices}
      keyOf={({ priceId }) => priceId}
      empty={<Trans>No price is known for this model</Trans>}
      columns={[
        {
          title: t`From`,
          cell: (price) => (
            <span className="model-name">
              <span>{format.date(price.effectiveTime)}</span>
              {price === current && (
                <Badge kind="good">
                  <Trans>in force</Trans>
                </Badge>
              )}
              {price.stale && (
                <Badge kind="warn">
                  <Trans>price is old</Trans>
                </Badge>
              )}
            </span>
          ),
        },
        { title: t`Input`, number: true, cell: (price) => each(price.inputPerMillion, price) },
        {
          title: t`Cache read`,
          number: true,
          cell: (price) => each(price.cacheReadPerMillion, price),
        },
        { title: t`Output`, number: true, cell: (price) => each(price.outputPerMillion, price) },
        {
          title: t`Source`,
          cell: ({ source, workspaceId }) => (
            <span>
              {source || "–"}{" "}
              {workspaceId !== "" && (
                <Badge>
                  <Trans>of this workspace</Trans>
                </Badge>
              )}
            </span>
          ),
        },
        ...(operate
          ? [
              {
                title: "",
                name: t`Actions`,
                cell: (price: Price) => <WithdrawPrice price={price} />,
              },
            ]
          : []),
      ]}
    />
  );
}

/** What records would cost at the prices of now; first without changing anything. */
function Reprice({ modelId }: { modelId: string }) {
  const { workspaceId } = useThisWorkspace();
  const format = useFormat();
  const reprice = useMutation(UsageService.method.repriceUsage, {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  });
  const { data } = reprice;
  const wasDry = reprice.variables?.dryRun === true;
  const [examined, corrected, difference] = [
    format.count(data?.examinedCount ?? 0n),
    format.count(data?.correctedCount ?? 0n),
    format.exactMoney(data?.difference),
  ];
  return (
    <>
      <Button
        busy={reprice.isPending}
        onClick={() => {
          reprice.mutate({ workspaceId, modelId, dryRun: true });
        }}
      >
        <Trans>Reprice usage: dry run</Trans>
      </Button>
      {data && (
        <span role="status">
          <Trans>
            {examined} records examined, {corrected} to correct, difference {difference}
          </Trans>
        </span>
      )}
      {data && wasDry && data.correctedCount > 0n && (
        <Button
          kind="danger"
          busy={reprice.isPending}
          onClick={() => {
            reprice.mutate({ workspaceId, modelId, dryRun: false });
          }}
        >
          <Trans>Correct them</Trans>
        </Button>
      )}
      {reprice.error && <ErrorBox error={reprice.error} />}
    </>
  );
}

function PriceDialog({ modelId, onClose }: { modelId: string; onClose: () => void }) {
  const { workspaceId, currencyCode } = useThisWorkspace();
  const { locale } = useFormat();
  const [input, setInput] = useState("");
  const [output, setOutput] = useState("");
  const save = useMutation(CatalogService.method.setModelPrice, {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  const errors = violations(save.error);
  const amount = (text: string) => parseAmount(text, locale) ?? text;
  return (
    <FormDialog
      title={<Trans>Price of {modelId}</Trans>}
      submit={<Trans>Set price</Trans>}
      busy={save.isPending}
      error={save.error}
      onClose={onClose}
      onSubmit={() => {
        const price = {
          currencyCode,
          inputPerMillion: amount(input),
          outputPerMillion: amount(output),
        };
        save.mutate({ modelId, workspaceId, price });
      }}
    >
      <p className="hint">
        <Trans>From now on, for this workspace alone, per million tokens.</Trans>
      </p>
      <div className="two">
        <Field label={<Trans>Input</Trans>} error={errors.get("price.input_per_million")}>
          {(props) => (
            <AmountInput {...props} currency={currencyCode} value={input} onChange={setInput} />
          )}
        </Field>
        <Field label={<Trans>Output</Trans>} error={errors.get("price.output_per_million")}>
          {(props) => (
            <AmountInput {...props} currency={currencyCode} value={output} onChange={setOutput} />
          )}
        </Field>
      </div>
    </FormDialog>
  );
}
