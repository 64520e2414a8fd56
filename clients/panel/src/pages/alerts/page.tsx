// "Alerts": alerts with their acknowledgement, deliveries, thresholds and receivers.

import { useLingui } from "@lingui/react/macro";

import { AlertService } from "@stubs/alert_service_pb.js";

import { entryOf, useParam } from "../../app/route";
import { useThisWorkspace } from "../../app/workspace";
import { Button } from "../../ui/base";
import { callOf } from "../../ui/grpcurl";
import { PageHead } from "../../ui/page";
import { Deliveries } from "./deliveries";
import { AlertList } from "./list";
import { Policy } from "./policy";
import { Emails, Webhooks } from "./receivers";

export default function AlertsPage() {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const [view, setView] = useParam("view", "list");
  const views: Record<string, [string, React.ReactNode]> = {
    list: [t`Alerts`, <AlertList key="list" />],
    policy: [t`Thresholds`, <Policy key="policy" />],
    receivers: [
      t`Receivers`,
      <div key="receivers" className="stack">
        <Webhooks />
        <Emails />
      </div>,
    ],
    deliveries: [t`Deliveries`, <Deliveries key="deliveries" />],
  };
  return (
    <>
      <PageHead
        title={t`Alerts`}
        calls={[callOf(AlertService.method.listAlerts, { workspaceId })]}
      />
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
      {entryOf(views, view)?.[1] ?? views.list?.[1]}
    </>
  );
}
