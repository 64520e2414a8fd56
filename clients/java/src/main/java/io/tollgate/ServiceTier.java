package io.tollgate;

import java.util.Locale;
import java.util.Optional;

/** Price class at which a provider serves a request. */
public enum ServiceTier {
  /** The provider's ordinary service. */
  STANDARD,
  /** Asynchronous batch processing. */
  BATCH,
  /** Cheaper, with variable latency. */
  FLEX,
  /** Faster, at a higher price. */
  PRIORITY;

  /** Gives the member of the API's enum. */
  public io.tollgate.v1.ServiceTier toProto() {
    return io.tollgate.v1.ServiceTier.valueOf("SERVICE_TIER_" + name());
  }

  /** Reads the name that a provider gives to a tier; empty if it is not known. */
  static Optional<ServiceTier> of(String name) {
    return Optional.ofNullable(
        switch (name.toLowerCase(Locale.ROOT)) {
          case "default", "standard", "scale", "on_demand", "provisioned_throughput" -> STANDARD;
          case "batch" -> BATCH;
          case "flex", "on_demand_flex" -> FLEX;
          case "priority", "fast", "ultrafast", "on_demand_priority" -> PRIORITY;
          default -> null;
        });
  }
}
