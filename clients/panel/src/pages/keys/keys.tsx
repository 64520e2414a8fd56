// API keys: whose they are, what they may, what they used.

import { useState } from "react";
import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { ApiKey } from "@stubs/api_key_service_pb.js";
import { ApiKeyService } from "@stubs/api_key_service_pb.js";

import { useFormat } from "../../app/format";
import { useParam } from "../../app/route";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Badge, Button, Card, Compact, Count, ErrorBox, MoneyText, Skeleton } from "../../ui/base";
import { More, useList } from "../../ui/pages";
import { useSettled } from "../../ui/settled";
import { Table } from "../../ui/table";
import { DeleteKeyDialog, KeyDialog } from "./key-dialog";
import { KeyUsageDialog } from "./key-usage";

interface Asked {
  what: "edit" | "usage" | "delete";
  key?: ApiKey;
}

export function Keys() {
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const { t } = useLingui();
  const [group, setGroup] = useParam("group");
  const [search, setSearch] = useParam("q");
  const wanted = useSettled(search);
  const [asked, setAsked] = useState<Asked | undefined>();
  const groups = useQuery(ApiKeyService.method.listKeyGroups, { workspaceId, pageSize: 1000 });
  const { query, rows } = useList(
    ApiKeyService.method.listApiKeys,
    { workspaceId, keyGroupId: group, query: wanted, pageSize: 100 },
    (page) => page.apiKeys,
  );
  const close = () => {
    setAsked(undefined);
  };
  return (
    <Card
      title={<Trans>API keys</Trans>}
      hint={<Trans>API keys by their ids. Their secrets are never stored here.</Trans>}
      aside={
        administer && (
          <Button
            onClick={() => {
              setAsked({ what: "edit" });
            }}
          >
            <Trans>Add key</Trans>
          </Button>
        )
      }
    >
      <div className="toolbar">
        <input
          type="search"
          aria-label={t`Search keys`}
          placeholder={t`Name or id`}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
          }}
        />
        <select
          aria-label={t`Group`}
          value={group}
          onChange={(event) => {
            setGroup(event.target.value);
          }}
        >
          <option value="">{t`All groups`}</option>
          {groups.data?.keyGroups.map(({ keyGroupId, displayName }) => (
            <option key={keyGroupId} value={keyGroupId}>
              {displayName || keyGroupId}
            </option>
          ))}
        </select>
      </div>
      {query.error && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending ? (
        <Skeleton lines={6} height={320} />
      ) : (
        <Rows keys={rows} onAsk={setAsked} />
      )}
      <More query={query} />
      {asked?.what === "edit" && <KeyDialog apiKey={asked.key} onClose={close} />}
      {asked?.what === "usage" && asked.key && (
        <KeyUsageDialog apiKey={asked.key} onClose={close} />
      )}
      {asked?.what === "delete" && asked.key && (
        <DeleteKeyDialog apiKey={asked.key} onClose={close} />
      )}
    </Card>
  );
}

function Rows({ keys, onAsk }: { keys: ApiKey[]; onAsk: (asked: Asked) => void }) {
  const { t } = useLingui();
  const format = useFormat();
  const { administer } = useAllowed();
  return (
    <Table<ApiKey>
      label={t`API keys`}
      rows={keys}
      keyOf={({ apiKeyId }) => apiKeyId}
      empty={<Trans>No keys yet</Trans>}
      rowClass={({ disabled }) => (disabled ? "dim" : "")}
      columns={[
        { title: t`Key`, cell: (key) => <Name apiKey={key} /> },
        { title: t`Group`, cell: ({ keyGroupId }) => keyGroupId || "–" },
        {
          title: t`Models`,
          cell: ({ allowedModelIds }) =>
            allowedModelIds.length === 0 ? t`all` : allowedModelIds.join(", "),
        },
        { title: t`Expires`, cell: ({ expireTime }) => format.date(expireTime) || t`never` },
        {
          title: t`Last use`,
          cell: ({ lastUseTime }) => (
            <span title={format.dateTime(lastUseTime)}>
              {format.relative(lastUseTime) || t`never`}
            </span>
          ),
        },
        {
          title: t`Tokens in this cycle`,
          number: true,
          cell: ({ cycleUsage }) => <Compact value={cycleUsage?.tokenCount ?? 0n} />,
        },
        {
          title: t`Requests`,
          number: true,
          cell: ({ cycleUsage }) => <Count value={cycleUsage?.requestCount ?? 0n} />,
        },
        {
          title: t`Cost`,
          number: true,
          cell: ({ cycleUsage }) => <MoneyText money={cycleUsage?.cost} />,
        },
        {
          title: "",
          name: t`Actions`,
          cell: (key) => (
            <span className="row-actions">
              <Button
                kind="quiet"
                aria-label={t`Usage of ${key.apiKeyId}`}
                onClick={() => {
                  onAsk({ what: "usage", key });
                }}
              >
                <Trans>Usage</Trans>
              </Button>
              {administer && (
                <>
                  <Button
                    kind="quiet"
                    aria-label={t`Edit ${key.apiKeyId}`}
                    onClick={() => {
                      onAsk({ what: "edit", key });
                    }}
                  >
                    <Trans>Edit</Trans>
                  </Button>
                  <Button
                    kind="quiet"
                    aria-label={t`Delete ${key.apiKeyId}`}
                    onClick={() => {
                      onAsk({ what: "delete", key });
                    }}
                  >
                    <Trans>Delete</Trans>
                  </Button>
                </>
              )}
            </span>
          ),
        },
      ]}
    />
  );
}

function Name({ apiKey }: { apiKey: ApiKey }) {
  return (
    <span className="model-name">
      <span>{apiKey.displayName || apiKey.apiKeyId}</span>
      {apiKey.disabled && (
        <Badge kind="bad">
          <Trans>blocked</Trans>
        </Badge>
      )}
      {apiKey.displayName !== "" && <small>{apiKey.apiKeyId}</small>}
    </span>
  );
}
