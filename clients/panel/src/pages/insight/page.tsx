// "Insight": what will be used, which limits are at risk, what repeats, and what is odd.

import { useLingui } from "@lingui/react/macro";

import { InsightService } from "@stubs/insight_service_pb.js";

import { useThisWorkspace } from "../../app/workspace";
import { callOf } from "../../ui/grpcurl";
import { PageHead } from "../../ui/page";
import { Anomalies } from "./anomalies";
import { Forecast, useForecastInput } from "./forecast";
import { Policy } from "./policy";
import { Risks } from "./risks";
import { Seasons } from "./seasons";

export default function InsightPage() {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const forecast = useForecastInput();
  const { method } = InsightService;
  return (
    <>
      <PageHead
        title={t`Insight`}
        calls={[
          callOf(method.getForecast, forecast),
          callOf(method.listBudgetRisks, { workspaceId }),
          callOf(method.getSeasonality, { workspaceId, metric: forecast.metric }),
          callOf(method.listAnomalies, { workspaceId }),
        ]}
      />
      <Forecast />
      <Risks />
      <Anomalies />
      <Seasons metric={forecast.metric} />
      <Policy />
    </>
  );
}
