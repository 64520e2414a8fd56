package io.tollgate;

import com.google.protobuf.Message;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.tollgate.v1.ExtendHoldRequest;
import io.tollgate.v1.RecordUsageBatchRequest;
import io.tollgate.v1.RecordUsageRequest;
import io.tollgate.v1.RecordUsageResult;
import io.tollgate.v1.ReleaseHoldRequest;
import io.tollgate.v1.UsageServiceGrpc.UsageServiceBlockingStub;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * The queue of what is to be recorded, and the one daemon thread that delivers it, begun by the
 * first record.
 *
 * <p>It never blocks who puts something in, and never throws. What it delivers counts exactly once,
 * because a record is sent again under the same request id.
 */
final class Delivery {

  private static final System.Logger LOG = System.getLogger("tollgate");
  private static final int BATCH_MAX = 100;
  /** A batch with more bytes than gRPC takes would never be delivered. */
  private static final int BATCH_BYTES_MAX = 2 * 1024 * 1024;
  private static final long BACKOFF_MIN = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long BACKOFF_MAX = TimeUnit.SECONDS.toNanos(5);
  /** While the server does not accept the credentials: it answers one such call a second. */
  private static final long DENIED_BACKOFF_MIN = TimeUnit.SECONDS.toNanos(1);
  private static final long DENIED_BACKOFF_MAX = TimeUnit.SECONDS.toNanos(60);
  private static final Duration JOIN_MAX = Duration.ofSeconds(1);

  private final UsageServiceBlockingStub stub;
  private final Breaker breaker;
  private final int max;
  private final Duration flushTimeout;
  private final QueueFile file;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Deque<Message> waiting = new ArrayDeque<>();
  private Thread sender;
  private Thread hook;
  private boolean stopped;
  private int flushing;
  private long delivered;
  private long dropped;
  private long refused;
  private boolean dropLogged;
  // Of the last try; the sender's own.
  private boolean denied;

  /** Takes up what an earlier process has left in the file. */
  Delivery(
      UsageServiceBlockingStub stub, Breaker breaker, int max, Path path, Duration flushTimeout) {
    this.stub = stub;
    this.breaker = breaker;
    this.max = max;
    this.flushTimeout = flushTimeout;
    file = path == null ? null : new QueueFile(path);
    lock.lock();
    try {
      if (file != null) {
        waiting.addAll(file.load(max));
      }
      if (!waiting.isEmpty()) {
        start();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Queues a record or a release and returns at once. */
  void put(Message item) {
    lock.lock();
    try {
      boolean room = waiting.size() < max && beyond() == 0;
      if (stopped) {
        drop("the client is closed");
      } else if (file != null && item instanceof RecordUsageRequest record) {
        if (!file.append(record, room)) {
          drop("the queue file is full or cannot be written");
          return;
        }
        accept(item, room);
      } else if (room) {
        accept(item, true);
      } else {
        drop(max + " are waiting already");
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits until all is delivered, at most so long; says how much is left. */
  int flush(Duration timeout) {
    long nanos = (timeout == null ? flushTimeout : timeout).toNanos();
    lock.lock();
    try {
      flushing++;
      changed.signalAll();
      awaitDelivered(nanos);
      return left();
    } finally {
      flushing--;
      lock.unlock();
    }
  }

  /** Delivers what it can within the time, and stops; says how much is left. */
  int close(Duration timeout) {
    Thread running;
    int left = flush(timeout);
    lock.lock();
    try {
      if (stopped) {
        return left;
      }
      stopped = true;
      changed.signalAll();
      running = sender;
      forgetHook();
    } finally {
      lock.unlock();
    }
    if (left > 0) {
      warnOf(left);
    }
    if (running != null) {
      running.interrupt();
      join(running);
    }
    lock.lock();
    try {
      if (file != null) {
        file.close();
      }
      return left;
    } finally {
      lock.unlock();
    }
  }

  /** Counts what became of the records. */
  Stats stats() {
    lock.lock();
    try {
      return new Stats(left(), delivered, dropped, refused);
    } finally {
      lock.unlock();
    }
  }

  private void accept(Message item, boolean room) {
    if (room) {
      waiting.add(item);
    }
    start();
    changed.signalAll();
  }

  private void drop(String why) {
    dropped++;
    if (!dropLogged) {
      dropLogged = true;
      LOG.log(Level.ERROR, "tollgate: a usage record is dropped: {0} (logged once)", why);
    }
  }

  private int left() {
    return waiting.size() + beyond();
  }

  private int beyond() {
    return file == null ? 0 : file.beyond();
  }

  private void start() {
    if (sender != null) {
      return;
    }
    sender = new Thread(this::run, "tollgate");
    sender.setDaemon(true);
    sender.start();
    hook = new Thread(this::atExit, "tollgate-exit");
    try {
      Runtime.getRuntime().addShutdownHook(hook);
    } catch (IllegalStateException exiting) {
      hook = null;
    }
  }

  private void atExit() {
    hook = null;
    int left = close(null);
    if (left > 0) {
      // The loggers of the JDK are closed at the same time, and would swallow it.
      System.err.println("tollgate: " + left + " usage records were not delivered" + fate());
    }
  }

  private void forgetHook() {
    if (hook != null) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException exiting) {
        // It runs already and finds the queue closed.
      }
    }
  }

  private void warnOf(int left) {
    Level level = file == null ? Level.ERROR : Level.WARNING;
    LOG.log(level, "tollgate: {0} usage records were not delivered{1}", left, fate());
  }

  private String fate() {
    return file == null ? " and are lost" : " and wait in the queue file";
  }

  private void run() {
    long backoff = BACKOFF_MIN;
    try {
      while (true) {
        List<Message> batch = next();
        List<Message> again = sent(batch);
        boolean done = !batch.isEmpty() && again.isEmpty();
        backoff = denied ? Math.max(backoff, DENIED_BACKOFF_MIN) : backoff;
        settle(batch, again, done ? 0 : backoff);
        long most = denied ? DENIED_BACKOFF_MAX : BACKOFF_MAX;
        backoff = done ? BACKOFF_MIN : Math.min(backoff * 2, most);
      }
    } catch (InterruptedException closed) {
      // The end of this thread.
    }
  }

  /** Waits for something to send, and gives it; it stays in the queue while it is sent. */
  private List<Message> next() throws InterruptedException {
    lock.lock();
    try {
      await(Long.MAX_VALUE, () -> stopped || left() > 0);
      if (stopped) {
        throw new InterruptedException();
      }
      return batch(waiting);
    } finally {
      lock.unlock();
    }
  }

  /** The first of those that wait, as many as are sent at once. */
  static List<Message> batch(Iterable<Message> waiting) {
    List<Message> batch = new ArrayList<>();
    long size = 0;
    for (Message item : waiting) {
      size += item.getSerializedSize();
      if (batch.size() == BATCH_MAX || (!batch.isEmpty() && size > BATCH_BYTES_MAX)) {
        break;
      }
      batch.add(item);
    }
    return batch;
  }

  /** Takes what is done out of the queue and the file, and waits before a next try. */
  private void settle(List<Message> batch, List<Message> again, long backoff)
      throws InterruptedException {
    lock.lock();
    try {
      batch.forEach(sent -> waiting.remove());
      for (int at = again.size() - 1; at >= 0; at--) {
        waiting.addFirst(again.get(at));
      }
      if (file != null && file.wantsRemoval(waiting.size())) {
        List<RecordUsageRequest> kept =
            waiting.stream()
                .filter(RecordUsageRequest.class::isInstance)
                .map(RecordUsageRequest.class::cast)
                .toList();
        waiting.addAll(file.remove(kept, max - waiting.size()));
      }
      changed.signalAll();
      if (backoff > 0) {
        // A flush cuts the wait short, but does not make it spin.
        long whole = (long) (backoff * ThreadLocalRandom.current().nextDouble(0.5, 1));
        long least = denied ? DENIED_BACKOFF_MIN : BACKOFF_MIN / 2;
        await(least, () -> stopped);
        await(whole - least, () -> stopped || flushing > 0);
      }
    } finally {
      lock.unlock();
    }
  }

  /** An interrupted thread closes its client too, and is to lose nothing: its time is bounded. */
  private void awaitDelivered(long nanos) {
    long end = System.nanoTime() + nanos;
    boolean interrupted = false;
    while (true) {
      try {
        await(end - System.nanoTime(), () -> stopped || left() == 0);
        break;
      } catch (InterruptedException interruption) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void await(long nanos, BooleanSupplier condition) throws InterruptedException {
    long left = nanos;
    while (!condition.getAsBoolean() && left > 0) {
      left = changed.awaitNanos(left);
    }
  }

  /** A defect here must not end the thread: what is sent twice is counted once. */
  private List<Message> sent(List<Message> batch) {
    try {
      return send(batch);
    } catch (RuntimeException error) {
      LOG.log(Level.ERROR, "tollgate: cannot send", error);
      return batch;
    }
  }

  /** Sends once and gives back what has to be tried again. */
  private List<Message> send(List<Message> batch) {
    denied = false;
    List<Message> again = new ArrayList<>();
    List<RecordUsageRequest> records = new ArrayList<>();
    for (Message item : batch) {
      if (item instanceof RecordUsageRequest record) {
        records.add(record);
      }
    }
    if (!records.isEmpty()) {
      sendRecords(records, again);
    }
    // Where one is not answered, or not let in, the others would only wait for nothing.
    boolean reached = again.isEmpty();
    for (Message item : batch) {
      if (!(item instanceof RecordUsageRequest)) {
        reached = reached && sendHold(item);
        if (!reached) {
          again.add(item);
        }
      }
    }
    return again;
  }

  private void sendRecords(List<RecordUsageRequest> records, List<Message> again) {
    try {
      List<RecordUsageResult> results =
          stub.recordUsageBatch(
                  RecordUsageBatchRequest.newBuilder().addAllRecords(records).build())
              .getResultsList();
      breaker.reached();
      if (results.size() != records.size()) {
        refuse(records, "the server answered " + results.size() + " of " + records.size());
        return;
      }
      for (int at = 0; at < records.size(); at++) {
        RecordUsageResult result = results.get(at);
        Status.Code code = Status.fromCodeValue(result.getError().getCode()).getCode();
        if (!result.hasError()) {
          count(1, 0);
        } else if (Connection.UNREACHED.contains(code)) {
          again.add(records.get(at));
        } else {
          refuse(List.of(records.get(at)), result.getError().getMessage());
        }
      }
    } catch (StatusRuntimeException error) {
      Status.Code code = error.getStatus().getCode();
      // Cancelled: this thread was interrupted by the end of the client.
      if (Connection.UNREACHED.contains(code) || code == Status.Code.CANCELLED) {
        again.addAll(records);
      } else if (Connection.UNAUTHORIZED.contains(code)) {
        again.addAll(records);
        deny(Connection.why(error));
      } else {
        refuse(records, Connection.why(error));
      }
    }
  }

  /** Gives a hold back, or extends it; one that has ended already is as good. */
  private boolean sendHold(Message item) {
    String id = "";
    try {
      if (item instanceof ReleaseHoldRequest release) {
        id = release.getRequestId();
        stub.releaseHold(release);
      } else if (item instanceof ExtendHoldRequest extend) {
        id = extend.getRequestId();
        stub.extendHold(extend);
      }
    } catch (StatusRuntimeException error) {
      Status.Code code = error.getStatus().getCode();
      if (Connection.UNREACHED.contains(code) || code == Status.Code.CANCELLED) {
        return false;
      }
      String why = Connection.why(error);
      if (Connection.UNAUTHORIZED.contains(code)) {
        deny(why);
        return false;
      }
      if (code != Status.Code.NOT_FOUND) {
        LOG.log(Level.WARNING, "tollgate: the hold {0} stays as it is: {1}", id, why);
      }
    }
    return true;
  }

  /** Is said once for each try. */
  private void deny(String why) {
    denied = true;
    LOG.log(Level.ERROR, "tollgate: a delivery is denied and will be tried again: {0}", why);
  }

  private void refuse(List<RecordUsageRequest> records, String why) {
    count(0, records.size());
    for (RecordUsageRequest record : records) {
      LOG.log(
          Level.ERROR,
          "tollgate: the usage record {0} is refused: {1}",
          record.getRequestId(),
          why);
    }
  }

  /** Counts what is delivered and what is refused, also without the queue. */
  void count(long more, long less) {
    lock.lock();
    try {
      delivered += more;
      refused += less;
    } finally {
      lock.unlock();
    }
  }

  private void join(Thread thread) {
    try {
      thread.join(JOIN_MAX.toMillis());
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
    }
  }
}
