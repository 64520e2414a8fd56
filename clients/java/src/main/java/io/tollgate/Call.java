package io.tollgate;

import com.google.protobuf.Message;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.tollgate.v1.CheckAndRouteRequest;
import io.tollgate.v1.CheckAndRouteResponse;
import io.tollgate.v1.Decision;
import io.tollgate.v1.ExtendHoldRequest;
import io.tollgate.v1.Outcome;
import io.tollgate.v1.RecordUsageRequest;
import io.tollgate.v1.RecordUsageResponse;
import io.tollgate.v1.ReleaseHoldRequest;
import io.tollgate.v1.UsageSource;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;

/**
 * One guarded call, between its check and its record. Made by {@link Client#guard(GuardRequest)};
 * leave it once, on any thread. Safe for several threads.
 */
public final class Call implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger("tollgate");
  private static final Duration LATENCY_MAX = Duration.ofHours(24);

  private final Client client;
  private final CheckAndRouteRequest check;
  private final boolean waits;
  private final OnUnavailable policy;
  private final UsageReader reader = new UsageReader(Provider.ANY);
  private final CheckAndRouteResponse answer;

  // Guarded by this.
  private Usage given;
  private String givenModel = "";
  private ServiceTier givenTier;
  private final StringBuilder output = new StringBuilder();
  private Instant began;
  private long beganNanos;
  private boolean left;
  private RecordUsageResponse recorded;

  /**
   * What runs inside the guard.
   *
   * @param <T> what it returns
   * @param <E> what it throws
   */
  @FunctionalInterface
  public interface Block<T, E extends Exception> {
    /** Runs the LLM call on {@code call.model()} and hands its answer to {@code call.record}. */
    T run(Call call) throws E;
  }

  Call(Client client, GuardRequest request) {
    this.client = client;
    check = request.check(client.tokenizer());
    waits = request.waits();
    policy = request.onUnavailable().orElse(client.policy());
    answer = check();
  }

  /**
   * The model to run on: the one that was asked for, or a cheaper one. Reading it says that the LLM
   * call is about to start.
   */
  public synchronized String model() {
    if (began == null && !left) {
      began = Instant.now();
      beganNanos = System.nanoTime();
    }
    return decided();
  }

  /** Names the request, in the usage log too. */
  public String requestId() {
    return check.getRequestId();
  }

  /** {@code ALLOWED} or {@code ROUTED}; empty if Tollgate was not reached. */
  public Optional<String> decision() {
    return unchecked() ? Optional.empty() : Optional.of(routed() ? "ROUTED" : "ALLOWED");
  }

  /** Whether the model is another one than was asked for. */
  public boolean routed() {
    return answer.getDecision() == Decision.DECISION_ROUTED;
  }

  /** Whether the call runs although Tollgate was not reached. */
  public boolean unchecked() {
    return answer.getDecision() == Decision.DECISION_UNSPECIFIED;
  }

  /** Why it was routed, for example {@code MODEL_LIMIT}; empty if it was not. */
  public String reason() {
    return Verdict.reason(answer.getReason(), answer.getReasonValue());
  }

  /** Limits that warned, would have blocked, or led to another model. */
  public List<Verdict> verdicts() {
    return Verdict.listOf(answer.getVerdictsList());
  }

  /** What is set aside; empty if unchecked. */
  public Optional<Money> held() {
    return unchecked() ? Optional.empty() : Optional.of(Money.fromProto(answer.getHeld()));
  }

  /** When the hold ends by itself. */
  public Optional<Instant> expireTime() {
    return answer.hasExpireTime()
        ? Optional.of(Times.timeOf(answer.getExpireTime()))
        : Optional.empty();
  }

  /** Where the workspace stood, for example {@code WITHIN_PLAN}; empty if unchecked. */
  public String budgetState() {
    return Verdict.name("BUDGET_STATE_", answer.getBudgetState(), answer.getBudgetStateValue());
  }

  /** After leaving with {@code waitForRecord}: what the server said, with the cost. */
  public synchronized Optional<RecordUsageResponse> recorded() {
    return Optional.ofNullable(recorded);
  }

  /** Adds output that has come; it is estimated where no usage is recorded. */
  public synchronized void appendOutput(String text) {
    output.append(text);
  }

  /**
   * Keeps what was used: a {@link Usage}, or a provider's answer or event, as JSON, as a map, or as
   * an object of an SDK.
   *
   * <p>Later figures replace earlier ones, so every event of a stream may be handed in; those
   * without usage are passed over. Never throws.
   */
  public void record(Object usage) {
    record(usage, null, null);
  }

  /**
   * Keeps what was used, and what the usage does not name itself.
   *
   * @param usage as above
   * @param model the model that answered; null for the one that the usage names, or {@link #model}
   * @param tier the tier that served; null for the one that the usage names
   */
  public synchronized void record(Object usage, String model, ServiceTier tier) {
    if (usage instanceof Usage known) {
      given = known;
    } else {
      try {
        if (reader.feed(usage)) {
          given = null;
        }
      } catch (RuntimeException | StackOverflowError error) {
        LOG.log(Level.WARNING, "tollgate: this has no usage that can be read", error);
      }
    }
    givenModel = model == null ? givenModel : model;
    givenTier = tier == null ? givenTier : tier;
  }

  /**
   * Lets the hold live so long from now. Does nothing if unchecked.
   *
   * @throws StatusRuntimeException if the server refuses or cannot be reached
   */
  public void extend(Duration hold) {
    if (!unchecked()) {
      client
          .usage()
          .extendHold(
              ExtendHoldRequest.newBuilder()
                  .setWorkspaceId(check.getWorkspaceId())
                  .setRequestId(check.getRequestId())
                  .setHoldDuration(Times.durationOf(hold))
                  .build());
    }
  }

  /**
   * Runs a block and leaves: records success, an exception as an error, and an interruption or
   * {@link CancellationException} as cancelled. What the block throws goes on unchanged.
   */
  public <T, E extends Exception> T run(Block<T, E> block) throws E {
    T result;
    try {
      result = block.run(this);
    } catch (Throwable error) {
      close(error);
      throw error;
    }
    close(null);
    return result;
  }

  /**
   * Leaves without saying how the call ended, as the end of a try-with-resources does, which cannot
   * see an exception: a success if usage was recorded, else an error. Does nothing after the first
   * time that the call is left.
   *
   * @throws TollgateUnavailableException with {@code waitForRecord}, if Tollgate did not answer;
   *     the record is queued
   * @throws StatusRuntimeException with {@code waitForRecord}, if the record was refused
   */
  @Override
  public void close() {
    leave(hasUsage() ? Outcome.OUTCOME_SUCCESS : Outcome.OUTCOME_ERROR);
  }

  /**
   * Leaves and says how the call ended, for example in a {@code whenComplete} of a future.
   *
   * @param error what ended it; null for success
   */
  public void close(Throwable error) {
    if (error == null) {
      leave(Outcome.OUTCOME_SUCCESS);
    } else {
      leave(isCancelled(error) ? Outcome.OUTCOME_CANCELLED : Outcome.OUTCOME_ERROR);
    }
  }

  /** Asks Tollgate; the answer is empty if it was not reached and the policy is open. */
  private CheckAndRouteResponse check() {
    try {
      CheckAndRouteResponse said = client.usage().checkAndRoute(check);
      if (said.getDecision() == Decision.DECISION_BLOCKED) {
        throw new BlockedException(said);
      }
      return said;
    } catch (StatusRuntimeException error) {
      if (error.getStatus().getCode() == Status.Code.CANCELLED) {
        // This thread was interrupted; perhaps the amount is set aside already.
        client.delivery().put(release());
      }
      if (!Connection.UNREACHED.contains(error.getStatus().getCode())) {
        throw error;
      }
      String why = Connection.why(error);
      if (policy == OnUnavailable.CLOSED) {
        throw new TollgateUnavailableException("tollgate does not answer: " + why, error);
      }
      LOG.log(Level.WARNING, "tollgate does not answer, running unchecked: {0}", why);
      return CheckAndRouteResponse.getDefaultInstance();
    }
  }

  private void leave(Outcome outcome) {
    Message item = end(outcome);
    if (item == null) {
      return;
    }
    // Who is cancelled is to end, not to wait.
    if (!waits
        || outcome == Outcome.OUTCOME_CANCELLED
        || !(item instanceof RecordUsageRequest record)) {
      client.delivery().put(item);
      return;
    }
    try {
      RecordUsageResponse said = client.usage().recordUsage(record);
      synchronized (this) {
        recorded = said;
      }
    } catch (StatusRuntimeException error) {
      undelivered(record, error, outcome != Outcome.OUTCOME_SUCCESS);
    }
  }

  /** Queues what could not be sent at once; throws unless the block has failed already. */
  private void undelivered(
      RecordUsageRequest record, StatusRuntimeException error, boolean failed) {
    Status.Code code = error.getStatus().getCode();
    boolean unreached = Connection.UNREACHED.contains(code);
    boolean queued =
        unreached || Connection.UNAUTHORIZED.contains(code) || code == Status.Code.CANCELLED;
    if (queued) {
      client.delivery().put(record);
    }
    String why = Connection.why(error);
    if (failed) {
      String state = queued ? "not recorded yet" : "refused";
      LOG.log(Level.ERROR, "tollgate: {0} is {1}: {2}", requestId(), state, why);
    } else if (unreached) {
      throw new TollgateUnavailableException("not recorded yet, queued: " + why, error);
    } else {
      throw error;
    }
  }

  /** Says, the first time, what is to be sent when the call is left. Never throws. */
  private synchronized Message end(Outcome outcome) {
    if (left) {
      return null;
    }
    left = true;
    try {
      return report(outcome);
    } catch (RuntimeException error) {
      LOG.log(Level.ERROR, "tollgate: the usage of " + requestId() + " is not recorded", error);
      return null;
    }
  }

  private Message report(Outcome outcome) {
    if (began == null && !hasUsage()) {
      return unchecked() ? null : release();
    }
    Used used = used(outcome);
    if (used.source() == UsageSource.USAGE_SOURCE_ESTIMATED
        && outcome == Outcome.OUTCOME_SUCCESS) {
      LOG.log(
          Level.WARNING, "tollgate: no usage was recorded of {0}, it is estimated", requestId());
    }
    ServiceTier tier = givenTier == null ? reader.serviceTier().orElse(null) : givenTier;
    RecordUsageRequest.Builder record =
        RecordUsageRequest.newBuilder()
            .setWorkspaceId(check.getWorkspaceId())
            .setRequestId(check.getRequestId())
            .setModelId(firstOf(givenModel, reader.model(), decided()))
            .setServiceTier(tier == null ? check.getServiceTier() : tier.toProto())
            .setOutcome(outcome)
            .setUsageSource(used.source())
            .setStartTime(Times.timestampOf(began == null ? Instant.now() : began))
            .setAttribution(check.getAttribution());
    Duration took = Duration.ofNanos(began == null ? 0 : System.nanoTime() - beganNanos);
    record.setLatency(Times.durationOf(took.compareTo(LATENCY_MAX) > 0 ? LATENCY_MAX : took));
    if (used.usage() != null) {
      record.setUsage(used.usage());
    }
    return record.build();
  }

  private synchronized boolean hasUsage() {
    return given != null || reader.usage().isPresent();
  }

  private record Used(io.tollgate.v1.Usage usage, UsageSource source) {}

  /** Gives what was used as far as it is known, and where that comes from. */
  private Used used(Outcome outcome) {
    Usage usage = given == null ? reader.usage().orElse(null) : given;
    if (usage != null && (given != null || !reader.isPartial())) {
      return new Used(usage.toProto(), UsageSource.USAGE_SOURCE_PROVIDER);
    }
    long written = Tokens.estimate(output, client.tokenizer());
    if (usage == null && (outcome == Outcome.OUTCOME_SUCCESS || written > 0)) {
      return new Used(
          io.tollgate.v1.Usage.newBuilder()
              .setInputTokenCount(check.getInputTokenCount())
              .setCacheReadTokenCount(check.getCacheReadTokenCount())
              .setCacheWrite5MTokenCount(check.getCacheWrite5MTokenCount())
              .setCacheWrite1HTokenCount(check.getCacheWrite1HTokenCount())
              .setOutputTokenCount(written)
              .build(),
          UsageSource.USAGE_SOURCE_ESTIMATED);
    }
    if (usage == null) {
      return new Used(null, UsageSource.USAGE_SOURCE_UNSPECIFIED);
    }
    // A stream that broke off has told its input, and its output only to begin with.
    if (written > usage.outputTokens()) {
      return new Used(
          usage.toProto().toBuilder().setOutputTokenCount(written).build(),
          UsageSource.USAGE_SOURCE_ESTIMATED);
    }
    return new Used(usage.toProto(), UsageSource.USAGE_SOURCE_PROVIDER);
  }

  private String decided() {
    return firstOf(answer.getModelId(), check.getModelId());
  }

  private ReleaseHoldRequest release() {
    return ReleaseHoldRequest.newBuilder()
        .setWorkspaceId(check.getWorkspaceId())
        .setRequestId(check.getRequestId())
        .build();
  }

  private static String firstOf(String... names) {
    for (String name : names) {
      if (!name.isEmpty()) {
        return name;
      }
    }
    return "";
  }

  /** Libraries wrap an interruption; well-behaved ones leave the thread marked. */
  private static boolean isCancelled(Throwable error) {
    if (Thread.currentThread().isInterrupted()) {
      return true;
    }
    Throwable cause = error;
    for (int depth = 0; cause != null && depth < 20; depth++) {
      if (cause instanceof InterruptedException || cause instanceof CancellationException) {
        return true;
      }
      cause = cause.getCause();
    }
    return false;
  }
}
