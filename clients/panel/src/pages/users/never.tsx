// Who signed up and has not reached value: the list to follow up.

import { Trans, useLingui } from "@lingui/react/macro";

import type { NeverActiveUser } from "@stubs/analytics_service_pb.js";
import { AnalyticsService, ReportPreset } from "@stubs/analytics_service_pb.js";

import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Card, ErrorBox, Skeleton } from "../../ui/base";
import { More, useList } from "../../ui/pages";
import { Table } from "../../ui/table";

export function NeverActive() {
  const { t } = useLingui();
  const format = useFormat();
  const { workspaceId } = useThisWorkspace();
  const list = useList(
    AnalyticsService.method.listNeverActiveUsers,
    { workspaceId, range: { preset: ReportPreset.LAST_365_DAYS }, pageSize: 50 },
    (page) => page.users,
  );
  return (
    <Card
      title={<Trans>Without first value</Trans>}
      hint={
        <Trans>Signed up in the last 365 days, and no request of theirs has succeeded yet.</Trans>
      }
    >
      {list.query.error && (
        <ErrorBox error={list.query.error} onRetry={() => void list.query.refetch()} />
      )}
      {list.query.isPending ? (
        <Skeleton lines={6} height={300} />
      ) : (
        <Table<NeverActiveUser>
          label={t`Users without first value`}
          rows={list.rows}
          keyOf={({ userId }) => userId}
          empty={<Trans>Everybody has reached value</Trans>}
          columns={[
            {
              title: t`User`,
              cell: ({ displayName, userId }) => (
                <span className="model-name">
                  <span>{displayName || userId}</span>
                  {displayName !== "" && <small>{userId}</small>}
                </span>
              ),
            },
            { title: t`Department`, cell: ({ departmentId }) => departmentId },
            { title: t`Signed up`, cell: ({ signUpTime }) => format.date(signUpTime) },
            {
              title: t`Last use`,
              cell: ({ lastUseTime }) => format.relative(lastUseTime) || t`never`,
            },
          ]}
        />
      )}
      <More query={list.query} />
    </Card>
  );
}
