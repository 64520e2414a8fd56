// "Settings": what a workspace is, its policies, and the rates it is charged at.

import { useLingui } from "@lingui/react/macro";

import { CatalogService } from "@stubs/catalog_service_pb.js";
import { WorkspaceService } from "@stubs/workspace_service_pb.js";

import { useThisWorkspace } from "../../app/workspace";
import { callOf } from "../../ui/grpcurl";
import { PageHead } from "../../ui/page";
import { Archive } from "./archive";
import { Prices } from "./prices";
import { Rates } from "./rates";
import { WorkspaceCard } from "./workspace";

export default function SettingsPage() {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const calls = [
    callOf(WorkspaceService.method.getWorkspace, { workspaceId }),
    callOf(CatalogService.method.listExchangeRates, {}),
  ];
  return (
    <>
      <PageHead title={t`Settings`} calls={calls} />
      <WorkspaceCard />
      <Prices />
      <Rates />
      <Archive />
    </>
  );
}
