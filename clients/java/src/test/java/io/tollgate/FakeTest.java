package io.tollgate;

import static io.tollgate.support.Wait.LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.tollgate.support.Wait;
import io.tollgate.testing.FakeTollgate;
import io.tollgate.v1.GetBudgetRequest;
import io.tollgate.v1.Outcome;
import io.tollgate.v1.Reason;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

/** The fake for tests of users; and guards around what ends on another thread. */
class FakeTest {

  private static final Usage USED = Usage.of(1000, 100);

  private static GuardRequest.Builder ask() {
    return GuardRequest.builder("acme", "gpt-4.1").inputTokens(1000);
  }

  private static String run(Client client, GuardRequest.Builder request) {
    return client.guard(
        request.build(),
        call -> {
          call.record(USED);
          return call.model();
        });
  }

  @Test
  void itAnswersAsItIsToldAndKeepsWhatItIsGiven() {
    try (FakeTollgate tollgate = new FakeTollgate();
        Client client = tollgate.client()) {
      client.ready(LONG);
      assertEquals("gpt-4.1", run(client, ask().user("ada")));
      assertEquals(0, client.flush(LONG));
      assertEquals(USED, Usage.fromProto(tollgate.records().get(0).getUsage()));
      assertEquals("ada", tollgate.checks().get(0).getAttribution().getUserId());

      tollgate.route("gpt-4.1-mini");
      Call call = client.guard(ask().waitForRecord(true).build());
      call.record(USED);
      call.close();
      assertTrue(call.routed());
      assertEquals(USED, call.recorded().orElseThrow().usage());
      assertEquals(Money.of("0", "USD"), call.recorded().orElseThrow().cost());
      assertEquals("gpt-4.1-mini", tollgate.records().get(1).getModelId());

      tollgate.block(Reason.REASON_RATE_LIMITED, Duration.ofSeconds(9));
      BlockedException blocked = assertThrows(BlockedException.class, () -> run(client, ask()));
      assertEquals(Reason.REASON_RATE_LIMITED, blocked.reason());
      assertEquals(Reason.REASON_RATE_LIMITED, blocked.verdicts().get(0).reason());
      assertEquals(Duration.ofSeconds(9), blocked.retryAfter().orElseThrow());
      tollgate.block(Reason.REASON_EXHAUSTED);
      blocked = assertThrows(BlockedException.class, () -> run(client, ask()));
      assertTrue(blocked.retryAfter().isEmpty());

      tollgate.allow();
      client.guard(ask().requestId("idle").build(), idle -> null);
      client.resume(ResumeRequest.of("acme", "job"), job -> null);
      assertEquals(0, client.flush(LONG));
      assertEquals("idle", tollgate.releases().get(0).getRequestId());
      StatusRuntimeException missing =
          assertThrows(
              StatusRuntimeException.class,
              () -> client.budget().getBudget(GetBudgetRequest.getDefaultInstance()));
      assertEquals(Status.Code.UNIMPLEMENTED, missing.getStatus().getCode());
    }
  }

  @Test
  void itFailsAsItIsTold() {
    try (FakeTollgate tollgate = new FakeTollgate();
        Client client =
            Client.builder()
                .address(tollgate.address())
                .onUnavailable(OnUnavailable.CLOSED)
                .breakDuration(Duration.ZERO)
                .build()) {
      tollgate.fail(Status.Code.UNAVAILABLE);
      assertThrows(TollgateUnavailableException.class, () -> run(client, ask()));
      assertEquals("gpt-4.1", run(client, ask().onUnavailable(OnUnavailable.OPEN)));
      assertEquals(0, tollgate.records().size());
      assertEquals(1, client.stats().queued());
      tollgate.fail(Status.Code.NOT_FOUND);
      assertThrows(StatusRuntimeException.class, () -> run(client, ask()));
      tollgate.allow();
      assertEquals(0, client.flush(LONG));
    }
  }

  @Test
  void whatEndsOnAnotherThreadIsRecordedAsItEnds() {
    try (FakeTollgate tollgate = new FakeTollgate();
        Client client = tollgate.client()) {
      CompletableFuture<String> llm = new CompletableFuture<>();
      CompletionStage<String> guarded =
          client.guardAsync(
              ask().build(),
              call -> llm.thenApply(answer -> {
                call.record(USED);
                return call.model() + answer;
              }));
      Wait.until(() -> tollgate.checks().size() == 1, () -> "it is not checked");
      assertEquals(0, client.flush(LONG));
      assertEquals(0, tollgate.records().size(), "it goes on");
      llm.complete("!");
      assertEquals("gpt-4.1!", guarded.toCompletableFuture().join());
      assertEquals(Outcome.OUTCOME_SUCCESS, recorded(client, tollgate, 1));

      ArithmeticException own = new ArithmeticException();
      CompletionStage<Object> failed =
          client.guardAsync(
              ask().build(),
              call -> {
                assertEquals("gpt-4.1", call.model());
                return CompletableFuture.failedFuture(own);
              });
      assertEquals(own, failure(failed));
      assertEquals(Outcome.OUTCOME_ERROR, recorded(client, tollgate, 2));
      CompletionStage<Object> thrown =
          client.guardAsync(
              ask().build(),
              call -> {
                assertEquals("gpt-4.1", call.model());
                throw own;
              });
      assertEquals(own, failure(thrown));
      assertEquals(Outcome.OUTCOME_ERROR, recorded(client, tollgate, 3));

      CompletableFuture<Object> endless = new CompletableFuture<>();
      CompletableFuture<Object> cancelled =
          client
              .guardAsync(
                  ask().build(),
                  call -> {
                    assertEquals("gpt-4.1", call.model());
                    return endless;
                  },
                  Runnable::run)
              .toCompletableFuture();
      cancelled.cancel(true);
      assertTrue(endless.isCancelled(), "the call itself is cancelled, too");
      assertEquals(Outcome.OUTCOME_CANCELLED, recorded(client, tollgate, 4));

      tollgate.block(Reason.REASON_EXHAUSTED);
      CompletionStage<Object> blocked = client.guardAsync(ask().build(), call -> endless);
      assertInstanceOf(BlockedException.class, failure(blocked));
    }
  }

  private static Outcome recorded(Client client, FakeTollgate tollgate, int count) {
    Wait.until(
        () -> client.flush(LONG) == 0 && tollgate.records().size() == count,
        () -> "it is not recorded");
    return tollgate.records().get(count - 1).getOutcome();
  }

  private static Throwable failure(CompletionStage<?> stage) {
    CompletionException error =
        assertThrows(CompletionException.class, () -> stage.toCompletableFuture().join());
    return error.getCause();
  }
}
