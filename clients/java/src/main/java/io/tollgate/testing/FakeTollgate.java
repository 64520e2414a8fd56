package io.tollgate.testing;

import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.tollgate.Client;
import io.tollgate.Times;
import io.tollgate.v1.AccessServiceGrpc;
import io.tollgate.v1.CheckAndRouteRequest;
import io.tollgate.v1.CheckAndRouteResponse;
import io.tollgate.v1.Decision;
import io.tollgate.v1.ExtendHoldRequest;
import io.tollgate.v1.ExtendHoldResponse;
import io.tollgate.v1.ListHoldsRequest;
import io.tollgate.v1.ListHoldsResponse;
import io.tollgate.v1.Money;
import io.tollgate.v1.Reason;
import io.tollgate.v1.RecordUsageBatchRequest;
import io.tollgate.v1.RecordUsageBatchResponse;
import io.tollgate.v1.RecordUsageRequest;
import io.tollgate.v1.RecordUsageResponse;
import io.tollgate.v1.RecordUsageResult;
import io.tollgate.v1.ReleaseHoldRequest;
import io.tollgate.v1.ReleaseHoldResponse;
import io.tollgate.v1.UsageServiceGrpc;
import io.tollgate.v1.Verdict;
import io.tollgate.v1.WhoAmIRequest;
import io.tollgate.v1.WhoAmIResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * A server that answers every check with the decision that was set last, and keeps the requests that
 * it receives, on a free port of loopback until it is closed. Safe for several threads.
 *
 * <p>Everything is allowed until another decision is set. It has no limits and no prices: costs are
 * zero. Methods other than those of the guard are {@code UNIMPLEMENTED}.
 */
public final class FakeTollgate implements AutoCloseable {

  private static final Money NOTHING =
      Money.newBuilder().setCurrencyCode("USD").setAmount("0").build();

  private final Server server;

  // Guarded by this.
  private CheckAndRouteResponse answer;
  private Status failure = Status.OK;
  private final List<CheckAndRouteRequest> checks = new ArrayList<>();
  private final List<RecordUsageRequest> records = new ArrayList<>();
  private final List<ReleaseHoldRequest> releases = new ArrayList<>();

  /** Begins to listen. */
  public FakeTollgate() {
    answer = decided(Decision.DECISION_ALLOWED).build();
    try {
      server =
          Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
              .addService(new Usage())
              .addService(new Access())
              .build()
              .start();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Where it listens. */
  public String address() {
    return "127.0.0.1:" + server.getPort();
  }

  /** Makes a client of it, with defaults for everything else. */
  public Client client() {
    return Client.connect(address());
  }

  /** Allows checks from now on. */
  public void allow() {
    say(decided(Decision.DECISION_ALLOWED));
  }

  /** Blocks checks from now on; no wait helps. */
  public void block(Reason reason) {
    block(reason, null);
  }

  /**
   * Blocks checks from now on.
   *
   * @param retryAfter how long to wait; null where no wait helps
   */
  public void block(Reason reason, Duration retryAfter) {
    CheckAndRouteResponse.Builder blocked =
        decided(Decision.DECISION_BLOCKED)
            .setReason(reason)
            .addVerdicts(Verdict.newBuilder().setReason(reason).setBlocking(true));
    if (retryAfter != null) {
      blocked.setRetryAfter(Times.durationOf(retryAfter));
    }
    say(blocked);
  }

  /** Leads checks to another model from now on. */
  public void route(String model) {
    say(
        decided(Decision.DECISION_ROUTED)
            .setModelId(model)
            .setReason(Reason.REASON_EXHAUSTED));
  }

  /**
   * Fails every call from now on, also records: with {@code UNAVAILABLE} as if there were no server.
   */
  public synchronized void fail(Status.Code code) {
    failure = code.toStatus().withDescription("as the test wants it");
  }

  /** What it was asked. */
  public synchronized List<CheckAndRouteRequest> checks() {
    return List.copyOf(checks);
  }

  /** What it was given: {@link Client#flush()} before. */
  public synchronized List<RecordUsageRequest> records() {
    return List.copyOf(records);
  }

  /** The holds that it was given back, as of calls that never started. */
  public synchronized List<ReleaseHoldRequest> releases() {
    return List.copyOf(releases);
  }

  /** Listens no longer. */
  @Override
  public void close() {
    server.shutdownNow();
  }

  private static CheckAndRouteResponse.Builder decided(Decision decision) {
    return CheckAndRouteResponse.newBuilder().setDecision(decision);
  }

  private synchronized void say(CheckAndRouteResponse.Builder said) {
    answer = said.build();
    failure = Status.OK;
  }

  private <T> void answer(StreamObserver<T> caller, Supplier<T> make) {
    T made;
    synchronized (this) {
      if (!failure.isOk()) {
        caller.onError(failure.asRuntimeException());
        return;
      }
      made = make.get();
    }
    caller.onNext(made);
    caller.onCompleted();
  }

  private synchronized RecordUsageResponse recorded(RecordUsageRequest record) {
    records.add(record);
    return RecordUsageResponse.newBuilder()
        .setCost(NOTHING)
        .setUsage(record.getUsage())
        .setModelId(record.getModelId())
        .setAttempt(record.getAttempt())
        .build();
  }

  private final class Access extends AccessServiceGrpc.AccessServiceImplBase {
    @Override
    public void whoAmI(WhoAmIRequest request, StreamObserver<WhoAmIResponse> caller) {
      answer(caller, WhoAmIResponse::getDefaultInstance);
    }
  }

  private final class Usage extends UsageServiceGrpc.UsageServiceImplBase {
    @Override
    public void checkAndRoute(
        CheckAndRouteRequest check, StreamObserver<CheckAndRouteResponse> caller) {
      answer(
          caller,
          () -> {
            checks.add(check);
            return CheckAndRouteResponse.newBuilder()
                .setRequestId(check.getRequestId())
                .setModelId(check.getModelId())
                .setHeld(NOTHING)
                .mergeFrom(answer)
                .build();
          });
    }

    @Override
    public void recordUsage(
        RecordUsageRequest record, StreamObserver<RecordUsageResponse> caller) {
      answer(caller, () -> recorded(record));
    }

    @Override
    public void recordUsageBatch(
        RecordUsageBatchRequest batch, StreamObserver<RecordUsageBatchResponse> caller) {
      answer(
          caller,
          () -> {
            RecordUsageBatchResponse.Builder all = RecordUsageBatchResponse.newBuilder();
            for (RecordUsageRequest record : batch.getRecordsList()) {
              all.addResults(RecordUsageResult.newBuilder().setRecord(recorded(record)));
            }
            return all.build();
          });
    }

    @Override
    public void releaseHold(
        ReleaseHoldRequest release, StreamObserver<ReleaseHoldResponse> caller) {
      answer(
          caller,
          () -> {
            releases.add(release);
            return ReleaseHoldResponse.getDefaultInstance();
          });
    }

    @Override
    public void extendHold(ExtendHoldRequest extend, StreamObserver<ExtendHoldResponse> caller) {
      answer(caller, ExtendHoldResponse::getDefaultInstance);
    }

    @Override
    public void listHolds(ListHoldsRequest request, StreamObserver<ListHoldsResponse> caller) {
      answer(caller, ListHoldsResponse::getDefaultInstance);
    }
  }
}
