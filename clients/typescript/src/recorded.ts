/** What the server says of a record. */
import { enumName } from "./errors.js";
import { BudgetState } from "./gen/tollgate/v1/common_pb.js";
import type { RecordUsageResponse } from "./gen/tollgate/v1/usage_service_pb.js";
import { Money } from "./money.js";
import type * as names from "./names.js";
import { Usage } from "./usage.js";

/** What a call cost, once its record is durable. */
export class Recorded {
  /** In the workspace's currency. */
  readonly cost: Money;
  /** What was counted: what the server read in the provider's answer, or what was recorded. */
  readonly usage: Usage;
  /** The model that it counts for. */
  readonly model: string;
  /** Number of the attempt that it was recorded under. */
  readonly attempt: number;
  /** Whether the record existed already: nothing was counted again. */
  readonly duplicate: boolean;
  /** Whether no usage was found in the answer: what was held is charged. */
  readonly unread: boolean;
  /** Whether the model has no price, or the price lacks a rate. */
  readonly unpriced: boolean;
  /** Whether the cost is above the alert policy's `large_record_cost`. */
  readonly large: boolean;
  /** Where the workspace stands, for example `WITHIN_PLAN`. */
  readonly budgetState: names.BudgetState | "";
  /** What the workspace has spent in the running cycle. */
  readonly cycleSpent: Money;

  /** Takes over every field in the language's own types. */
  constructor(answer: RecordUsageResponse) {
    this.cost = answer.cost ? Money.fromProto(answer.cost) : new Money(0, "");
    this.usage = answer.usage ? Usage.fromProto(answer.usage) : new Usage();
    this.model = answer.modelId;
    this.attempt = answer.attempt;
    this.duplicate = answer.duplicate;
    this.unread = answer.unread;
    this.unpriced = answer.unpriced;
    this.large = answer.large;
    this.budgetState = enumName(BudgetState, answer.budgetState);
    this.cycleSpent = answer.cycleSpent ? Money.fromProto(answer.cycleSpent) : new Money(0, "");
  }
}
