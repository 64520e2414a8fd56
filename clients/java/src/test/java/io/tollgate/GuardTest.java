package io.tollgate;

import static io.tollgate.support.Wait.LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.tollgate.support.Log;
import io.tollgate.support.Server;
import io.tollgate.support.Workspace;
import io.tollgate.v1.ApiKey;
import io.tollgate.v1.BudgetState;
import io.tollgate.v1.CreateRateLimitRequest;
import io.tollgate.v1.CreateWorkspaceRequest;
import io.tollgate.v1.Decision;
import io.tollgate.v1.EnableModelRequest;
import io.tollgate.v1.LimitKind;
import io.tollgate.v1.LimitPeriod;
import io.tollgate.v1.LimitUnit;
import io.tollgate.v1.ListHoldsRequest;
import io.tollgate.v1.Model;
import io.tollgate.v1.Outcome;
import io.tollgate.v1.Price;
import io.tollgate.v1.RateLimit;
import io.tollgate.v1.RateLimitBound;
import io.tollgate.v1.Reason;
import io.tollgate.v1.RegisterApiKeyRequest;
import io.tollgate.v1.SetModelPriceRequest;
import io.tollgate.v1.Subject;
import io.tollgate.v1.SubjectType;
import io.tollgate.v1.UnitKind;
import io.tollgate.v1.UpsertModelRequest;
import io.tollgate.v1.UsageRecord;
import io.tollgate.v1.UsageSource;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The guard against the real server: what it lets pass, and what is in the log afterwards. */
class GuardTest {

  private static final Usage USED = Usage.of(1000, 100);
  private static final String CHAT =
      """
      {"object": "chat.completion", "model": "gpt-4.1-2025-04-14", "service_tier": "flex",
       "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}""";

  private Client client;
  private Workspace workspace;

  @BeforeEach
  void connect() throws IOException {
    client = Server.shared().client();
    workspace = new Workspace(client);
  }

  @AfterEach
  void close() {
    client.close();
  }

  @Test
  void successIsRecordedWithAllThatIsKnown() {
    Instant before = Instant.now();
    GuardRequest request =
        request()
            .maxOutputTokens(500)
            .user("ada")
            .department("research")
            .project(null)
            .tags(Map.of("team", "x"))
            .build();
    String id =
        client.guard(
            request,
            call -> {
              assertEquals("gpt-4.1", call.model());
              assertEquals(Optional.of(Decision.DECISION_ALLOWED), call.decision());
              assertFalse(call.routed());
              assertEquals(0, new BigDecimal("0.006").compareTo(call.held().get().amount()));
              assertTrue(call.expireTime().get().isAfter(before));
              assertEquals(BudgetState.BUDGET_STATE_WITHIN_PLAN, call.budgetState());
              call.record(CHAT);
              return call.requestId();
            });
    Instant after = Instant.now();
    assertEquals(0, client.flush(LONG));
    UsageRecord record = only();
    assertEquals(id, record.getRequestId());
    assertEquals("gpt-4.1-2025-04-14", record.getModelId());
    assertEquals(io.tollgate.v1.ServiceTier.SERVICE_TIER_FLEX, record.getServiceTier());
    assertEquals(Outcome.OUTCOME_SUCCESS, record.getOutcome());
    assertEquals(UsageSource.USAGE_SOURCE_PROVIDER, record.getUsageSource());
    assertEquals(USED, Usage.fromProto(record.getUsage()));
    assertEquals("ada", record.getAttribution().getUserId());
    assertEquals("", record.getAttribution().getProjectId());
    assertEquals(Map.of("team", "x"), record.getAttribution().getTagsMap());
    Instant start = Times.timeOf(record.getStartTime());
    assertTrue(start.isAfter(before.minusSeconds(1)) && !start.isAfter(after), start::toString);
    assertEquals(0, workspace.holds());
    assertEquals(new Stats(0, 1, 0, 0), client.stats());
  }

  @Test
  void waitingTellsTheCost() {
    Call call = client.guard(request().waitForRecord(true).build());
    try (call) {
      call.record(USED, call.model(), ServiceTier.STANDARD);
    }
    assertEquals(Money.of("0.0028", "USD"), call.recorded().orElseThrow().cost());
    assertEquals("gpt-4.1", call.recorded().orElseThrow().model());
    assertEquals(new BigDecimal("0.0028"), workspace.spent());
    assertEquals(new Stats(0, 1, 0, 0), client.stats());
  }

  @Test
  void anExceptionIsRecordedAsAnErrorAndGoesOn() throws IOException {
    IOException error = new IOException("provider is down");
    IOException thrown =
        assertThrows(
            IOException.class,
            () ->
                client.guard(
                    request().build(),
                    call -> {
                      assertEquals("gpt-4.1", call.model());
                      throw error;
                    }));
    assertSame(error, thrown);
    UsageRecord record = only();
    assertEquals(Outcome.OUTCOME_ERROR, record.getOutcome());
    assertEquals(io.tollgate.v1.Usage.getDefaultInstance(), record.getUsage());
    workspace.untilNoHolds();
  }

  static Stream<Exception> cancellations() {
    return Stream.of(
        new InterruptedException(),
        new CancellationException(),
        new CompletionException(new CancellationException()),
        new IllegalStateException(new InterruptedException()));
  }

  @ParameterizedTest
  @MethodSource("cancellations")
  void whoGivesUpIsRecordedAsCancelled(Exception error) {
    Exception thrown =
        assertThrows(
            Exception.class,
            () ->
                client.guard(
                    request().build(),
                    call -> {
                      assertEquals("gpt-4.1", call.model());
                      call.appendOutput("x".repeat(400));
                      throw error;
                    }));
    assertSame(error, thrown);
    UsageRecord record = only();
    assertEquals(Outcome.OUTCOME_CANCELLED, record.getOutcome());
    assertEquals(UsageSource.USAGE_SOURCE_ESTIMATED, record.getUsageSource());
    assertEquals(Usage.of(1000, 100), Usage.fromProto(record.getUsage()));
  }

  @Test
  void anInterruptedThreadDoesNotWaitAndLosesNothing() throws InterruptedException {
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    CountDownLatch begun = new CountDownLatch(1);
    Thread thread =
        new Thread(
            () -> {
              try {
                client.guard(
                    request().waitForRecord(true).build(),
                    call -> {
                      call.record(CHAT);
                      begun.countDown();
                      new CountDownLatch(1).await();
                      return null;
                    });
              } catch (InterruptedException | RuntimeException error) {
                thrown.set(error);
              }
            });
    thread.start();
    begun.await();
    thread.interrupt();
    thread.join();
    assertEquals(InterruptedException.class, thrown.get().getClass());
    assertEquals(Outcome.OUTCOME_CANCELLED, only().getOutcome());
  }

  @Test
  void aCallThatNeverStartedGivesItsHoldBack() {
    client.guard(
        request().build(),
        call -> {
          assertEquals(1, workspace.holds());
          return null;
        });
    assertThrows(
        ArithmeticException.class,
        () ->
            client.guard(
                request().build(),
                call -> {
                  throw new ArithmeticException();
                }));
    client.guard(request().build()).close();
    assertEquals(0, client.flush(LONG));
    assertEquals(0, workspace.holds());
    assertEquals(List.of(), workspace.records());
  }

  @Test
  void aCallWithoutUsageIsEstimated() {
    try (Log log = new Log()) {
      client.guard(
          GuardRequest.builder(workspace.id(), "gpt-4.1").prompt("x".repeat(41)).build(),
          call -> {
            call.appendOutput("four");
            return call.model();
          });
      UsageRecord record = only();
      assertEquals(Outcome.OUTCOME_SUCCESS, record.getOutcome());
      assertEquals(UsageSource.USAGE_SOURCE_ESTIMATED, record.getUsageSource());
      assertEquals(Usage.of(11, 1), Usage.fromProto(record.getUsage()));
      assertTrue(log.text().contains("no usage was recorded"), log.text());
    }
  }

  @Test
  void aTokenizerCountsInsteadOfTheEstimate() throws IOException {
    try (Client counting =
        Client.builder()
            .address(Server.shared().address())
            .timeout(LONG)
            .flushTimeout(LONG)
            .tokenizer(String::length)
            .build()) {
      counting.guard(
          GuardRequest.builder(workspace.id(), "gpt-4.1")
              .messages(List.of(Map.of("role", "user", "content", "seven 7")))
              .build(),
          call -> {
            call.appendOutput("one");
            call.appendOutput("two");
            return call.model();
          });
    }
    assertEquals(Usage.of(7, 6), Usage.fromProto(only().getUsage()));
  }

  @Test
  void aTokenizerThatFailsIsNotAskedWhereAnAnswerIsThere() throws IOException {
    try (Client failing =
        Client.builder()
            .address(Server.shared().address())
            .timeout(LONG)
            .flushTimeout(LONG)
            .tokenizer(
                text -> {
                  throw new IllegalStateException("no vocabulary");
                })
            .build()) {
      failing.guard(
          request().build(),
          call -> {
            call.appendOutput("one");
            call.record(CHAT);
            return call.model();
          });
    }
    assertEquals(USED, Usage.fromProto(only().getUsage()));
  }

  @Test
  void aPlainTryKnowsOnlyWhetherUsageWasRecorded() {
    try (Call call = client.guard(request().requestId("known").build())) {
      call.record(USED);
    }
    try (Call call = client.guard(request().requestId("unknown").build())) {
      assertEquals("gpt-4.1", call.model());
    }
    List<UsageRecord> records = workspace.records(2);
    assertEquals("known", records.get(0).getRequestId());
    assertEquals(Outcome.OUTCOME_SUCCESS, records.get(0).getOutcome());
    assertEquals(Outcome.OUTCOME_ERROR, records.get(1).getOutcome());
  }

  @Test
  void whatEndsElsewhereSaysHow() {
    Call call = client.guard(request().build());
    CompletableFuture<String> future = new CompletableFuture<>();
    CompletableFuture<String> guarded =
        future.whenComplete(
            (answer, error) -> {
              call.record(answer);
              call.close(error);
            });
    assertEquals("gpt-4.1", call.model());
    future.completeExceptionally(new CancellationException());
    assertTrue(guarded.isCompletedExceptionally());
    call.close();
    call.close(new IllegalStateException("only the first one counts"));
    assertEquals(0, client.flush(LONG));
    assertEquals(1, workspace.records().size());
    assertEquals(Outcome.OUTCOME_CANCELLED, only().getOutcome());
  }

  @Test
  void aStreamThatBrokeOffKeepsTheLargerOutput() {
    client.guard(
        request().build(),
        call -> {
          call.record(
              """
              {"type": "message_start", "message": {"type": "message", "model": "claude-x",
               "usage": {"input_tokens": 30, "output_tokens": 1, "cache_read_input_tokens": 5}}}
              """);
          call.appendOutput("x".repeat(40));
          return null;
        });
    UsageRecord record = only();
    assertEquals(UsageSource.USAGE_SOURCE_ESTIMATED, record.getUsageSource());
    assertEquals(30, record.getUsage().getInputTokenCount());
    assertEquals(5, record.getUsage().getCacheReadTokenCount());
    assertEquals(10, record.getUsage().getOutputTokenCount());
    assertEquals("claude-x", record.getModelId());
  }

  @Test
  void aCapRoutesAndSaysWhy() {
    workspace.cap("gpt-4.1", "0.001");
    client.guard(
        request().maxOutputTokens(500).build(),
        call -> {
          assertTrue(call.routed());
          assertEquals("gpt-4.1-mini", call.model());
          assertEquals(LimitKind.LIMIT_KIND_MODEL_LIMIT, call.verdicts().get(0).limitKind());
          call.record(USED);
          return null;
        });
    assertEquals("gpt-4.1-mini", only().getModelId());
  }

  @Test
  void blockedNamesTheLimitAndItsFigures() {
    workspace.cap("gpt-4.1", "0.001");
    workspace.fallback(false);
    BlockedException blocked =
        assertThrows(
            BlockedException.class,
            () ->
                client.guard(
                    request().maxOutputTokens(500).requestId("r1").build(),
                    call -> {
                      throw new AssertionError("the block must not run");
                    }));
    assertEquals("r1", blocked.requestId());
    assertEquals(Optional.empty(), blocked.retryAfter());
    Verdict verdict = blocked.verdicts().get(0);
    assertEquals(Money.of("0.001", "USD"), verdict.limit().get());
    assertTrue(verdict.resetTime().isPresent());
    assertTrue(verdict.blocking());
    String text = blocked.getMessage();
    assertTrue(text.contains("model limit of model gpt-4.1: "), text);
    assertTrue(text.contains("(limit 0.001 USD, spent 0.00, held 0.00, need 0.006)"), text);
    assertEquals(List.of(), workspace.records());
    assertEquals(0, workspace.holds());
  }

  @Test
  void aWorkspaceWithoutAPlanRunsWhatIsFree() {
    String id = Workspace.newId();
    client
        .workspace()
        .createWorkspace(
            CreateWorkspaceRequest.newBuilder()
                .setWorkspace(
                    io.tollgate.v1.Workspace.newBuilder()
                        .setWorkspaceId(id)
                        .setCurrencyCode("USD"))
                .build());
    client
        .catalog()
        .upsertModel(
            UpsertModelRequest.newBuilder()
                .setModel(Model.newBuilder().setModelId("free"))
                .build());
    client
        .catalog()
        .setModelPrice(
            SetModelPriceRequest.newBuilder()
                .setModelId("free")
                .setPrice(
                    Price.newBuilder()
                        .setCurrencyCode("USD")
                        .setInputPerMillion("0")
                        .setOutputPerMillion("0"))
                .build());
    for (String model : List.of("free", "gpt-4.1")) {
      client
          .modelLimit()
          .enableModel(
              EnableModelRequest.newBuilder().setWorkspaceId(id).setModelId(model).build());
    }
    client
        .apiKey()
        .registerApiKey(
            RegisterApiKeyRequest.newBuilder()
                .setWorkspaceId(id)
                .setApiKey(ApiKey.newBuilder().setApiKeyId("web"))
                .build());
    client.guard(
        GuardRequest.builder(id, "free").inputTokens(1).apiKey("web").build(),
        call -> {
          assertEquals(BudgetState.BUDGET_STATE_NO_PLAN, call.budgetState());
          call.record(USED);
          return null;
        });
    GuardRequest costly = GuardRequest.builder(id, "gpt-4.1").inputTokens(1).apiKey("web").build();
    BlockedException blocked =
        assertThrows(BlockedException.class, () -> client.guard(costly));
    assertEquals(LimitKind.LIMIT_KIND_ENVELOPE, blocked.verdicts().get(0).limitKind());
  }

  @Test
  void aRateLimitSaysWhenToRetry() {
    client
        .quota()
        .createRateLimit(
            CreateRateLimitRequest.newBuilder()
                .setWorkspaceId(workspace.id())
                .setRateLimit(
                    RateLimit.newBuilder()
                        .setSubject(
                            Subject.newBuilder()
                                .setType(SubjectType.SUBJECT_TYPE_USER)
                                .setId("Ada_L"))
                        .addBounds(
                            RateLimitBound.newBuilder()
                                .setUnit(LimitUnit.LIMIT_UNIT_REQUESTS)
                                .setPeriod(LimitPeriod.LIMIT_PERIOD_SLIDING_DAY)
                                .setAmount(1)))
                .build());
    client.guard(request().user("Ada_L").build()).close(null);
    BlockedException blocked =
        assertThrows(
            BlockedException.class, () -> client.guard(request().user("Ada_L").build()));
    assertEquals(Reason.REASON_RATE_LIMITED, blocked.reason());
    Duration wait = blocked.retryAfter().orElseThrow();
    assertTrue(wait.compareTo(Duration.ZERO) > 0 && wait.compareTo(Duration.ofHours(25)) < 0);
    String text = blocked.getMessage();
    assertTrue(text.contains("rate limit of user Ada_L "), text);
    assertTrue(text.matches("(?s).*; retry after [0-9.]+ s"), text);
  }

  @ParameterizedTest
  @EnumSource(OnUnavailable.class)
  void defectsOfTheCallerAreThrownUnderBothPolicies(OnUnavailable policy) {
    StatusRuntimeException error =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                client.guard(
                    GuardRequest.builder("nobody", "gpt-4.1")
                        .inputTokens(1)
                        .onUnavailable(policy)
                        .build()));
    assertEquals(Status.Code.NOT_FOUND, error.getStatus().getCode());
  }

  @Test
  void aRequestMustSayItsInput() {
    GuardRequest.Builder nothing = GuardRequest.builder("w", "m").prompt(null);
    IllegalStateException error = assertThrows(IllegalStateException.class, nothing::build);
    assertEquals("a guard needs inputTokens, prompt or messages", error.getMessage());
  }

  @Test
  void aHoldCanBeExtended() {
    try (Call call = client.guard(request().hold(Duration.ofMinutes(30)).build())) {
      call.extend(Duration.ofHours(2));
      Instant end =
          Times.timeOf(
              client
                  .usage()
                  .listHolds(ListHoldsRequest.newBuilder().setWorkspaceId(workspace.id()).build())
                  .getHolds(0)
                  .getExpireTime());
      assertTrue(end.isAfter(Instant.now().plus(Duration.ofHours(1))));
    }
  }

  @Test
  void recordNeverThrows() {
    try (Log log = new Log()) {
      client.guard(
          request().build(),
          call -> {
            Stream<Object> nonsense =
                Stream.of(42, "not json", "{", new Object(), Map.of("usage", "many"), List.of());
            nonsense.forEach(call::record);
            call.record(null);
            call.record(Arrays.asList(null, Map.of()));
            call.record(CHAT);
            return null;
          });
      assertEquals(USED, Usage.fromProto(only().getUsage()));
      assertTrue(log.text().contains("no usage that can be read"), log.text());
    }
  }

  @Test
  void theLastAnswerReplacesTheOneBefore() {
    client.guard(
        request().build(),
        call -> {
          call.record(
              Map.of(
                  "object",
                  "chat.completion",
                  "usage",
                  Map.of(
                      "prompt_tokens", 9, "prompt_tokens_details", Map.of("cached_tokens", 8))));
          call.record(CHAT);
          return null;
        });
    assertEquals(USED, Usage.fromProto(only().getUsage()));
  }

  @Test
  void anAnswerThatIsNotUnderstoodCostsWhatWasHeld() {
    Map<String, Integer> usage = Map.of("prompt_tokens", 1, "completion_tokens", 1);
    List<Object> answers =
        List.of(
            "Service temporarily unavailable",
            Map.of("usage", Map.of("gizmo_tokens", 7)),
            42,
            List.of(Map.of("id", "a", "usage", usage), Map.of("id", "b", "usage", usage)));
    BigDecimal held = BigDecimal.ZERO;
    for (Object answer : answers) {
      held =
          held.add(
              client.guard(
                  request().maxOutputTokens(500).build(),
                  call -> {
                    call.record(answer);
                    return call.held().orElseThrow().amount();
                  }));
    }
    List<UsageRecord> records = workspace.records(answers.size());
    assertEquals(0, client.stats().refused());
    for (UsageRecord record : records) {
      assertTrue(record.getProviderAnswer().getUnread(), record::toString);
      assertFalse(record.getProviderAnswer().getJson().contains("unavailable"));
      assertEquals(UsageSource.USAGE_SOURCE_ESTIMATED, record.getUsageSource());
    }
    assertEquals(0, held.compareTo(workspace.spent()));
  }

  @Test
  void aLongStreamIsKeptByItsUsage() {
    String chunk =
        """
        {"object": "chat.completion.chunk", "id": "c", "model": "gpt-4.1",
         "choices": [{"delta": {"content": "SECRET"}}], "usage": %s}""";
    client.guard(
        request().build(),
        call -> {
          for (int at = 0; at < 300; at++) {
            call.record(chunk.formatted("null"));
          }
          call.record(chunk.formatted("{\"prompt_tokens\": 1000, \"completion_tokens\": 100}"));
          return call.model();
        });
    UsageRecord record = only();
    assertEquals(USED, Usage.fromProto(record.getUsage()));
    String kept = record.getProviderAnswer().getJson();
    assertTrue(kept.contains("gpt-4.1") && !kept.contains("SECRET"), kept);
  }

  @Test
  void anAnswerThatWasMadeIsTakenWithItsHint() {
    client.guard(
        request().build(),
        call -> {
          call.recordFrom("openai", Map.of("usage", Map.of("prompt_tokens", 9)));
          call.record(ProviderAnswer.from("azure", CHAT));
          return null;
        });
    UsageRecord record = only();
    assertEquals(USED, Usage.fromProto(record.getUsage()));
    assertEquals("azure", record.getProviderAnswer().getProvider());
  }

  /** The tier that was asked for is that of an answer that names none. */
  @ParameterizedTest
  @CsvSource({"'', BATCH", "auto, BATCH", "default, STANDARD"})
  void theTierIsTheOneThatServed(String said, String tier) {
    client.guard(
        request().serviceTier(ServiceTier.BATCH).build(),
        call -> {
          call.record(
              Map.of(
                  "service_tier", said,
                  "usage", Map.of("prompt_tokens", 1, "completion_tokens", 1)));
          return null;
        });
    assertEquals("SERVICE_TIER_" + tier, only().getServiceTier().name());
  }

  @Test
  void aRequestThatIsCheckedAgainIsTheNextAttempt() {
    for (int attempt = 0; attempt < 2; attempt++) {
      try (Call call = client.guard(request().requestId("job-77").waitForRecord(true).build())) {
        assertEquals(attempt, call.attempt());
        call.record(USED);
      }
    }
    assertEquals(2, workspace.records().size());
    assertEquals(0, workspace.holds());
  }

  @Test
  void unitsAndFactorsAreRecorded() {
    client.guard(
        request().build(),
        call -> {
          call.record(
              Usage.of(10, 0)
                  .withUnits(Map.of(UnitKind.UNIT_KIND_WEB_SEARCH, 3L))
                  .withFactors(List.of("us")));
          return null;
        });
    UsageRecord record = only();
    assertEquals(3, record.getUsage().getUnits(0).getCount());
    assertEquals(List.of("us"), List.copyOf(record.getFactorsList()));
  }

  private GuardRequest.Builder request() {
    return GuardRequest.builder(workspace.id(), "gpt-4.1").inputTokens(1000);
  }

  private UsageRecord only() {
    List<UsageRecord> records = workspace.records(1);
    assertEquals(1, records.size(), records::toString);
    return records.get(0);
  }
}
