package io.tollgate;

/** What a guard does when Tollgate cannot be reached. */
public enum OnUnavailable {
  /** Runs the LLM call on the model that was asked for, and records it later. */
  OPEN,
  /** Throws {@link TollgateUnavailableException}. */
  CLOSED
}
