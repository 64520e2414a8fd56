package io.tollgate;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The circuit breaker: lets all calls pass until one is not answered; then one after each pause,
 * until one is.
 */
final class Breaker {

  private static final System.Logger LOG = System.getLogger("tollgate");
  private static final String EARLIER = "an earlier call was not answered: ";

  private final String address;
  private final long timeout;
  private final LongSupplier clock;

  // Guarded by this.
  private long pause;
  private boolean open;
  // When the next call may pass, while it is open.
  private long until;
  private String why = "";
  private boolean reached;
  // Since it was last answered.
  private boolean warned;

  /**
   * Makes one that is closed.
   *
   * @param address where the server is, for the log
   * @param pause the break duration; zero lets every call pass
   * @param timeout how long a call can take
   */
  Breaker(String address, Duration pause, Duration timeout) {
    this(address, pause, timeout, System::nanoTime);
  }

  Breaker(String address, Duration pause, Duration timeout, LongSupplier clock) {
    this.address = address;
    this.pause = pause.toNanos();
    this.timeout = timeout.toNanos();
    this.clock = clock;
  }

  /**
   * Makes a call, if one may pass.
   *
   * @throws StatusRuntimeException UNAVAILABLE if none may, see {@link #isOpen}
   */
  <T> T call(Supplier<T> make) {
    enter();
    T answer;
    try {
      answer = make.get();
    } catch (StatusRuntimeException error) {
      ended(error.getStatus(), Connection.why(error));
      throw error;
    } catch (RuntimeException | Error error) {
      gaveUp();
      throw error;
    }
    reached();
    return answer;
  }

  /** Whether a call was not made at all. */
  static boolean isOpen(StatusRuntimeException error) {
    return String.valueOf(error.getStatus().getDescription()).startsWith(EARLIER);
  }

  /** Takes note that the server has answered. */
  synchronized void reached() {
    open = false;
    reached = true;
    warned = false;
  }

  /** Lets every call pass: the closed client fails it. */
  synchronized void stop() {
    open = false;
    pause = 0;
  }

  /**
   * Says that a call runs unchecked; loudly if no call ever was checked. Of those that do not wait
   * only the first is said: there can be very many.
   */
  void warn(StatusRuntimeException error) {
    boolean said;
    boolean ever;
    synchronized (this) {
      said = warned && isOpen(error);
      ever = reached;
      warned = true;
    }
    String because = Connection.why(error);
    if (said) {
      LOG.log(Level.DEBUG, "tollgate does not answer, running unchecked: {0}", because);
    } else if (ever) {
      LOG.log(Level.WARNING, "tollgate does not answer, running unchecked: {0}", because);
    } else {
      LOG.log(
          Level.ERROR,
          "tollgate has NEVER answered at {0} since this client was made: running unchecked, so no"
              + " limit holds. Is this its address? {1}",
          address,
          because);
    }
  }

  private synchronized void enter() {
    if (!open) {
      return;
    }
    long now = clock.getAsLong();
    if (now - until < 0) {
      throw Status.UNAVAILABLE.withDescription(EARLIER + why).asRuntimeException();
    }
    // Until it has its answer; if it never says, for as long as it can take.
    until = now + timeout + pause;
  }

  private synchronized void ended(Status status, String said) {
    if (status.getCode() == Status.Code.CANCELLED) {
      gaveUp();
    } else if (!Connection.UNREACHED.contains(status.getCode())) {
      reached();
    } else if (pause > 0) {
      open = true;
      until = clock.getAsLong() + pause;
      why = said;
    }
  }

  /** Somebody gave up: the next call is to find out. */
  private synchronized void gaveUp() {
    until = clock.getAsLong();
  }
}
