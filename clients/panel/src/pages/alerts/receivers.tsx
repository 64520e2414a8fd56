// Receivers of alerts: webhooks and e-mail addresses.

import { useState } from "react";
import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import { AccessService } from "@stubs/access_service_pb.js";
import type { AlertType, EmailReceiver, Webhook } from "@stubs/alert_service_pb.js";
import { AlertService } from "@stubs/alert_service_pb.js";

import { queries, violations } from "../../app/api";
import { useFormat } from "../../app/format";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Badge, Button, Card, ErrorBox, Loaded, TextField } from "../../ui/base";
import { Checks } from "../../ui/checks";
import { Confirm } from "../../ui/confirm";
import { Dialog, FormDialog } from "../../ui/dialog";
import { CopyButton } from "../../ui/grpcurl";
import { Table } from "../../ui/table";
import { useTypeNames } from "./types";
import { WebhookTest } from "./webhook-test";

function useTypesText() {
  const { t } = useLingui();
  const names = useTypeNames();
  return (types: AlertType[]) =>
    types.length === 0 ? t`all` : types.map((type) => names[type]).join(", ");
}

const refresh = {
  onSuccess: () => {
    void queries.invalidateQueries();
  },
};

type Asked = { what: "create" } | { what: "rotate" | "delete" | "test"; webhook: Webhook };

export function Webhooks() {
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const { t } = useLingui();
  const typesText = useTypesText();
  const [asked, setAsked] = useState<Asked | undefined>();
  const [secret, setSecret] = useState<string | undefined>();
  const list = useQuery(AlertService.method.listWebhooks, { workspaceId, pageSize: 1000 });
  const update = useMutation(AlertService.method.updateWebhook, refresh);
  const close = () => {
    setAsked(undefined);
  };
  const toggle = (webhook: Webhook) => {
    const changed = { webhookId: webhook.webhookId, disabled: !webhook.disabled };
    update.mutate({ workspaceId, webhook: changed, updateMask: { paths: ["disabled"] } });
  };
  return (
    <Card
      title={<Trans>Webhooks</Trans>}
      hint={<Trans>Each delivery is signed with the secret of its webhook.</Trans>}
      aside={
        administer && (
          <Button
            onClick={() => {
              setAsked({ what: "create" });
            }}
          >
            <Trans>Add webhook</Trans>
          </Button>
        )
      }
    >
      {update.error && <ErrorBox error={update.error} />}
      <Loaded query={list} lines={3} height={140}>
        {({ webhooks }) => (
          <Table<Webhook>
            label={t`Webhooks`}
            rows={webhooks}
            keyOf={({ webhookId }) => webhookId}
            empty={<Trans>No webhooks yet</Trans>}
            columns={[
              {
                title: t`Webhook`,
                cell: ({ displayName, url, disabled }) => (
                  <span className="model-name">
                    <span>{displayName || url}</span>
                    {disabled && (
                      <Badge kind="warn">
                        <Trans>switched off</Trans>
                      </Badge>
                    )}
                    {displayName !== "" && <small>{url}</small>}
                  </span>
                ),
              },
              { title: t`Alerts`, cell: ({ types }) => typesText(types) },
              ...(administer
                ? [
                    {
                      title: "",
                      name: t`Actions`,
                      cell: (webhook: Webhook) => (
                        <span className="row-actions">
                          <Button
                            kind="quiet"
                            onClick={() => {
                              toggle(webhook);
                            }}
                          >
                            {webhook.disabled ? (
                              <Trans>Switch on</Trans>
                            ) : (
                              <Trans>Switch off</Trans>
                            )}
                          </Button>
                          <Button
                            kind="quiet"
                            onClick={() => {
                              setAsked({ what: "test", webhook });
                            }}
                          >
                            <Trans>Test</Trans>
                          </Button>
                          <Button
                            kind="quiet"
                            onClick={() => {
                              setAsked({ what: "rotate", webhook });
                            }}
                          >
                            <Trans>Rotate secret</Trans>
                          </Button>
                          <Button
                            kind="quiet"
                            onClick={() => {
                              setAsked({ what: "delete", webhook });
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
        )}
      </Loaded>
      {asked?.what === "create" && <CreateWebhook onClose={close} onSecret={setSecret} />}
      {asked?.what === "test" && <WebhookTest webhook={asked.webhook} onClose={close} />}
      {asked?.what === "rotate" && (
        <RotateSecret webhook={asked.webhook} onClose={close} onSecret={setSecret} />
      )}
      {asked?.what === "delete" && <DeleteWebhook webhook={asked.webhook} onClose={close} />}
      {secret !== undefined && (
        <Secret
          secret={secret}
          onClose={() => {
            setSecret(undefined);
          }}
        />
      )}
    </Card>
  );
}

interface SecretProps {
  onClose: () => void;
  onSecret: (secret: string) => void;
}

function CreateWebhook({ onClose, onSecret }: SecretProps) {
  const { workspaceId } = useThisWorkspace();
  const names = useTypeNames();
  const [url, setUrl] = useState("");
  const [name, setName] = useState("");
  const [types, setTypes] = useState<ReadonlySet<number>>(new Set());
  const create = useMutation(AlertService.method.createWebhook, {
    onSuccess: ({ secret }) => {
      void queries.invalidateQueries();
      onClose();
      onSecret(secret);
    },
  });
  const errors = violations(create.error);
  return (
    <FormDialog
      title={<Trans>Add webhook</Trans>}
      submit={<Trans>Add webhook</Trans>}
      busy={create.isPending}
      error={create.error}
      onClose={onClose}
      onSubmit={() => {
        create.mutate({ workspaceId, webhook: { url, displayName: name, types: [...types] } });
      }}
    >
      <TextField
        label={<Trans>Address</Trans>}
        hint={<Trans>https, of a public host</Trans>}
        error={errors.get("webhook.url")}
        type="url"
        value={url}
        onChange={setUrl}
      />
      <TextField
        label={<Trans>Name</Trans>}
        error={errors.get("webhook.display_name")}
        value={name}
        onChange={setName}
      />
      <Checks
        legend={<Trans>Alerts; none for all</Trans>}
        entries={Object.entries(names).map(([type, title]) => [Number(type), title] as const)}
        chosen={types}
        onChange={setTypes}
      />
    </FormDialog>
  );
}

function RotateSecret({ webhook, onClose, onSecret }: SecretProps & { webhook: Webhook }) {
  const { workspaceId } = useThisWorkspace();
  const rotate = useMutation(AlertService.method.rotateWebhookSecret, {
    onSuccess: ({ secret }) => {
      onClose();
      onSecret(secret);
    },
  });
  return (
    <Confirm
      title={<Trans>Rotate secret</Trans>}
      submit={<Trans>Rotate secret</Trans>}
      busy={rotate.isPending}
      error={rotate.error}
      onClose={onClose}
      onConfirm={() => {
        rotate.mutate({ workspaceId, webhookId: webhook.webhookId });
      }}
    >
      <Trans>Deliveries are signed with a new secret from now on. It is shown once.</Trans>
    </Confirm>
  );
}

function DeleteWebhook({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const { workspaceId } = useThisWorkspace();
  const remove = useMutation(AlertService.method.deleteWebhook, {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  return (
    <Confirm
      title={<Trans>Delete webhook</Trans>}
      submit={<Trans>Delete</Trans>}
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() => {
        remove.mutate({ workspaceId, webhookId: webhook.webhookId });
      }}
    >
      <Trans>Alerts are no longer delivered to {webhook.url}.</Trans>
    </Confirm>
  );
}

function Secret({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Dialog title={<Trans>Secret of the webhook</Trans>} onClose={onClose}>
      <div className="dialog-form">
        <p>
          <Trans>It is shown this once. Keep it where the receiver checks signatures.</Trans>
        </p>
        <div className="secret">
          <code>{secret}</code>
          <CopyButton text={() => secret}>
            <Trans>Copy</Trans>
          </CopyButton>
        </div>
      </div>
    </Dialog>
  );
}

export function Emails() {
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const { t } = useLingui();
  const format = useFormat();
  const typesText = useTypesText();
  const [address, setAddress] = useState("");
  const list = useQuery(AlertService.method.listEmailReceivers, { workspaceId, pageSize: 1000 });
  const create = useMutation(AlertService.method.createEmailReceiver, {
    onSuccess: () => {
      setAddress("");
      void queries.invalidateQueries();
    },
  });
  const remove = useMutation(AlertService.method.deleteEmailReceiver, refresh);
  const info = useQuery(AccessService.method.getServerInfo, {}, { staleTime: Infinity });
  const isMissing = info.data?.smtpConfigured === false;
  return (
    <Card title={<Trans>Mail</Trans>}>
      {administer && (
        <form
          className="toolbar"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            create.mutate({ workspaceId, emailReceiver: { address } });
          }}
        >
          <TextField
            label={<Trans>Address</Trans>}
            error={violations(create.error).get("email_receiver.address")}
            type="email"
            disabled={isMissing}
            value={address}
            onChange={setAddress}
          />
          <Button type="submit" busy={create.isPending} disabled={address === "" || isMissing}>
            <Trans>Add address</Trans>
          </Button>
        </form>
      )}
      {isMissing && (
        <p className="notice warn">
          <Trans>This server has no SMTP server: it cannot send mail.</Trans>
        </p>
      )}
      {(create.error ?? remove.error) && <ErrorBox error={create.error ?? remove.error} />}
      <Loaded query={list} lines={2} height={100}>
        {({ emailReceivers }) => (
          <Table<EmailReceiver>
            label={t`Addresses`}
            rows={emailReceivers}
            keyOf={({ emailReceiverId }) => emailReceiverId}
            empty={<Trans>No addresses yet</Trans>}
            columns={[
              { title: t`Address`, cell: ({ address }) => address },
              { title: t`Alerts`, cell: ({ types }) => typesText(types) },
              { title: t`Since`, cell: ({ createTime }) => format.date(createTime) },
              ...(administer
                ? [
                    {
                      title: "",
                      name: t`Actions`,
                      cell: ({ emailReceiverId, address }: EmailReceiver) => (
                        <Button
                          kind="quiet"
                          aria-label={t`Delete ${address}`}
                          busy={remove.isPending}
                          onClick={() => {
                            remove.mutate({ workspaceId, emailReceiverId });
                          }}
                        >
                          <Trans>Delete</Trans>
                        </Button>
                      ),
                    },
                  ]
                : []),
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}
