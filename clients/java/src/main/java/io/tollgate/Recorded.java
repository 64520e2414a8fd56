package io.tollgate;

import io.tollgate.v1.BudgetState;
import io.tollgate.v1.RecordUsageResponse;

/**
 * What a call cost, once its record is durable.
 *
 * @param cost in the workspace's currency
 * @param usage what was counted: what the server read in the provider's answer, or what was
 *     recorded; without factors
 * @param model the model that it counts for
 * @param attempt number of the attempt that it was recorded under
 * @param duplicate whether the record existed already: nothing was counted again
 * @param unread whether no usage was found in the answer: what was held is charged
 * @param unpriced whether the model has no price, or the price lacks a rate
 * @param large whether the cost is above the alert policy's {@code large_record_cost}
 * @param budgetState where the workspace stands
 * @param cycleSpent what the workspace has spent in the running cycle
 */
public record Recorded(
    Money cost,
    Usage usage,
    String model,
    int attempt,
    boolean duplicate,
    boolean unread,
    boolean unpriced,
    boolean large,
    BudgetState budgetState,
    Money cycleSpent) {

  /** Takes over every field in the language's own types. */
  public static Recorded fromProto(RecordUsageResponse answer) {
    return new Recorded(
        Money.fromProto(answer.getCost()),
        Usage.fromProto(answer.getUsage()),
        answer.getModelId(),
        answer.getAttempt(),
        answer.getDuplicate(),
        answer.getUnread(),
        answer.getUnpriced(),
        answer.getLarge(),
        answer.getBudgetState(),
        Money.fromProto(answer.getCycleSpent()));
  }
}
