// Key groups: several keys with one quota.

import { useState } from "react";
import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { KeyGroup } from "@stubs/api_key_service_pb.js";
import { ApiKeyService } from "@stubs/api_key_service_pb.js";
import { Enforcement, LimitPeriod, LimitUnit, SubjectType } from "@stubs/common_pb.js";
import { QuotaService } from "@stubs/quota_service_pb.js";

import { callOnce, queries } from "../../app/api";
import { useFormat } from "../../app/format";
import { navigate, pathOf } from "../../app/route";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { AmountInput, parseAmount } from "../../ui/amount";
import { Button, Card, Count, Field, Loaded, TextField } from "../../ui/base";
import { Checks } from "../../ui/checks";
import { Confirm } from "../../ui/confirm";
import { FormDialog } from "../../ui/dialog";
import { options, useNames } from "../../ui/subject";
import { Table } from "../../ui/table";

const PERIODS = [
  LimitPeriod.DAY,
  LimitPeriod.WEEK,
  LimitPeriod.MONTH,
  LimitPeriod.CYCLE,
  LimitPeriod.UNTIL_RESET,
];

export function Groups() {
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const { t } = useLingui();
  const [creating, setCreating] = useState(false);
  const [removing, setRemoving] = useState<KeyGroup | undefined>();
  const groups = useQuery(ApiKeyService.method.listKeyGroups, { workspaceId, pageSize: 1000 });
  return (
    <Card
      title={<Trans>Groups</Trans>}
      hint={<Trans>Keys of a team or project that share one quota.</Trans>}
      aside={
        administer && (
          <Button
            onClick={() => {
              setCreating(true);
            }}
          >
            <Trans>Create Group</Trans>
          </Button>
        )
      }
    >
      <Loaded query={groups} lines={5} height={240}>
        {({ keyGroups }) => (
          <Table<KeyGroup>
            label={t`Groups`}
            rows={keyGroups}
            keyOf={({ keyGroupId }) => keyGroupId}
            empty={<Trans>No groups yet</Trans>}
            columns={[
              {
                title: t`Group`,
                cell: ({ keyGroupId, displayName }) => (
                  <span className="model-name">
                    <span>{displayName || keyGroupId}</span>
                    {displayName !== "" && <small>{keyGroupId}</small>}
                  </span>
                ),
              },
              { title: t`Keys`, number: true, cell: ({ keyCount }) => <Count value={keyCount} /> },
              {
                title: "",
                name: t`Actions`,
                cell: (group) => (
                  <span className="row-actions">
                    <Button
                      kind="quiet"
                      aria-label={t`Keys of ${group.keyGroupId}`}
                      onClick={() => {
                        navigate(
                          `${pathOf(workspaceId, "keys")}?view=keys&group=${encodeURIComponent(group.keyGroupId)}`,
                        );
                      }}
                    >
                      <Trans>Keys</Trans>
                    </Button>
                    {administer && (
                      <Button
                        kind="quiet"
                        aria-label={t`Delete ${group.keyGroupId}`}
                        onClick={() => {
                          setRemoving(group);
                        }}
                      >
                        <Trans>Delete</Trans>
                      </Button>
                    )}
                  </span>
                ),
              },
            ]}
          />
        )}
      </Loaded>
      {creating && (
        <CreateDialog
          onClose={() => {
            setCreating(false);
          }}
        />
      )}
      {removing && (
        <DeleteDialog
          group={removing}
          onClose={() => {
            setRemoving(undefined);
          }}
        />
      )}
    </Card>
  );
}

/** The group, its shared quota, and its keys: one after the other, each safe to repeat. */
function CreateDialog({ onClose }: { onClose: () => void }) {
  const { workspaceId, currencyCode } = useThisWorkspace();
  const { locale } = useFormat();
  const names = useNames();
  const keys = useQuery(ApiKeyService.method.listApiKeys, { workspaceId, pageSize: 1000 });
  const [name, setName] = useState("");
  const [limit, setLimit] = useState("");
  const [period, setPeriod] = useState(LimitPeriod.MONTH);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const id = name
    .trim()
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  const create = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const keyGroup = { keyGroupId: id, displayName: name.trim() };
      await callOnce(ApiKeyService.method.createKeyGroup, { workspaceId, keyGroup });
      if (limit !== "") {
        const quota = {
          quotaId: `group-${id}`,
          displayName: name.trim(),
          subject: { type: SubjectType.KEY_GROUP, id },
          unit: LimitUnit.MONEY,
          limit: { currencyCode, amount: parseAmount(limit, locale) ?? limit },
          period,
          enforcement: Enforcement.HARD,
        };
        await callOnce(QuotaService.method.createQuota, { workspaceId, quota });
      }
      for (const apiKeyId of chosen) {
        const apiKey = { apiKeyId, keyGroupId: id };
        const updateMask = { paths: ["key_group_id"] };
        await callOnce(ApiKeyService.method.updateApiKey, { workspaceId, apiKey, updateMask });
      }
      await queries.invalidateQueries();
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <FormDialog
      title={<Trans>Create Group</Trans>}
      submit={<Trans>Create Group</Trans>}
      busy={busy}
      error={error}
      disabled={id === ""}
      onSubmit={() => void create()}
      onClose={onClose}
    >
      <TextField
        label={<Trans>Group name</Trans>}
        hint={id === "" ? undefined : <Trans>Its id is {id}</Trans>}
        value={name}
        onChange={setName}
      />
      <div className="two">
        <Field label={<Trans>Shared quota</Trans>} hint={<Trans>Empty for none</Trans>}>
          {(props) => (
            <AmountInput {...props} currency={currencyCode} value={limit} onChange={setLimit} />
          )}
        </Field>
        <Field label={<Trans>Resets</Trans>}>
          {(props) => (
            <select
              {...props}
              value={period}
              onChange={(event) => {
                setPeriod(Number(event.target.value));
              }}
            >
              {options(names.periods, PERIODS)}
            </select>
          )}
        </Field>
      </div>
      <Checks
        legend={<Trans>API keys in the group</Trans>}
        entries={(keys.data?.apiKeys ?? []).map(
          ({ apiKeyId, displayName }) => [apiKeyId, displayName || apiKeyId] as const,
        )}
        chosen={chosen}
        onChange={setChosen}
        empty={keys.data && <Trans>No keys yet</Trans>}
      />
    </FormDialog>
  );
}

function DeleteDialog({ group, onClose }: { group: KeyGroup; onClose: () => void }) {
  const { workspaceId } = useThisWorkspace();
  const remove = useMutation(ApiKeyService.method.deleteKeyGroup, {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  return (
    <Confirm
      title={<Trans>Delete group</Trans>}
      submit={<Trans>Delete</Trans>}
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() => {
        remove.mutate({ workspaceId, keyGroupId: group.keyGroupId });
      }}
    >
      <Trans>A group can be deleted once no key and no limit is of it.</Trans>
    </Confirm>
  );
}
