// Registers, changes or deletes a key.

import { useState } from "react";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { ApiKey } from "@stubs/api_key_service_pb.js";
import { ApiKeyService } from "@stubs/api_key_service_pb.js";

import { queries, violations } from "../../app/api";
import { useThisWorkspace } from "../../app/workspace";
import { Field, TextField } from "../../ui/base";
import { Confirm } from "../../ui/confirm";
import { FormDialog } from "../../ui/dialog";
import { localDate, localMidnight } from "../../ui/zone";

export function KeyDialog({
  apiKey,
  onClose,
}: {
  apiKey: ApiKey | undefined;
  onClose: () => void;
}) {
  const { workspaceId, timeZone } = useThisWorkspace();
  const { t } = useLingui();
  const groups = useQuery(ApiKeyService.method.listKeyGroups, { workspaceId, pageSize: 1000 });
  const last = apiKey?.expireTime && new Date(timestampDate(apiKey.expireTime).getTime() - 1);
  const [id, setId] = useState(apiKey?.apiKeyId ?? "");
  const [name, setName] = useState(apiKey?.displayName ?? "");
  const [group, setGroup] = useState(apiKey?.keyGroupId ?? "");
  const [models, setModels] = useState((apiKey?.allowedModelIds ?? []).join(", "));
  const [until, setUntil] = useState(last ? localDate(last, timeZone) : "");
  const [disabled, setDisabled] = useState(apiKey?.disabled ?? false);
  const after = {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  };
  const register = useMutation(ApiKeyService.method.registerApiKey, after);
  const update = useMutation(ApiKeyService.method.updateApiKey, after);
  const save = apiKey ? update : register;
  const errors = violations(save.error);
  return (
    <FormDialog
      title={apiKey ? <Trans>Edit key</Trans> : <Trans>Add key</Trans>}
      submit={<Trans>Save</Trans>}
      busy={save.isPending}
      error={save.error}
      disabled={id === ""}
      onClose={onClose}
      onSubmit={() => {
        const changed = {
          apiKeyId: id,
          displayName: name,
          keyGroupId: group,
          allowedModelIds: models.split(/[\s,]+/).filter((model) => model !== ""),
          disabled,
          ...(until !== "" && { expireTime: timestampFromDate(localMidnight(until, timeZone, 1)) }),
        };
        if (!apiKey) register.mutate({ workspaceId, apiKey: changed });
        else update.mutate({ workspaceId, apiKey: changed, updateMask: { paths: ["*"] } });
      }}
    >
      <TextField
        label={<Trans>Id</Trans>}
        hint={<Trans>As services send it; never the secret.</Trans>}
        error={errors.get("api_key.api_key_id")}
        disabled={apiKey !== undefined}
        value={id}
        onChange={setId}
      />
      <TextField
        label={<Trans>Name</Trans>}
        error={errors.get("api_key.display_name")}
        value={name}
        onChange={setName}
      />
      <div className="two">
        <Field label={<Trans>Group</Trans>} error={errors.get("api_key.key_group_id")}>
          {(props) => (
            <select
              {...props}
              value={group}
              onChange={(event) => {
                setGroup(event.target.value);
              }}
            >
              <option value="">{t`none`}</option>
              {groups.data?.keyGroups.map(({ keyGroupId, displayName }) => (
                <option key={keyGroupId} value={keyGroupId}>
                  {displayName || keyGroupId}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField
          label={<Trans>Last day</Trans>}
          hint={<Trans>Empty for ever</Trans>}
          error={errors.get("api_key.expire_time")}
          type="date"
          value={until}
          onChange={setUntil}
        />
      </div>
      <TextField
        label={<Trans>Allowed models</Trans>}
        hint={<Trans>Ids with commas between; empty for all</Trans>}
        error={errors.get("api_key.allowed_model_ids")}
        value={models}
        onChange={setModels}
      />
      <label className="checks">
        <span>
          <input
            type="checkbox"
            checked={disabled}
            onChange={(event) => {
              setDisabled(event.target.checked);
            }}
          />{" "}
          <Trans>Block this key</Trans>
        </span>
      </label>
    </FormDialog>
  );
}

export function DeleteKeyDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const { workspaceId } = useThisWorkspace();
  const { apiKeyId } = apiKey;
  const remove = useMutation(ApiKeyService.method.deleteApiKey, {
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  return (
    <Confirm
      title={<Trans>Delete key</Trans>}
      submit={<Trans>Delete</Trans>}
      word={apiKeyId}
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() => {
        remove.mutate({ workspaceId, apiKeyId });
      }}
    >
      <Trans>It is then a key that is not registered. Its usage stays in the reports.</Trans>
    </Confirm>
  );
}
