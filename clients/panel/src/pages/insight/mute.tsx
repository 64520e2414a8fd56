// Mutes a subject: for a while it has no anomalies.

import { useState } from "react";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { useMutation, useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Subject } from "@stubs/common_pb.js";
import { InsightService } from "@stubs/insight_service_pb.js";

import { queries } from "../../app/api";
import { useThisWorkspace } from "../../app/workspace";
import { Field } from "../../ui/base";
import { FormDialog } from "../../ui/dialog";
import { useNames } from "../../ui/subject";

const DAY = 86_400_000;
const CHOICES = [1, 7, 30, 90];

export function MuteDialog({ subject, onClose }: { subject: Subject; onClose: () => void }) {
  const { workspaceId } = useThisWorkspace();
  const { t } = useLingui();
  const names = useNames();
  const [days, setDays] = useState(7);
  const policy = useQuery(InsightService.method.getAnomalyPolicy, { workspaceId });
  const save = useMutation(InsightService.method.setAnomalyPolicy, {
    onSuccess: async () => {
      await queries.invalidateQueries();
      onClose();
    },
  });
  const others = (policy.data?.anomalyPolicy?.mutes ?? []).filter(
    (mute) => mute.subject?.type !== subject.type || mute.subject.id !== subject.id,
  );
  const name = names.subject(subject);
  return (
    <FormDialog
      title={<Trans>Mute {name}</Trans>}
      submit={<Trans>Mute</Trans>}
      busy={save.isPending}
      error={save.error ?? policy.error}
      // Without the others they would be lost.
      disabled={policy.data === undefined}
      onClose={onClose}
      onSubmit={() => {
        const endTime = timestampFromDate(new Date(Date.now() + days * DAY));
        save.mutate({
          workspaceId,
          anomalyPolicy: { mutes: [...others, { subject, endTime }] },
          updateMask: { paths: ["mutes"] },
        });
      }}
    >
      <p>
        <Trans>Until then it has no anomalies.</Trans>
      </p>
      <Field label={<Trans>For how long</Trans>}>
        {(props) => (
          <select
            {...props}
            value={days}
            onChange={(event) => {
              setDays(Number(event.target.value));
            }}
          >
            {CHOICES.map((choice) => (
              <option key={choice} value={choice}>
                {choice === 1 ? t`1 day` : t`${choice} days`}
              </option>
            ))}
          </select>
        )}
      </Field>
    </FormDialog>
  );
}
