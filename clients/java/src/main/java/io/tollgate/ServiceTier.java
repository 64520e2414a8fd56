package io.tollgate;

/** Price class at which a provider serves a request. */
public enum ServiceTier {
  /** The provider's ordinary service. */
  STANDARD,
  /** Asynchronous batch processing. */
  BATCH,
  /** Cheaper, with variable latency. */
  FLEX,
  /** Faster, at a higher price. */
  PRIORITY,
  /** Between the standard and the flex tier, as of Sail. */
  BALANCED,
  /** The fastest service, dearer than the priority tier. */
  ULTRAFAST,
  /** Requests that answer with a decision alone. */
  DECISIONS;

  /** Gives the member of the API's enum. */
  public io.tollgate.v1.ServiceTier toProto() {
    return io.tollgate.v1.ServiceTier.valueOf("SERVICE_TIER_" + name());
  }
}
