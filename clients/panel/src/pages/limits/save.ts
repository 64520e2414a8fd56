// Saves the changed rows of the model limits, and keeps what went wrong at its row.

import { useState } from "react";
import { useLingui } from "@lingui/react/macro";

import type { ModelLimit } from "@stubs/model_limit_service_pb.js";
import { ModelLimitService } from "@stubs/model_limit_service_pb.js";

import { callOnce, queries, reasonOf, violations } from "../../app/api";
import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { parseAmount } from "../../ui/amount";

/** A row as it is typed. */
export interface Edit {
  limit: string;
  enabled: boolean;
}

export function isChanged(edit: Edit, before: Edit): boolean {
  return edit.limit !== before.limit || edit.enabled !== before.enabled;
}

export function useSave(setEdits: (edits: ReadonlyMap<string, Edit>) => void) {
  const { workspaceId, currencyCode } = useThisWorkspace();
  const { locale } = useFormat();
  const { t } = useLingui();
  const [errors, setErrors] = useState<ReadonlyMap<string, string>>(new Map());
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);

  const reset = () => {
    setErrors(new Map());
    setError(undefined);
    setDone(false);
  };

  const run = async (edits: ReadonlyMap<string, Edit>, rows: ModelLimit[]) => {
    reset();
    const amounts = new Map<string, string | undefined>();
    const wrong = new Map<string, string>();
    for (const [modelId, { limit }] of edits) {
      const amount = limit === "" ? undefined : parseAmount(limit, locale);
      if (limit !== "" && amount === undefined) {
        const example = new Intl.NumberFormat(locale, { minimumFractionDigits: 2 }).format(12.5);
        wrong.set(modelId, t`Expected an amount, for example ${example}`);
      }
      amounts.set(modelId, amount);
    }
    setErrors(wrong);
    // All of them or none: a row that is wrong keeps the others from being saved.
    if (wrong.size > 0) return;
    setBusy(true);
    const left = new Map(edits);
    for (const [modelId, { enabled }] of edits) {
      const amount = amounts.get(modelId);
      const chain = rows.find((row) => row.modelId === modelId)?.fallbackModelIds ?? [];
      try {
        await callOnce(ModelLimitService.method.setModelLimit, {
          workspaceId,
          modelId,
          fallbackModelIds: chain,
          ...(amount !== undefined && { limit: { currencyCode, amount }, limitEnabled: enabled }),
        });
        left.delete(modelId);
      } catch (failure) {
        const [violation] = violations(failure).values();
        if (violation === undefined) setError(failure);
        wrong.set(modelId, violation ?? reasonOf(failure));
      }
    }
    await queries.invalidateQueries();
    setEdits(left);
    setErrors(wrong);
    setBusy(false);
    setDone(wrong.size === 0);
  };

  const forget = (modelId: string) => {
    if (!errors.has(modelId)) return;
    const next = new Map(errors);
    next.delete(modelId);
    setErrors(next);
  };

  return { run, reset, forget, errors, error, busy, done };
}
