package io.tollgate;

import static io.tollgate.support.Wait.LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tollgate.support.Server;
import io.tollgate.support.Workspace;
import io.tollgate.v1.Hold;
import io.tollgate.v1.HoldState;
import io.tollgate.v1.ListHoldsRequest;
import io.tollgate.v1.Outcome;
import io.tollgate.v1.UsageRecord;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Calls whose provider answers later, against the real server. */
class ResumeTest {

  private static final String QUEUED =
      """
      {"id": "resp_1", "object": "response", "status": "queued", "background": true,
       "model": "gpt-4.1", "output": [], "usage": null}""";
  private static final String COMPLETED =
      """
      {"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-4.1",
       "usage": {"input_tokens": 1000, "output_tokens": 100}}""";

  private Client client;
  private Client other;
  private Workspace workspace;

  @BeforeEach
  void connect() throws IOException {
    client = Server.shared().client();
    other = Server.shared().client();
    workspace = new Workspace(client);
  }

  @AfterEach
  void close() {
    client.close();
    other.close();
  }

  @Test
  void anAnswerThatComesLaterIsRecordedOnce() throws IOException {
    begin("job");
    assertEquals(List.of(), workspace.records());
    Instant end = Times.timeOf(liveHolds().get(0).getExpireTime());
    assertTrue(end.isAfter(Instant.now().plus(Duration.ofHours(23))), end::toString);

    resume(other, QUEUED);
    IOException down = new IOException("the provider is down");
    for (Object answer : Arrays.asList(QUEUED, null, "Service temporarily unavailable")) {
      IOException thrown =
          assertThrows(
              IOException.class,
              () ->
                  other.resume(
                      ResumeRequest.of(workspace.id(), "job"),
                      call -> {
                        call.record(answer);
                        throw down;
                      }));
      assertSame(down, thrown);
    }
    other.resume(ResumeRequest.of(workspace.id(), "job")).close();
    assertEquals(0, other.flush(LONG));
    assertEquals(List.of(), workspace.records());
    assertEquals(1, liveHolds().size());

    for (Client one : List.of(client, other, other)) {
      resume(one, COMPLETED);
      assertEquals(0, one.stats().refused());
    }
    List<UsageRecord> records = workspace.records();
    assertEquals(1, records.size(), records::toString);
    assertEquals("job", records.get(0).getRequestId());
    assertEquals(Usage.of(1000, 100), Usage.fromProto(records.get(0).getUsage()));
    assertEquals(new BigDecimal("0.0028"), workspace.spent());
    assertEquals(0, workspace.holds());
  }

  @Test
  void resumeKnowsTheModelAndTheAttemptOfTheHold() {
    try (Call call = client.guard(request("again").waitForRecord(true).build())) {
      call.record(Usage.of(1, 1));
    }
    begin("again");
    ResumeRequest request = ResumeRequest.of(workspace.id(), "again").withWaitForRecord(true);
    try (Call call = client.resume(request)) {
      assertEquals("gpt-4.1", call.model());
      assertEquals(1, call.attempt());
      assertTrue(call.held().isPresent() && call.expireTime().isPresent());
      assertFalse(call.unchecked());
      call.record(Map.of("usage", Map.of("input_tokens", 10, "output_tokens", 5)));
    }
    assertEquals(2, workspace.records().size());
    assertEquals(0, workspace.holds());
    assertThrows(IllegalArgumentException.class, () -> ResumeRequest.of("", "again"));
  }

  @Test
  void aHoldIsKeptAliveWhileItsAnswerIsAwaited() throws InterruptedException {
    GuardRequest request = request("patient").hold(Duration.ofSeconds(2)).build();
    client.guard(
        request,
        call -> {
          assertEquals("gpt-4.1", call.model());
          call.record(QUEUED);
          Thread.sleep(4000);
          assertEquals(1, liveHolds().size());
          call.record(COMPLETED);
          return null;
        });
    assertEquals(
        Usage.of(1000, 100), Usage.fromProto(workspace.records(1).get(0).getUsage()));
    assertEquals(0, workspace.holds());
  }

  @ParameterizedTest
  @CsvSource({"failed, OUTCOME_ERROR", "cancelled, OUTCOME_CANCELLED"})
  void whatTheProviderSaysOfTheEndCounts(String status, String outcome) {
    begin(status);
    client.resume(
        ResumeRequest.of(workspace.id(), status),
        call -> {
          call.record(Map.of("object", "response", "status", status));
          return null;
        });
    UsageRecord record = workspace.records(1).get(0);
    assertEquals(outcome, record.getOutcome().name());
    assertEquals(Usage.of(0, 0), Usage.fromProto(record.getUsage()));
    workspace.untilNoHolds();
  }

  /** The first event of a stream is in progress, too, but its answer cannot be polled. */
  @Test
  void aStreamThatIsCutIsNoPromise() {
    Call call = client.guard(request("cut").build());
    call.record(
        Map.of(
            "type",
            "response.created",
            "response",
            Map.of("id", "resp_1", "status", "in_progress", "background", false)));
    call.close(new InterruptedException());
    assertEquals(Outcome.OUTCOME_CANCELLED, workspace.records(1).get(0).getOutcome());
    workspace.untilNoHolds();
  }

  /** Begins a call whose answer is awaited. */
  private void begin(String id) {
    client.guard(
        request(id).build(),
        call -> {
          call.record(QUEUED);
          return call.model();
        });
    assertEquals(0, client.flush(LONG));
  }

  private void resume(Client by, String answer) {
    by.resume(
        ResumeRequest.of(workspace.id(), "job"),
        call -> {
          call.record(answer);
          return null;
        });
    assertEquals(0, by.flush(LONG));
  }

  private GuardRequest.Builder request(String id) {
    return GuardRequest.builder(workspace.id(), "gpt-4.1").inputTokens(1000).requestId(id);
  }

  private List<Hold> liveHolds() {
    return client
        .usage()
        .listHolds(
            ListHoldsRequest.newBuilder()
                .setWorkspaceId(workspace.id())
                .setState(HoldState.HOLD_STATE_LIVE)
                .build())
        .getHoldsList();
  }
}
