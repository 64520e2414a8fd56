package io.tollgate.support;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for what another process does. */
public final class Wait {
  private Wait() {}

  public static void until(Duration atMost, BooleanSupplier condition, Supplier<String> otherwise) {
    long end = System.nanoTime() + atMost.toNanos();
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
