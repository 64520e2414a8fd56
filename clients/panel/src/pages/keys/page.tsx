// "Quotas & keys": caps of users, departments and keys, how far they are used, and the keys.

import { useLingui } from "@lingui/react/macro";

import { ApiKeyService } from "@stubs/api_key_service_pb.js";
import { QuotaService } from "@stubs/quota_service_pb.js";

import { entryOf, useParam } from "../../app/route";
import { useThisWorkspace } from "../../app/workspace";
import { Button } from "../../ui/base";
import { callOf } from "../../ui/grpcurl";
import { PageHead } from "../../ui/page";
import { Groups } from "./groups";
import { Keys } from "./keys";
import { Quotas } from "./quotas";
import { RateLimits } from "./rate-limits";
import { RateUsage } from "./rate-usage";
import { Utilisation } from "./utilisation";

export default function KeysPage() {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const [view, setView] = useParam("view", "use");
  const views: Record<string, [string, React.ReactNode]> = {
    use: [t`Utilisation`, <Utilisation key="use" />],
    quotas: [t`Quotas`, <Quotas key="quotas" />],
    keys: [t`API keys`, <Keys key="keys" />],
    groups: [t`Groups`, <Groups key="groups" />],
    rates: [
      t`Rate limits`,
      <div key="rates" className="stack">
        <RateLimits />
        <RateUsage />
      </div>,
    ],
  };
  const calls = [
    callOf(QuotaService.method.listQuotaUsage, { workspaceId }),
    callOf(QuotaService.method.listQuotas, { workspaceId }),
    callOf(ApiKeyService.method.listApiKeys, { workspaceId }),
  ];
  return (
    <>
      <PageHead title={t`Quotas & keys`} calls={calls} />
      <div className="sub-tabs">
        {Object.entries(views).map(([id, [name]]) => (
          <Button
            key={id}
            kind="quiet"
            aria-pressed={view === id}
            onClick={() => {
              setView(id);
            }}
          >
            {name}
          </Button>
        ))}
      </div>
      {entryOf(views, view)?.[1] ?? views.use?.[1]}
    </>
  );
}
