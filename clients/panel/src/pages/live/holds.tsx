// What requests in flight have set aside. A hold that hangs can be given back.

import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Hold } from "@stubs/usage_service_pb.js";
import { HoldState, UsageService } from "@stubs/usage_service_pb.js";

import { queries } from "../../app/api";
import { useFormat } from "../../app/format";
import { useParam } from "../../app/route";
import { useAllowed, useThisWorkspace } from "../../app/workspace";
import { Button, Card, ErrorBox, Loaded, MoneyText } from "../../ui/base";
import { Select } from "../../ui/select";
import { Table } from "../../ui/table";

export function Holds() {
  const { workspaceId } = useThisWorkspace();
  const { administer } = useAllowed();
  const { t } = useLingui();
  const format = useFormat();
  const [which, setWhich] = useParam("holds", "live");
  const state = which === "expired" ? HoldState.EXPIRED : HoldState.LIVE;
  const holds = useQuery(
    UsageService.method.listHolds,
    { workspaceId, state, pageSize: 50 },
    { refetchInterval: 3_000 },
  );
  const release = useMutation(UsageService.method.releaseHold, {
    onSuccess: () => {
      void queries.invalidateQueries();
    },
  });
  const expired = format.count(holds.data?.expiredCount ?? 0n);
  return (
    <Card
      title={<Trans>Requests in flight</Trans>}
      hint={<Trans>{expired} holds have expired unsettled so far.</Trans>}
      aside={
        <Select
          label={t`Which holds`}
          value={which}
          names={{ live: t`In flight`, expired: t`Expired` }}
          onChange={setWhich}
        />
      }
    >
      {release.error && <ErrorBox error={release.error} />}
      <Loaded query={holds} lines={3} height={140}>
        {(page) => (
          <Table<Hold>
            label={t`Requests in flight`}
            rows={page.holds}
            keyOf={({ requestId }) => requestId}
            empty={<Trans>Nothing is held</Trans>}
            columns={[
              {
                title: t`Request`,
                cell: ({ requestId }) => <span className="mono">{requestId}</span>,
              },
              { title: t`Model`, cell: ({ modelId }) => modelId },
              { title: t`User`, cell: ({ attribution }) => attribution?.userId || "–" },
              { title: t`Since`, cell: ({ createTime }) => format.time(createTime) },
              { title: t`Expires`, cell: ({ expireTime }) => format.time(expireTime) },
              { title: t`Held`, number: true, cell: ({ held }) => <MoneyText money={held} /> },
              ...(administer && which === "live"
                ? [
                    {
                      title: "",
                      name: t`Actions`,
                      cell: ({ requestId }: Hold) => (
                        <Button
                          kind="quiet"
                          aria-label={t`Release ${requestId}`}
                          busy={release.isPending}
                          onClick={() => {
                            release.mutate({ workspaceId, requestId });
                          }}
                        >
                          <Trans>Release</Trans>
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
