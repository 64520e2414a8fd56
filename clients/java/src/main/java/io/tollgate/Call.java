package io.tollgate;

import com.google.protobuf.Message;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.tollgate.v1.BudgetState;
import io.tollgate.v1.CheckAndRouteRequest;
import io.tollgate.v1.CheckAndRouteResponse;
import io.tollgate.v1.Decision;
import io.tollgate.v1.ExtendHoldRequest;
import io.tollgate.v1.Hold;
import io.tollgate.v1.Outcome;
import io.tollgate.v1.Reason;
import io.tollgate.v1.RecordUsageRequest;
import io.tollgate.v1.ReleaseHoldRequest;
import io.tollgate.v1.UsageSource;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

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
  private final CheckAndRouteResponse answer;
  private final boolean resumed;

  // Guarded by this.
  private Parts parts = new Parts();
  // Whether these are the parts of a ProviderAnswer.
  private boolean made;
  private String provider = "";
  // Goes before the parts.
  private Usage given;
  private String givenModel = "";
  private ServiceTier givenTier;
  private final StringBuilder output = new StringBuilder();
  private Instant began;
  private long beganNanos;
  private boolean left;
  private Recorded recorded;
  // Keeps the hold of an answer that is awaited.
  private Keeper keeper;

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

  /**
   * What runs inside the guard and ends on another thread.
   *
   * @param <T> what it gives
   */
  @FunctionalInterface
  public interface AsyncBlock<T> {
    /** Begins the LLM call on {@code call.model()}, whose answer goes to {@code call.record}. */
    CompletionStage<T> run(Call call) throws Exception;
  }

  Call(Client client, GuardRequest request) {
    this.client = client;
    check = request.check(client.tokenizer());
    waits = request.waits();
    policy = request.onUnavailable().orElse(client.policy());
    resumed = false;
    answer = check();
  }

  private Call(Client client, ResumeRequest request, Hold hold) {
    this.client = client;
    check =
        CheckAndRouteRequest.newBuilder()
            .setWorkspaceId(request.workspace())
            .setRequestId(request.requestId())
            .setHoldDuration(Times.durationOf(request.hold()))
            .build();
    waits = request.waitForRecord();
    policy = client.policy();
    resumed = true;
    CheckAndRouteResponse.Builder said =
        CheckAndRouteResponse.newBuilder()
            .setModelId(firstOf(request.model(), hold.getModelId()))
            .setAttempt(request.attempt() == 0 ? hold.getAttempt() : request.attempt());
    if (hold.hasHeld()) {
      said.setHeld(hold.getHeld());
    }
    if (hold.hasExpireTime()) {
      said.setExpireTime(hold.getExpireTime());
    }
    answer = said.build();
  }

  /** Finds what the check has said, and keeps the hold alive from here on. */
  static Call resumed(Client client, ResumeRequest request) {
    Hold hold;
    try {
      hold = request.hold(client);
    } catch (StatusRuntimeException error) {
      if (!Connection.UNREACHED.contains(error.getStatus().getCode())) {
        throw error;
      }
      // The answer can be recorded all the same.
      hold = Hold.getDefaultInstance();
    }
    Call call = new Call(client, request, hold);
    call.keepHold();
    return call;
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

  /**
   * Number of the attempt that it is recorded under: above 0 where the request was recorded before
   * and is checked again.
   */
  public int attempt() {
    return answer.getAttempt();
  }

  /** Whether it is allowed or routed; empty if Tollgate was not reached. */
  public Optional<Decision> decision() {
    return unchecked() || resumed ? Optional.empty() : Optional.of(answer.getDecision());
  }

  /** Whether the model is another one than was asked for. */
  public boolean routed() {
    return answer.getDecision() == Decision.DECISION_ROUTED;
  }

  /** Whether the call runs although Tollgate was not reached. */
  public boolean unchecked() {
    return answer.getDecision() == Decision.DECISION_UNSPECIFIED && !resumed;
  }

  /** Why it was routed, for example {@code REASON_MODEL_LIMIT}; unspecified if it was not. */
  public Reason reason() {
    return answer.getReason();
  }

  /** Limits that warned, would have blocked, or led to another model. */
  public List<Verdict> verdicts() {
    return Verdict.listOf(answer.getVerdictsList());
  }

  /** What is set aside; empty if unchecked. */
  public Optional<Money> held() {
    return answer.hasHeld() ? Optional.of(Money.fromProto(answer.getHeld())) : Optional.empty();
  }

  /** When the hold ends by itself. */
  public Optional<Instant> expireTime() {
    return answer.hasExpireTime()
        ? Optional.of(Times.timeOf(answer.getExpireTime()))
        : Optional.empty();
  }

  /** Where the workspace stood; unspecified if unchecked. */
  public BudgetState budgetState() {
    return answer.getBudgetState();
  }

  /** After leaving with {@code waitForRecord}: what the server said, with the cost. */
  public synchronized Optional<Recorded> recorded() {
    return Optional.ofNullable(recorded);
  }

  /** Adds output that has come; it is estimated where no usage is recorded. */
  public synchronized void appendOutput(String text) {
    output.append(text);
  }

  /**
   * Keeps what was used: what the provider answered, as a part of {@link ProviderAnswer#of}; a
   * {@link ProviderAnswer}; or a {@link Usage} that you counted.
   *
   * <p>Every event of a stream may be handed in: a stream is kept in bounded memory. Content never
   * leaves the process: only numbers are sent, and a few names such as that of the model. The server
   * reads usage, model and tier in it. Of several answers the last one counts. Never throws.
   */
  public void record(Object used) {
    record(used, null, null);
  }

  /** Keeps what this provider answered, such as {@code openai} or {@code bedrock}. */
  public synchronized void recordFrom(String provider, Object answer) {
    if (provider != null && !provider.isEmpty()) {
      this.provider = provider.toLowerCase(Locale.ROOT);
    }
    record(answer, null, null);
  }

  /**
   * Keeps what was used, and what is not named in it.
   *
   * @param used as above
   * @param model the model that answered; null for the one that the answer names, or {@link #model}
   * @param tier the tier that served; null for the one that the answer names, or that was asked for
   */
  public synchronized void record(Object used, String model, ServiceTier tier) {
    if (used instanceof Usage known) {
      given = known;
    } else if (used instanceof ProviderAnswer whole) {
      parts = whole.parts();
      made = true;
      given = null;
      provider = firstOf(whole.provider(), provider);
    } else if (used != null) {
      recordPart(used);
    }
    givenModel = model == null ? givenModel : model;
    givenTier = tier == null ? givenTier : tier;
    if (parts.isUnfinished() && !left && !unchecked()) {
      keepHold();
    }
  }

  private void recordPart(Object part) {
    if (made) {
      parts = new Parts();
      made = false;
    }
    List<Map<String, Object>> events = List.of();
    try {
      events = Reduction.events(Json.tree(part));
    } catch (RuntimeException | StackOverflowError error) {
      // It was an answer all the same.
      LOG.log(Level.WARNING, "tollgate: this has no usage that can be read", error);
    }
    if (events.stream().anyMatch(Parts::isWhole)) {
      if (parts.hasFigures()) {
        LOG.log(Level.WARNING, "tollgate: of several answers to {0} the last counts", requestId());
      }
      parts = new Parts();
    }
    if (events.stream().anyMatch(Reduction::hasFigures)) {
      given = null;
    }
    parts.add(events);
  }

  private synchronized void keepHold() {
    if (keeper == null) {
      Duration hold =
          check.hasHoldDuration()
              ? Times.spanOf(check.getHoldDuration())
              : Keeper.HOLD_DEFAULT;
      keeper = new Keeper(requestId(), hold, this::extend);
    }
  }

  /**
   * Lets the hold live so long from now. Does nothing if unchecked.
   *
   * @throws StatusRuntimeException if the server refuses or cannot be reached
   */
  public void extend(Duration hold) {
    if (!unchecked()) {
      ExtendHoldRequest request = extension(hold);
      client.usage().extendHold(request);
    }
  }

  private ExtendHoldRequest extension(Duration hold) {
    return ExtendHoldRequest.newBuilder()
        .setWorkspaceId(check.getWorkspaceId())
        .setRequestId(check.getRequestId())
        .setHoldDuration(Times.durationOf(hold))
        .build();
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

  /** Runs a block, and leaves when its stage is complete, or the result is. */
  <T> void runAsync(AsyncBlock<T> block, CompletableFuture<T> result) {
    CompletionStage<T> stage;
    try {
      stage = block.run(this);
    } catch (Throwable error) {
      close(error);
      result.completeExceptionally(error);
      return;
    }
    CompletionStage<T> unused = stage.whenComplete(
        (value, error) -> {
          Throwable failure = error;
          try {
            close(error);
          } catch (RuntimeException late) {
            failure = late;
          }
          if (failure == null) {
            result.complete(value);
          } else {
            result.completeExceptionally(failure);
          }
        });
    CompletableFuture<T> ignored = result.whenComplete(
        (value, error) -> {
          if (result.isCancelled()) {
            close(error);
            stage.toCompletableFuture().cancel(true);
          }
        });
  }

  /**
   * Leaves without saying how the call ended, as the end of a try-with-resources does, which cannot
   * see an exception: a success if an answer or usage was recorded, else an error. Does nothing after the first
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
      CheckAndRouteResponse said =
          client.breaker().call(() -> client.usage().checkAndRoute(check));
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
      if (policy == OnUnavailable.CLOSED) {
        String why = Connection.why(error);
        throw new TollgateUnavailableException("tollgate does not answer: " + why, error);
      }
      client.breaker().warn(error);
      return CheckAndRouteResponse.getDefaultInstance();
    }
  }

  private void leave(Outcome outcome) {
    Message item;
    try {
      item = end(outcome);
    } catch (RuntimeException error) {
      client.delivery().count(0, 1);
      LOG.log(
          Level.ERROR,
          "tollgate: the usage record " + requestId() + " is refused: " + error.getMessage(),
          error instanceof StatusRuntimeException ? null : error);
      if (waits && outcome == Outcome.OUTCOME_SUCCESS) {
        throw error;
      }
      return;
    }
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
      Recorded said =
          Recorded.fromProto(client.breaker().call(() -> client.usage().recordUsage(record)));
      client.delivery().count(1, 0);
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
    } else {
      client.delivery().count(0, 1);
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

  /** Says, the first time, what is to be sent when the call is left. Throws if that is none. */
  private synchronized Message end(Outcome outcome) {
    if (left) {
      return null;
    }
    left = true;
    if (keeper != null) {
      keeper.stop();
    }
    if (given != null) {
      given.check();
    }
    return report(outcome);
  }

  private Message report(Outcome outcome) {
    boolean kept = given == null && (parts.isUnfinished() || isFailedPoll(outcome));
    if (kept) {
      LOG.log(
          Level.INFO, "tollgate: the answer of {0} is not finished, its hold is kept", requestId());
      return unchecked() ? null : extension(Keeper.HOLD_UNFINISHED);
    }
    if (!hasUsage() && (resumed || began == null)) {
      return unchecked() || resumed ? null : release();
    }
    Outcome said = given == null ? parts.outcome().orElse(outcome) : outcome;
    RecordUsageRequest.Builder record =
        RecordUsageRequest.newBuilder()
            .setWorkspaceId(check.getWorkspaceId())
            .setRequestId(check.getRequestId())
            .setAttempt(attempt())
            // The server finds the model in an answer that it can read, and needs one for others.
            .setModelId(firstOf(givenModel, parts.model(), decided()))
            .setOutcome(said);
    setTier(record);
    // A call that is resumed twice is recorded once: all that is said of it is its answer.
    if (!resumed) {
      Duration took = Duration.ofNanos(began == null ? 0 : System.nanoTime() - beganNanos);
      record
          .setStartTime(Times.timestampOf(began == null ? Instant.now() : began))
          .setLatency(Times.durationOf(took.compareTo(LATENCY_MAX) > 0 ? LATENCY_MAX : took))
          .setAttribution(check.getAttribution());
    }
    fill(record, said);
    return record.build();
  }

  /** A poll that fails says nothing of the answer: the job may still finish. */
  private boolean isFailedPoll(Outcome outcome) {
    return resumed && outcome != Outcome.OUTCOME_SUCCESS && !parts.hasFigures();
  }

  private synchronized boolean hasUsage() {
    return given != null || parts.isGiven();
  }

  /** Puts in what was used, as far as it is known, and where that comes from. */
  private void fill(RecordUsageRequest.Builder record, Outcome outcome) {
    if (given != null) {
      record
          .setUsage(given.toProto())
          .addAllFactors(given.factors())
          .setUsageSource(UsageSource.USAGE_SOURCE_PROVIDER);
      return;
    }
    boolean success = outcome == Outcome.OUTCOME_SUCCESS;
    if (parts.hasFigures() || (parts.isGiven() && success)) {
      fillAnswer(record);
      return;
    }
    long written = parts.outcome().isPresent() ? 0 : written();
    if (parts.outcome().isPresent() || (!success && written == 0)) {
      return;
    }
    if (success) {
      LOG.log(
          Level.WARNING, "tollgate: no usage was recorded of {0}, it is estimated", requestId());
    }
    record
        .setUsageSource(UsageSource.USAGE_SOURCE_ESTIMATED)
        .setUsage(
            io.tollgate.v1.Usage.newBuilder()
                .setInputTokenCount(check.getInputTokenCount())
                .setCacheReadTokenCount(check.getCacheReadTokenCount())
                .setCacheWrite5MTokenCount(check.getCacheWrite5MTokenCount())
                .setCacheWrite1HTokenCount(check.getCacheWrite1HTokenCount())
                .setOutputTokenCount(written));
  }

  /** Estimates the output that has come. */
  private long written() {
    return Tokens.estimate(output.toString(), client.tokenizer());
  }

  private void fillAnswer(RecordUsageRequest.Builder record) {
    // A stream that broke off has told its input, and its output only to begin with.
    OptionalLong begun = parts.begunOutput();
    long written = begun.isPresent() ? written() : 0;
    boolean broken = begun.isPresent() && written > begun.getAsLong();
    List<String> json;
    try {
      json = Parts.toJson(broken ? parts.withOutput(written) : parts.events());
    } catch (IllegalArgumentException error) {
      LOG.log(Level.WARNING, "tollgate: this has no usage that can be read", error);
      json = List.of("{}");
    }
    record
        .setUsageSource(
            broken
                ? UsageSource.USAGE_SOURCE_ESTIMATED
                : UsageSource.USAGE_SOURCE_PROVIDER)
        .setAcceptUnread(true)
        .setContextId(check.getContextId())
        .setProviderAnswer(
            io.tollgate.v1.ProviderAnswer.newBuilder().setProvider(provider).addAllJson(json));
  }

  /** The tier that served as far as the caller knows; that of an answer is read by the server. */
  private void setTier(RecordUsageRequest.Builder record) {
    if (givenTier != null) {
      record.setServiceTier(givenTier.toProto());
    } else if (given != null || !parts.namesTier()) {
      record.setServiceTier(check.getServiceTier());
    }
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
