// The usage log of the range as a file of any size: by a link that ends soon, because a page cannot
// hold gigabytes.

import { useMutation } from "@connectrpc/connect-query";
import { Trans } from "@lingui/react/macro";

import { AnalyticsService, ExportFormat } from "@stubs/analytics_service_pb.js";

import { useThisWorkspace } from "../../app/workspace";
import { Button, ErrorBox } from "../../ui/base";
import { follow } from "../../ui/download";
import { useRange } from "./range";

export function RecordsExport() {
  const { workspaceId } = useThisWorkspace();
  const range = useRange();
  const link = useMutation(AnalyticsService.method.createExportLink, {
    onSuccess: ({ path }) => {
      follow(path);
    },
  });
  return (
    <>
      <Button
        busy={link.isPending}
        onClick={() => {
          const content = { case: "records" as const, value: { range } };
          link.mutate({ workspaceId, export: { workspaceId, format: ExportFormat.CSV, content } });
        }}
      >
        <Trans>Usage records as CSV</Trans>
      </Button>
      {link.error && <ErrorBox error={link.error} />}
    </>
  );
}
