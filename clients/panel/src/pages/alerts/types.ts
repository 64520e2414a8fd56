// Names of the types of alerts.

import { useLingui } from "@lingui/react/macro";

import { AlertType } from "@stubs/alert_service_pb.js";

export function useTypeNames(): Partial<Record<AlertType, string>> {
  const { t } = useLingui();
  return {
    [AlertType.THRESHOLD]: t`Threshold reached`,
    [AlertType.IN_OVERAGE]: t`In overage`,
    [AlertType.EXHAUSTED]: t`Exhausted`,
    [AlertType.FALLBACK_BEGAN]: t`Fallback began`,
    [AlertType.UNPRICED_MODEL]: t`Model without a price`,
    [AlertType.HOLDS_EXPIRED]: t`Holds expired`,
    [AlertType.COST_DIFFERS]: t`Cost differs`,
    [AlertType.ANSWER_UNREAD]: t`Answer not understood`,
    [AlertType.LARGE_RECORD]: t`Large request`,
    [AlertType.ANOMALY]: t`Anomaly`,
    [AlertType.STORAGE_OUTAGE]: t`Storage outage`,
  };
}
