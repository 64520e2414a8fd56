// Quotas: made, changed, raised for a while, reset, deleted.

import { useState } from "react";
import { useMutation } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import { LimitPeriod } from "@stubs/common_pb.js";
import type { Quota } from "@stubs/quota_service_pb.js";
import { QuotaService } from "@stubs/quota_service_pb.js";

import { queries } from "../../app/api";
import { useFormat } from "../../app/format";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Badge, Button, Card, ErrorBox, Skeleton } from "../../ui/base";
import { Confirm } from "../../ui/confirm";
import { More, useList } from "../../ui/pages";
import { useNames } from "../../ui/subject";
import { Table } from "../../ui/table";
import { QuotaBoostDialog } from "./quota-boost";
import { QuotaDialog } from "./quota-dialog";

interface Asked {
  what: "edit" | "boost" | "reset" | "delete";
  quota?: Quota;
}

export function Quotas() {
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const [asked, setAsked] = useState<Asked | undefined>();
  const { query, rows } = useList(
    QuotaService.method.listQuotas,
    { workspaceId, pageSize: 100 },
    (page) => page.quotas,
  );
  const close = () => {
    setAsked(undefined);
  };
  return (
    <Card
      title={<Trans>Quotas</Trans>}
      hint={
        <Trans>
          Of the organisation, departments, users, keys and groups: in money, tokens or requests.
        </Trans>
      }
      aside={
        administer && (
          <Button
            onClick={() => {
              setAsked({ what: "edit" });
            }}
          >
            <Trans>Create quota</Trans>
          </Button>
        )
      }
    >
      {query.error && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending ? (
        <Skeleton lines={6} height={320} />
      ) : (
        <Rows quotas={rows} onAsk={setAsked} />
      )}
      <More query={query} />
      {asked?.what === "edit" && <QuotaDialog quota={asked.quota} onClose={close} />}
      {asked?.what === "boost" && asked.quota && (
        <QuotaBoostDialog quota={asked.quota} onClose={close} />
      )}
      {asked?.what === "reset" && asked.quota && (
        <ResetDialog quota={asked.quota} onClose={close} />
      )}
      {asked?.what === "delete" && asked.quota && (
        <DeleteDialog quota={asked.quota} onClose={close} />
      )}
    </Card>
  );
}

function Rows({ quotas, onAsk }: { quotas: Quota[]; onAsk: (asked: Asked) => void }) {
  const { t } = useLingui();
  const format = useFormat();
  const names = useNames();
  const { administer } = useAllowed();
  const limitOf = (quota: Quota) => {
    if (quota.exempt) return t`exempt`;
    if (quota.limit) return format.money(quota.limit);
    const unit = names.units[quota.unit] ?? "";
    return quota.limitCount === undefined ? "" : `${format.count(quota.limitCount)} ${unit}`;
  };
  return (
    <Table<Quota>
      label={t`Quotas`}
      rows={quotas}
      keyOf={({ quotaId }) => quotaId}
      empty={<Trans>No quotas yet: only the budget and the model limits bind</Trans>}
      columns={[
        {
          title: t`Quota`,
          cell: (quota) => (
            <span className="model-name">
              <span>{quota.displayName || names.subject(quota.subject, quota.eachSubject)}</span>
              <small>
                {quota.displayName !== "" &&
                  `${names.subject(quota.subject, quota.eachSubject)} · `}
                {quota.quotaId}
                {quota.modelId !== "" && ` · ${quota.modelId}`}
              </small>
            </span>
          ),
        },
        {
          title: t`Limit`,
          number: true,
          cell: (quota) => <span className="number">{limitOf(quota)}</span>,
        },
        { title: t`Resets`, cell: ({ period }) => names.periods[period] },
        {
          title: t`At the limit`,
          cell: ({ enforcement }) => <Badge>{names.enforcements[enforcement]}</Badge>,
        },
        {
          title: t`Alerts at`,
          cell: ({ noAlerts, alertThresholdPercents }) =>
            noAlerts
              ? t`none`
              : alertThresholdPercents.map((percent) => format.percent(percent)).join(", "),
        },
        ...(administer
          ? [
              {
                title: "",
                name: t`Actions`,
                cell: (quota: Quota) => <Actions quota={quota} onAsk={onAsk} />,
              },
            ]
          : []),
      ]}
    />
  );
}

function Actions({ quota, onAsk }: { quota: Quota; onAsk: (asked: Asked) => void }) {
  const { t } = useLingui();
  const id = quota.quotaId;
  const ask = (what: Asked["what"]) => () => {
    onAsk({ what, quota });
  };
  return (
    <span className="row-actions">
      <Button kind="quiet" aria-label={t`Edit ${id}`} onClick={ask("edit")}>
        <Trans>Edit</Trans>
      </Button>
      <Button kind="quiet" aria-label={t`Boost ${id}`} onClick={ask("boost")}>
        <Trans>Boost</Trans>
      </Button>
      {quota.period === LimitPeriod.UNTIL_RESET && (
        <Button kind="quiet" aria-label={t`Reset ${id}`} onClick={ask("reset")}>
          <Trans>Reset</Trans>
        </Button>
      )}
      <Button kind="quiet" aria-label={t`Delete ${id}`} onClick={ask("delete")}>
        <Trans>Delete</Trans>
      </Button>
    </span>
  );
}

interface DialogProps {
  quota: Quota;
  onClose: () => void;
}

function ResetDialog({ quota, onClose }: DialogProps) {
  const { workspaceId } = useThisWorkspace();
  const reset = useMutation(QuotaService.method.resetQuota, {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  return (
    <Confirm
      title={<Trans>Reset quota</Trans>}
      submit={<Trans>Reset</Trans>}
      busy={reset.isPending}
      error={reset.error}
      onClose={onClose}
      onConfirm={() => {
        reset.mutate({ workspaceId, quotaId: quota.quotaId });
      }}
    >
      <Trans>It counts from zero again, from now on.</Trans>
    </Confirm>
  );
}

function DeleteDialog({ quota, onClose }: DialogProps) {
  const { workspaceId } = useThisWorkspace();
  const remove = useMutation(QuotaService.method.deleteQuota, {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  return (
    <Confirm
      title={<Trans>Delete quota</Trans>}
      submit={<Trans>Delete</Trans>}
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() => {
        remove.mutate({ workspaceId, quotaId: quota.quotaId });
      }}
    >
      <Trans>Its subjects are then bound by the other limits alone. Usage stays.</Trans>
    </Confirm>
  );
}
