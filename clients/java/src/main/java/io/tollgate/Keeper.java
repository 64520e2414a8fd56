package io.tollgate;

import io.grpc.StatusRuntimeException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.function.Consumer;

/** Keeps the hold of a call whose answer is awaited: extends it, now and before it ends. */
final class Keeper {

  /** How long a hold lives where the request does not say it. */
  static final Duration HOLD_DEFAULT = Duration.ofMinutes(10);

  /**
   * Lifetime of the hold of an unfinished call: the longest that the server allows, since the time
   * of the resumption is unknown.
   */
  static final Duration HOLD_UNFINISHED = Duration.ofHours(24);

  private static final System.Logger LOG = System.getLogger("tollgate");

  private final Thread thread;

  /** Begins to extend a hold. */
  Keeper(String requestId, Duration hold, Consumer<Duration> extend) {
    thread = new Thread(() -> keep(requestId, hold, extend), "tollgate-hold");
    thread.setDaemon(true);
    thread.start();
  }

  void stop() {
    thread.interrupt();
  }

  private static void keep(String requestId, Duration hold, Consumer<Duration> extend) {
    try {
      while (!Thread.currentThread().isInterrupted()) {
        try {
          extend.accept(hold);
        } catch (StatusRuntimeException error) {
          if (!Thread.currentThread().isInterrupted()) {
            String why = Connection.why(error);
            LOG.log(Level.WARNING, "tollgate: the hold {0} is not extended: {1}", requestId, why);
          }
        }
        Thread.sleep(hold.dividedBy(3).toMillis());
      }
    } catch (InterruptedException left) {
      // The call was left.
    }
  }
}
