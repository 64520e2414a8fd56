// The last blocked and routed requests, and why.

import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Refusal } from "@stubs/usage_service_pb.js";
import { Decision, Reason, UsageService } from "@stubs/usage_service_pb.js";

import { useFormat } from "../../app/format";
import { entryOf, useParam } from "../../app/route";
import { useThisWorkspace } from "../../app/workspace";
import { Badge, Card, Loaded } from "../../ui/base";
import { Select } from "../../ui/select";
import { useSettled } from "../../ui/settled";
import { Table } from "../../ui/table";

const DECISIONS: Record<string, Decision> = {
  blocked: Decision.BLOCKED,
  routed: Decision.ROUTED,
};

export function Refusals() {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const format = useFormat();
  const [which, setWhich] = useParam("decision");
  const [user, setUser] = useParam("user");
  const userId = useSettled(user.trim());
  const decision = entryOf(DECISIONS, which) ?? Decision.UNSPECIFIED;
  const refusals = useQuery(
    UsageService.method.listRefusals,
    { workspaceId, decision, userId, pageSize: 20 },
    { refetchInterval: 3_000 },
  );
  const kept = format.dateTime(refusals.data?.keptFromTime);
  return (
    <Card
      title={<Trans>Blocked and routed requests</Trans>}
      hint={
        kept === "" ? (
          <Trans>The latest first.</Trans>
        ) : (
          <Trans>The latest first; kept since {kept}.</Trans>
        )
      }
    >
      <div className="toolbar">
        <input
          type="search"
          aria-label={t`User`}
          placeholder={t`Id of a user`}
          value={user}
          onChange={(event) => {
            setUser(event.target.value);
          }}
        />
        <Select
          label={t`Decision`}
          value={which}
          names={{ "": t`Blocked and routed`, blocked: t`Blocked`, routed: t`Routed` }}
          onChange={setWhich}
        />
      </div>
      <Loaded query={refusals} lines={5} height={260}>
        {(page) => <Rows refusals={page.refusals} />}
      </Loaded>
    </Card>
  );
}

function Rows({ refusals }: { refusals: Refusal[] }) {
  const { t } = useLingui();
  const format = useFormat();
  return (
    <Table<Refusal>
      label={t`Blocked and routed requests`}
      rows={refusals}
      keyOf={({ requestId, time }) =>
        `${requestId} ${time?.seconds.toString() ?? ""}.${time?.nanos.toString() ?? ""}`
      }
      empty={<Trans>Nothing was blocked or routed</Trans>}
      columns={[
        {
          title: t`Time`,
          cell: ({ time }) => (
            <span className="number" title={format.dateTime(time)}>
              {format.time(time)}
            </span>
          ),
        },
        { title: t`User`, cell: ({ attribution }) => attribution?.userId || "–" },
        {
          title: t`Request`,
          cell: ({ decision, requestedModelId, modelId }) => (
            <span className="model-name">
              <span>
                {decision === Decision.ROUTED
                  ? `${requestedModelId} → ${modelId}`
                  : requestedModelId}
              </span>
              {decision === Decision.ROUTED ? (
                <Badge>
                  <Trans>Routed</Trans>
                </Badge>
              ) : (
                <Badge kind="bad">
                  <Trans>Blocked</Trans>
                </Badge>
              )}
            </span>
          ),
        },
        { title: t`Why`, cell: (refusal) => <Why refusal={refusal} /> },
      ]}
    />
  );
}

/** Each limit that was in the way, in the words of the server; the code of the reason is for those
 *  who look it up. */
function Why({ refusal }: { refusal: Refusal }) {
  const blocking = refusal.verdicts.filter(({ blocking }) => blocking);
  const shown = blocking.length > 0 ? blocking : refusal.verdicts.slice(0, 1);
  const code = <span className="mono">{Reason[refusal.reason]}</span>;
  if (shown.length === 0) {
    return <span className="why">{code}</span>;
  }
  return (
    <span className="why">
      {shown.map(({ message, hint }, index) => (
        <span key={index}>
          <span>{message || Reason[refusal.reason]}</span>
          <small className="hint">
            {hint} {index === 0 && code}
          </small>
        </span>
      ))}
    </span>
  );
}
