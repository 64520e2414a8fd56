// Saves the changed rows of the model limits, and keeps what went wrong at its row.

import { useState } from "react";
import { Code, ConnectError } from "@connectrpc/connect";
import { useLingui } from "@lingui/react/macro";

import type { ModelLimit } from "@stubs/model_limit_service_pb.js";
import { ModelLimitService } from "@stubs/model_limit_service_pb.js";

import { callOnce, queries, violations } from "../../app/api";
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
  /** Somebody else was faster. */
  const [isLate, setIsLate] = useState(false);

  const reset = () => {
    setErrors(new Map());
    setError(undefined);
    setIsLate(false);
    setDone(false);
  };

  const run = async (edits: ReadonlyMap<string, Edit>, rows: ModelLimit[], etag: string) => {
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
    if (wrong.size > 0) return false;
    setBusy(true);
    const changed = [...edits];
    let late = false;
    try {
      await callOnce(ModelLimitService.method.setModelLimits, {
        workspaceId,
        etag,
        settings: changed.map(([modelId, { enabled }]) => {
          const amount = amounts.get(modelId);
          return {
            modelId,
            fallbackModelIds: rows.find((row) => row.modelId === modelId)?.fallbackModelIds ?? [],
            ...(amount !== undefined && {
              limit: { currencyCode, amount },
              limitEnabled: enabled,
            }),
          };
        }),
      });
      // First what is there now: otherwise the rows would show for a moment what was there before.
      await queries.invalidateQueries();
      setEdits(new Map());
      setDone(true);
    } catch (failure) {
      for (const [field, description] of violations(failure)) {
        const at = /^settings\[(\d+)\]/.exec(field)?.[1];
        const row = at === undefined ? undefined : changed[Number(at)]?.[0];
        if (row !== undefined) wrong.set(row, description);
      }
      setErrors(wrong);
      if (wrong.size === 0) setError(failure);
      late = ConnectError.from(failure).code === Code.Aborted;
      setIsLate(late);
      if (late) await queries.invalidateQueries();
    }
    setBusy(false);
    return late;
  };

  const forget = (modelId: string) => {
    if (!errors.has(modelId)) return;
    const next = new Map(errors);
    next.delete(modelId);
    setErrors(next);
  };

  return { run, reset, forget, errors, error, busy, done, isLate };
}
