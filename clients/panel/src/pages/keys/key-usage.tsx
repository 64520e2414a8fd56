// What a key used, over time and by model, and which quotas bind it.

import { useQuery } from "@connectrpc/connect-query";
import { Trans } from "@lingui/react/macro";

import {
  AnalyticsService,
  TimeGranularity,
  UsageDimension,
  UsageMetric,
} from "@stubs/analytics_service_pb.js";
import type { ApiKey } from "@stubs/api_key_service_pb.js";
import { SubjectType } from "@stubs/common_pb.js";
import { QuotaService } from "@stubs/quota_service_pb.js";

import { useThisWorkspace } from "../../app/workspace";
import { Loaded } from "../../ui/base";
import { Dialog } from "../../ui/dialog";
import { TokensByDay, UsageByModel } from "./usage";
import { UsageTable } from "./utilisation";

export function KeyUsageDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const { workspaceId } = useThisWorkspace();
  const { apiKeyId } = apiKey;
  const filters = [{ dimension: UsageDimension.API_KEY, values: [apiKeyId] }];
  const metrics = [UsageMetric.TOKENS, UsageMetric.REQUESTS, UsageMetric.COST];
  const days = useQuery(AnalyticsService.method.queryUsage, {
    workspaceId,
    filters,
    metrics,
    granularity: TimeGranularity.DAY,
  });
  const models = useQuery(AnalyticsService.method.queryUsage, {
    workspaceId,
    filters,
    metrics,
    groupBy: [{ dimension: UsageDimension.MODEL }],
  });
  const subject = { type: SubjectType.API_KEY, id: apiKeyId };
  const group = { type: SubjectType.KEY_GROUP, id: apiKey.keyGroupId };
  const own = useQuery(QuotaService.method.listQuotaUsage, { workspaceId, subject });
  const shared = useQuery(
    QuotaService.method.listQuotaUsage,
    { workspaceId, subject: group },
    { enabled: group.id !== "" },
  );
  return (
    <Dialog wide title={apiKey.displayName || apiKeyId} onClose={onClose}>
      <div className="dialog-form">
        <h3>
          <Trans>Tokens, last 30 days</Trans>
        </h3>
        <Loaded query={days} height={220}>
          {({ total }) => <TokensByDay total={total} />}
        </Loaded>
        <h3>
          <Trans>By model</Trans>
        </h3>
        <Loaded query={models} height={120}>
          {({ groups }) => <UsageByModel groups={groups} />}
        </Loaded>
        <h3>
          <Trans>Quotas that bind this key</Trans>
        </h3>
        <UsageTable usages={[...(own.data?.usages ?? []), ...(shared.data?.usages ?? [])]} />
      </div>
    </Dialog>
  );
}
