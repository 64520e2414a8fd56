// Names of what limits are about, and of how they count.

import { useLingui } from "@lingui/react/macro";

import type { Subject } from "@stubs/common_pb.js";
import { Enforcement, LimitPeriod, LimitUnit, SubjectType } from "@stubs/common_pb.js";

export function useNames() {
  const { t } = useLingui();
  const subjects: Partial<Record<SubjectType, string>> = {
    [SubjectType.WORKSPACE]: t`Organisation`,
    [SubjectType.DEPARTMENT]: t`Department`,
    [SubjectType.USER]: t`User`,
    [SubjectType.API_KEY]: t`API key`,
    [SubjectType.KEY_GROUP]: t`Key group`,
    [SubjectType.PROJECT]: t`Project`,
    [SubjectType.ASSISTANT]: t`Assistant`,
    [SubjectType.WORKFLOW]: t`Workflow`,
    [SubjectType.FEATURE]: t`Feature`,
    [SubjectType.SESSION]: t`Session`,
    [SubjectType.PROVIDER]: t`Provider`,
    [SubjectType.TAG]: t`Tag`,
    [SubjectType.MODEL]: t`Model`,
  };
  const periods: Partial<Record<LimitPeriod, string>> = {
    [LimitPeriod.HOUR]: t`per hour`,
    [LimitPeriod.DAY]: t`daily`,
    [LimitPeriod.WEEK]: t`weekly`,
    [LimitPeriod.MONTH]: t`monthly`,
    [LimitPeriod.QUARTER]: t`per quarter`,
    [LimitPeriod.YEAR]: t`per year`,
    [LimitPeriod.CYCLE]: t`per cycle`,
    [LimitPeriod.UNTIL_RESET]: t`until reset by hand`,
    [LimitPeriod.SLIDING_MINUTE]: t`per minute`,
    [LimitPeriod.SLIDING_HOUR]: t`in any hour`,
    [LimitPeriod.SLIDING_DAY]: t`per day`,
    [LimitPeriod.IN_FLIGHT]: t`in flight`,
    [LimitPeriod.REQUEST]: t`per request`,
  };
  const units: Partial<Record<LimitUnit, string>> = {
    [LimitUnit.MONEY]: t`Money`,
    [LimitUnit.TOKENS]: t`Tokens`,
    [LimitUnit.REQUESTS]: t`Requests`,
    [LimitUnit.UNCACHED_TOKENS]: t`Uncached tokens`,
  };
  const enforcements: Partial<Record<Enforcement, string>> = {
    [Enforcement.HARD]: t`Hard: blocks`,
    [Enforcement.SOFT]: t`Soft: warns`,
    [Enforcement.DOWNGRADE]: t`Downgrade: routes to a cheaper model`,
    [Enforcement.SHADOW]: t`Shadow: only records`,
  };
  return {
    subjects,
    periods,
    units,
    enforcements,
    subject: (subject: Subject | undefined, each = false): string => {
      if (!subject) return "";
      const type = subjects[subject.type] ?? "";
      if (each) return t`each: ${type}`;
      return subject.id === "" || subject.type === SubjectType.WORKSPACE
        ? type
        : `${type}: ${subject.id}`;
    },
  };
}

/** The choices of a select, from a table of names. */
export function options(names: Partial<Record<number, string>>, only?: readonly number[]) {
  return Object.entries(names)
    .filter(([value]) => !only || only.includes(Number(value)))
    .map(([value, name]) => (
      <option key={value} value={value}>
        {name}
      </option>
    ));
}
