// What was sent to receivers, and what became of it.

import { useMutation } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Delivery } from "@stubs/alert_service_pb.js";
import { AlertService, DeliveryState } from "@stubs/alert_service_pb.js";

import { queries } from "../../app/api";
import { useFormat } from "../../app/format";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Badge, Button, Card, Count, ErrorBox, Skeleton } from "../../ui/base";
import { More, useList } from "../../ui/pages";
import { Table } from "../../ui/table";

export function Deliveries() {
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const { t } = useLingui();
  const format = useFormat();
  const { query, rows } = useList(
    AlertService.method.listDeliveries,
    { workspaceId, pageSize: 50 },
    (page) => page.deliveries,
  );
  const repeat = useMutation(AlertService.method.repeatDelivery, {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  });
  const kinds = { [DeliveryState.DELIVERED]: "good", [DeliveryState.DEAD]: "bad" } as const;
  const names = {
    [DeliveryState.UNSPECIFIED]: "",
    [DeliveryState.PENDING]: t`pending`,
    [DeliveryState.DELIVERED]: t`delivered`,
    [DeliveryState.DEAD]: t`given up`,
  };
  const kindOf = (state: DeliveryState) =>
    state in kinds ? kinds[state as keyof typeof kinds] : "neutral";
  return (
    <Card title={<Trans>Deliveries</Trans>}>
      {(query.error ?? repeat.error) && <ErrorBox error={query.error ?? repeat.error} />}
      {query.isPending ? (
        <Skeleton lines={5} height={240} />
      ) : (
        <Table<Delivery>
          label={t`Deliveries`}
          rows={rows}
          keyOf={({ deliveryId }) => deliveryId}
          empty={<Trans>Nothing was delivered yet</Trans>}
          columns={[
            { title: t`Alert`, cell: ({ alertId }) => `#${alertId.toString()}` },
            {
              title: t`Receiver`,
              cell: ({ webhookId, emailReceiverId }) => (
                <span className="mono">{webhookId || emailReceiverId}</span>
              ),
            },
            {
              title: t`State`,
              cell: ({ state, lastError }) => (
                <span className="model-name">
                  <span>
                    <Badge kind={kindOf(state)}>{names[state]}</Badge>
                  </span>
                  {lastError !== "" && <small>{lastError}</small>}
                </span>
              ),
            },
            {
              title: t`Attempts`,
              number: true,
              cell: ({ attemptCount }) => <Count value={attemptCount} />,
            },
            { title: t`Time`, cell: ({ createTime }) => format.dateTime(createTime) },
            ...(administer
              ? [
                  {
                    title: "",
                    name: t`Actions`,
                    cell: ({ deliveryId, state }: Delivery) =>
                      state !== DeliveryState.PENDING && (
                        <Button
                          kind="quiet"
                          busy={repeat.isPending}
                          onClick={() => {
                            repeat.mutate({ workspaceId, deliveryId });
                          }}
                        >
                          <Trans>Repeat</Trans>
                        </Button>
                      ),
                  },
                ]
              : []),
          ]}
        />
      )}
      <More query={query} />
    </Card>
  );
}
