// Rate limits: requests per minute, tokens per minute, requests per day.

import { useState } from "react";
import { useMutation } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import { Enforcement, LimitPeriod, LimitUnit, SubjectType } from "@stubs/common_pb.js";
import type { RateLimit } from "@stubs/quota_service_pb.js";
import { QuotaService } from "@stubs/quota_service_pb.js";

import { queries, violations } from "../../app/api";
import { useFormat } from "../../app/format";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Badge, Button, Card, ErrorBox, Field, Skeleton, TextField } from "../../ui/base";
import { Confirm } from "../../ui/confirm";
import { FormDialog } from "../../ui/dialog";
import { More, useList } from "../../ui/pages";
import { options, useNames } from "../../ui/subject";
import { Table } from "../../ui/table";

const SUBJECTS = [
  SubjectType.API_KEY,
  SubjectType.KEY_GROUP,
  SubjectType.USER,
  SubjectType.DEPARTMENT,
  SubjectType.WORKSPACE,
  SubjectType.PROJECT,
  SubjectType.ASSISTANT,
];

export function RateLimits() {
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const [edited, setEdited] = useState<RateLimit | "new" | undefined>();
  const [removed, setRemoved] = useState<RateLimit | undefined>();
  const { query, rows } = useList(
    QuotaService.method.listRateLimits,
    { workspaceId, pageSize: 100 },
    (page) => page.rateLimits,
  );
  return (
    <Card
      title={<Trans>Rate limits</Trans>}
      hint={<Trans>Counted over any minute or day, not by the clock.</Trans>}
      aside={
        administer && (
          <Button
            onClick={() => {
              setEdited("new");
            }}
          >
            <Trans>Create rate limit</Trans>
          </Button>
        )
      }
    >
      {query.error && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending ? (
        <Skeleton lines={5} height={240} />
      ) : (
        <Rows limits={rows} onEdit={setEdited} onRemove={setRemoved} />
      )}
      <More query={query} />
      {edited && (
        <EditDialog
          limit={edited === "new" ? undefined : edited}
          onClose={() => {
            setEdited(undefined);
          }}
        />
      )}
      {removed && (
        <DeleteDialog
          limit={removed}
          onClose={() => {
            setRemoved(undefined);
          }}
        />
      )}
    </Card>
  );
}

interface RowsProps {
  limits: RateLimit[];
  onEdit: (limit: RateLimit) => void;
  onRemove: (limit: RateLimit) => void;
}

function Rows({ limits, onEdit, onRemove }: RowsProps) {
  const { t } = useLingui();
  const format = useFormat();
  const names = useNames();
  const { administer } = useAllowed();
  return (
    <Table<RateLimit>
      label={t`Rate limits`}
      rows={limits}
      keyOf={({ rateLimitId }) => rateLimitId}
      empty={<Trans>No rate limits yet</Trans>}
      columns={[
        {
          title: t`Rate limit`,
          cell: ({ displayName, subject, eachSubject, rateLimitId }) => (
            <span className="model-name">
              <span>{displayName || names.subject(subject, eachSubject)}</span>
              <small>
                {displayName !== "" && `${names.subject(subject, eachSubject)} · `}
                {rateLimitId}
              </small>
            </span>
          ),
        },
        {
          title: t`Bounds`,
          cell: ({ bounds }) =>
            bounds
              .map(
                ({ amount, unit, period }) =>
                  `${format.count(amount)} ${names.units[unit] ?? ""} ${names.periods[period] ?? ""}`,
              )
              .join(", "),
        },
        {
          title: t`At the limit`,
          cell: ({ enforcement }) => <Badge>{names.enforcements[enforcement]}</Badge>,
        },
        ...(administer
          ? [
              {
                title: "",
                name: t`Actions`,
                cell: (limit: RateLimit) => (
                  <span className="row-actions">
                    <Button
                      kind="quiet"
                      aria-label={t`Edit ${limit.rateLimitId}`}
                      onClick={() => {
                        onEdit(limit);
                      }}
                    >
                      <Trans>Edit</Trans>
                    </Button>
                    <Button
                      kind="quiet"
                      aria-label={t`Delete ${limit.rateLimitId}`}
                      onClick={() => {
                        onRemove(limit);
                      }}
                    >
                      <Trans>Delete</Trans>
                    </Button>
                  </span>
                ),
              },
            ]
          : []),
      ]}
    />
  );
}

/** The three that are asked for by name. */
const BOUNDS = [
  { unit: LimitUnit.REQUESTS, period: LimitPeriod.SLIDING_MINUTE },
  { unit: LimitUnit.TOKENS, period: LimitPeriod.SLIDING_MINUTE },
  { unit: LimitUnit.REQUESTS, period: LimitPeriod.SLIDING_DAY },
] as const;

function EditDialog({ limit, onClose }: { limit: RateLimit | undefined; onClose: () => void }) {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const names = useNames();
  const isKnown = (unit: LimitUnit, period: LimitPeriod) =>
    BOUNDS.some((bound) => bound.unit === unit && bound.period === period);
  const [type, setType] = useState(limit?.subject?.type ?? SubjectType.API_KEY);
  const [id, setId] = useState(limit?.subject?.id ?? "");
  const [each, setEach] = useState(limit?.eachSubject ?? false);
  const [amounts, setAmounts] = useState(() =>
    BOUNDS.map(
      ({ unit, period }) =>
        limit?.bounds
          .find((bound) => bound.unit === unit && bound.period === period)
          ?.amount.toString() ?? "",
    ),
  );
  const after = {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  };
  const create = useMutation(QuotaService.method.createRateLimit, after);
  const update = useMutation(QuotaService.method.updateRateLimit, after);
  const save = limit ? update : create;
  const errors = violations(save.error);
  const labels = [t`Requests per minute`, t`Tokens per minute`, t`Requests per day`];
  return (
    <FormDialog
      title={limit ? <Trans>Edit rate limit</Trans> : <Trans>Create rate limit</Trans>}
      submit={<Trans>Save</Trans>}
      busy={save.isPending}
      error={save.error}
      onClose={onClose}
      onSubmit={() => {
        const typed = BOUNDS.flatMap((bound, at) => {
          const digits = (amounts[at] ?? "").replaceAll(/\D/g, "");
          return digits === "" ? [] : [{ ...bound, amount: BigInt(digits) }];
        });
        // Those of other kinds stay.
        const others = limit?.bounds.filter(({ unit, period }) => !isKnown(unit, period)) ?? [];
        const rateLimit = {
          rateLimitId: limit?.rateLimitId ?? "",
          subject: { type, id: each ? "" : id.trim() },
          eachSubject: each,
          bounds: [...typed, ...others],
          enforcement: limit?.enforcement ?? Enforcement.HARD,
        };
        if (limit) update.mutate({ workspaceId, rateLimit, updateMask: { paths: ["bounds"] } });
        else create.mutate({ workspaceId, rateLimit });
      }}
    >
      {!limit && (
        <>
          <div className="two">
            <Field label={<Trans>For</Trans>} error={errors.get("rate_limit.subject.type")}>
              {(props) => (
                <select
                  {...props}
                  value={type}
                  onChange={(event) => {
                    setType(Number(event.target.value));
                  }}
                >
                  {options(names.subjects, SUBJECTS)}
                </select>
              )}
            </Field>
            <TextField
              label={<Trans>Id</Trans>}
              error={errors.get("rate_limit.subject.id")}
              disabled={each || type === SubjectType.WORKSPACE}
              value={id}
              onChange={setId}
            />
          </div>
          {type !== SubjectType.WORKSPACE && (
            <label className="checks">
              <span>
                <input
                  type="checkbox"
                  checked={each}
                  onChange={(event) => {
                    setEach(event.target.checked);
                  }}
                />{" "}
                <Trans>The same for each of them</Trans>
              </span>
            </label>
          )}
        </>
      )}
      {labels.map((label, at) => (
        <Field
          key={label}
          label={label}
          error={at === 0 ? errors.get("rate_limit.bounds") : undefined}
        >
          {(props) => (
            <input
              {...props}
              inputMode="numeric"
              value={amounts[at]}
              onChange={(event) => {
                setAmounts(
                  amounts.map((amount, index) => (index === at ? event.target.value : amount)),
                );
              }}
            />
          )}
        </Field>
      ))}
    </FormDialog>
  );
}

function DeleteDialog({ limit, onClose }: { limit: RateLimit; onClose: () => void }) {
  const { workspaceId } = useThisWorkspace();
  const remove = useMutation(QuotaService.method.deleteRateLimit, {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  return (
    <Confirm
      title={<Trans>Delete rate limit</Trans>}
      submit={<Trans>Delete</Trans>}
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() => {
        remove.mutate({ workspaceId, rateLimitId: limit.rateLimitId });
      }}
    >
      <Trans>Its subjects may then send as many requests as the other limits allow.</Trans>
    </Confirm>
  );
}
