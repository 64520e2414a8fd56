// Exchange rates from the currencies of prices to those of workspaces.

import { useState } from "react";
import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { ExchangeRate } from "@stubs/catalog_service_pb.js";
import { CatalogService } from "@stubs/catalog_service_pb.js";

import { queries, violations } from "../../app/api";
import { useFormat } from "../../app/format";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { parseAmount } from "../../ui/amount";
import { Button, Card, Field, Loaded, TextField } from "../../ui/base";
import { FormDialog } from "../../ui/dialog";
import { Table } from "../../ui/table";
import { WithdrawRate } from "./withdraw";

export function Rates() {
  const { operate } = useAllowed();
  const { t } = useLingui();
  const format = useFormat();
  const [setting, setSetting] = useState(false);
  const rates = useQuery(CatalogService.method.listExchangeRates, { pageSize: 100 });
  return (
    <Card
      title={<Trans>Exchange rates</Trans>}
      hint={<Trans>Of all workspaces of this server.</Trans>}
      aside={
        operate && (
          <Button
            onClick={() => {
              setSetting(true);
            }}
          >
            <Trans>Set rate</Trans>
          </Button>
        )
      }
    >
      <Loaded query={rates} lines={3} height={120}>
        {({ exchangeRates }) => (
          <Table<ExchangeRate>
            label={t`Exchange rates`}
            rows={exchangeRates}
            keyOf={(rate) =>
              `${rate.fromCurrencyCode} ${rate.toCurrencyCode} ${rate.effectiveTime?.seconds.toString() ?? ""}`
            }
            empty={<Trans>No rates yet: prices are charged in their own currency alone</Trans>}
            columns={[
              {
                title: t`Currencies`,
                cell: (rate) => `${rate.fromCurrencyCode} → ${rate.toCurrencyCode}`,
              },
              {
                title: t`Rate`,
                number: true,
                cell: ({ rate }) => <span className="number">{rate}</span>,
              },
              { title: t`From`, cell: ({ effectiveTime }) => format.dateTime(effectiveTime) },
              ...(operate
                ? [
                    {
                      title: "",
                      name: t`Actions`,
                      cell: (rate: ExchangeRate) => <WithdrawRate rate={rate} />,
                    },
                  ]
                : []),
            ]}
          />
        )}
      </Loaded>
      {setting && (
        <RateDialog
          onClose={() => {
            setSetting(false);
          }}
        />
      )}
    </Card>
  );
}

function RateDialog({ onClose }: { onClose: () => void }) {
  const { currencyCode } = useThisWorkspace();
  const { locale } = useFormat();
  const [from, setFrom] = useState("USD");
  const [to, setTo] = useState(currencyCode);
  const [rate, setRate] = useState("");
  const save = useMutation(CatalogService.method.setExchangeRate, {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  const errors = violations(save.error);
  return (
    <FormDialog
      title={<Trans>Exchange rate</Trans>}
      submit={<Trans>Set rate</Trans>}
      busy={save.isPending}
      error={save.error}
      onClose={onClose}
      onSubmit={() => {
        const exchangeRate = {
          fromCurrencyCode: from,
          toCurrencyCode: to,
          rate: parseAmount(rate, locale) ?? rate,
        };
        save.mutate({ exchangeRate });
      }}
    >
      <div className="two">
        <Field label={<Trans>From</Trans>} error={errors.get("exchange_rate.from_currency_code")}>
          {(props) => (
            <input
              {...props}
              value={from}
              onChange={(event) => {
                setFrom(event.target.value.toUpperCase());
              }}
            />
          )}
        </Field>
        <Field label={<Trans>To</Trans>} error={errors.get("exchange_rate.to_currency_code")}>
          {(props) => (
            <input
              {...props}
              value={to}
              onChange={(event) => {
                setTo(event.target.value.toUpperCase());
              }}
            />
          )}
        </Field>
      </div>
      <TextField
        label={<Trans>Rate</Trans>}
        error={errors.get("exchange_rate.rate")}
        inputMode="decimal"
        value={rate}
        onChange={setRate}
      />
    </FormDialog>
  );
}
