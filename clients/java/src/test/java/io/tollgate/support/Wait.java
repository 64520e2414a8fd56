package io.tollgate.support;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for what another process does. */
public final class Wait {

  /** More than anything takes on a busy machine. */
  public static final Duration LONG = Duration.ofSeconds(60);

  private Wait() {}

  public static void until(BooleanSupplier condition, Supplier<String> otherwise) {
    long end = System.nanoTime() + LONG.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError(otherwise.get());
      }
      try {
        Thread.sleep(10);
      } catch (InterruptedException error) {
        throw new IllegalStateException(error);
      }
    }
  }
}
