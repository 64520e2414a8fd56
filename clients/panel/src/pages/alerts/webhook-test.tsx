// Sends a signed test to a webhook, and says what came back.

import { useMutation } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Webhook } from "@stubs/alert_service_pb.js";
import { AlertService } from "@stubs/alert_service_pb.js";

import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Button, Outcome } from "../../ui/base";
import { Dialog } from "../../ui/dialog";

export function WebhookTest({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const format = useFormat();
  const { webhookId } = webhook;
  const send = useMutation(AlertService.method.testWebhook);
  const { data } = send;
  const took = format.duration(data?.latency);
  const status = data && data.httpStatus > 0 ? String(data.httpStatus) : "–";
  return (
    <Dialog title={<Trans>Test of the webhook</Trans>} onClose={onClose}>
      <div className="dialog-form">
        <p>
          <Trans>A test alert is signed and sent to {webhook.url}, once.</Trans>
        </p>
        {data && !data.delivered && (
          <p className="notice bad" role="alert">
            {data.error}
          </p>
        )}
        {data && (
          <dl className="facts">
            <dt>
              <Trans>HTTP status</Trans>
            </dt>
            <dd>{status}</dd>
            <dt>
              <Trans>Time</Trans>
            </dt>
            <dd>{took}</dd>
          </dl>
        )}
        <Outcome error={send.error} done={data?.delivered === true ? t`Delivered` : undefined} />
        <footer>
          <Button
            kind="primary"
            busy={send.isPending}
            onClick={() => {
              send.mutate({ workspaceId, webhookId });
            }}
          >
            <Trans>Send test</Trans>
          </Button>
        </footer>
      </div>
    </Dialog>
  );
}
