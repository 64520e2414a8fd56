// Withdraws a price or a rate that was typed wrongly.

import { useState } from "react";
import { useMutation } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { ExchangeRate, Price } from "@stubs/catalog_service_pb.js";
import { CatalogService } from "@stubs/catalog_service_pb.js";

import { queries } from "../../app/api";
import { useFormat } from "../../app/format";
import { Badge, Button } from "../../ui/base";
import { ReasonDialog } from "../../ui/reason";

function useAsking() {
  const [asking, setAsking] = useState(false);
  const close = () => {
    setAsking(false);
  };
  const open = () => {
    setAsking(true);
  };
  const onSuccess = () => {
    void queries.invalidateQueries();
    close();
  };
  return { asking, open, close, onSuccess };
}

function Withdrawn({ reason }: { reason: string }) {
  return (
    <span title={reason}>
      <Badge>
        <Trans>withdrawn</Trans>
      </Badge>
    </span>
  );
}

export function WithdrawPrice({ price }: { price: Price }) {
  const { t } = useLingui();
  const format = useFormat();
  const { asking, open, close, onSuccess } = useAsking();
  const withdraw = useMutation(CatalogService.method.withdrawModelPrice, { onSuccess });
  if (price.withdrawTime) return <Withdrawn reason={price.withdrawReason} />;
  const from = format.date(price.effectiveTime);
  return (
    <>
      <Button kind="quiet" aria-label={t`Withdraw the price of ${from}`} onClick={open}>
        <Trans>Withdraw</Trans>
      </Button>
      {asking && (
        <ReasonDialog
          title={<Trans>Withdraw price</Trans>}
          submit={<Trans>Withdraw</Trans>}
          busy={withdraw.isPending}
          error={withdraw.error}
          onClose={close}
          onConfirm={(reason) => {
            withdraw.mutate({ priceId: price.priceId, reason });
          }}
        >
          <Trans>
            It counts no more, from now on. What was charged stays until it is repriced.
          </Trans>
        </ReasonDialog>
      )}
    </>
  );
}

export function WithdrawRate({ rate }: { rate: ExchangeRate }) {
  const { t } = useLingui();
  const { asking, open, close, onSuccess } = useAsking();
  const withdraw = useMutation(CatalogService.method.withdrawExchangeRate, { onSuccess });
  if (rate.withdrawTime) return <Withdrawn reason={rate.withdrawReason} />;
  const { fromCurrencyCode, toCurrencyCode, effectiveTime } = rate;
  return (
    <>
      <Button
        kind="quiet"
        aria-label={t`Withdraw ${fromCurrencyCode} → ${toCurrencyCode}`}
        onClick={open}
      >
        <Trans>Withdraw</Trans>
      </Button>
      {asking && (
        <ReasonDialog
          title={<Trans>Withdraw exchange rate</Trans>}
          submit={<Trans>Withdraw</Trans>}
          busy={withdraw.isPending}
          error={withdraw.error}
          onClose={close}
          onConfirm={(reason) => {
            const named = { fromCurrencyCode, toCurrencyCode, reason };
            withdraw.mutate({ ...named, ...(effectiveTime && { effectiveTime }) });
          }}
        >
          <Trans>
            It counts no more, from now on. What was charged stays until it is repriced.
          </Trans>
        </ReasonDialog>
      )}
    </>
  );
}
