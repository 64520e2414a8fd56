package io.tollgate;

import static io.tollgate.support.Wait.LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.tollgate.support.Log;
import io.tollgate.support.Server;
import io.tollgate.support.Wait;
import io.tollgate.support.Workspace;
import io.tollgate.v1.UnitKind;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** What happens where the server cannot be reached: wrong addresses, and the circuit breaker. */
class UnreachedTest {

  private static final String NOWHERE = "127.0.0.1:1";
  private static final Duration PAUSE = Duration.ofSeconds(10);

  @Test
  void anAddressLeadsToOnePlaceOrIsRefusedAtOnce() throws IOException {
    JsonObject file =
        JsonParser.parseString(Files.readString(Path.of("../conformance/address.json")))
            .getAsJsonObject();
    for (JsonElement one : file.getAsJsonArray("dialled")) {
      JsonObject dialled = one.getAsJsonObject();
      String address = dialled.get("address").getAsString();
      Address found = Address.parse(address, false);
      assertEquals(dialled.get("target").getAsString(), found.target());
      assertEquals(dialled.get("tls").getAsBoolean(), found.tls());
      Client.builder().address(address).build().close();
    }
    for (JsonElement refused : file.getAsJsonArray("refused")) {
      String address = refused.getAsString();
      IllegalArgumentException error =
          assertThrows(
              IllegalArgumentException.class,
              () -> Client.builder().address(address).build(),
              address);
      assertTrue(error.getMessage().contains("cannot be dialled"), error::getMessage);
      assertFalse(error.getMessage().contains("secret"), error::getMessage);
    }
    for (String address : List.of("http://127.0.0.1:1", "unix:/run/a")) {
      assertThrows(
          IllegalArgumentException.class, () -> Client.builder().address(address).tls().build());
    }
  }

  private static <T> Supplier<T> fail(RuntimeException error) {
    return () -> {
      throw error;
    };
  }

  private static StatusRuntimeException error(Status status) {
    return status.withDescription("as the test wants it").asRuntimeException();
  }

  @Test
  void aBreakerLetsOneCallFindOut() {
    AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1);
    Breaker breaker = new Breaker("here", PAUSE, PAUSE, now::get);
    AtomicLong calls = new AtomicLong();
    StatusRuntimeException down = error(Status.UNAVAILABLE);
    assertThrows(StatusRuntimeException.class, () -> breaker.call(fail(down)));
    for (int turn = 0; turn < 3; turn++) {
      StatusRuntimeException open =
          assertThrows(
              StatusRuntimeException.class, () -> breaker.call(calls::incrementAndGet));
      assertTrue(Breaker.isOpen(open) && open.getMessage().contains("as the test wants it"));
    }
    assertEquals(0, calls.get(), "nobody else waits");
    now.addAndGet(PAUSE.toNanos());
    breaker.call(
        () ->
            assertThrows(
                StatusRuntimeException.class, () -> breaker.call(calls::incrementAndGet)));
    breaker.call(calls::incrementAndGet);
    assertEquals(1, calls.get(), "it was answered, and all may pass");

    // Who gives up leaves it to the next to find out.
    assertThrows(StatusRuntimeException.class, () -> breaker.call(fail(down)));
    for (RuntimeException given : List.of(new CancellationException(), error(Status.CANCELLED))) {
      now.addAndGet(PAUSE.toNanos());
      assertThrows(RuntimeException.class, () -> breaker.call(fail(given)));
    }
    breaker.call(calls::incrementAndGet);
    assertEquals(2, calls.get());
  }

  @Test
  void aBreakerKnowsJudgementFromSilence() {
    Breaker breaker = new Breaker("here", PAUSE, PAUSE);
    for (Status judged : List.of(Status.NOT_FOUND, Status.UNAUTHENTICATED)) {
      assertThrows(StatusRuntimeException.class, () -> breaker.call(fail(error(judged))));
      assertEquals(1, breaker.<Integer>call(() -> 1));
    }
    Breaker never = new Breaker("here", Duration.ZERO, PAUSE);
    for (int turn = 0; turn < 2; turn++) {
      StatusRuntimeException thrown =
          assertThrows(
              StatusRuntimeException.class,
              () -> never.call(fail(error(Status.DEADLINE_EXCEEDED))));
      assertFalse(Breaker.isOpen(thrown));
    }
    assertThrows(
        StatusRuntimeException.class, () -> breaker.call(fail(error(Status.UNAVAILABLE))));
    breaker.stop();
    assertEquals(1, breaker.<Integer>call(() -> 1), "a closed client says so itself");
  }

  private static GuardRequest.Builder request(String workspace) {
    return GuardRequest.builder(workspace, "gpt-4.1").inputTokens(1);
  }

  private static boolean isUnchecked(Client client, GuardRequest request) {
    return client.guard(
        request,
        call -> {
          call.record(Usage.of(1, 0));
          return call.unchecked();
        });
  }

  @Test
  void whileAServerHangsOneCallWaitsAndItIsFoundAgain() throws Exception {
    Duration second = Duration.ofSeconds(1);
    try (Server server = new Server();
        Client admin = server.client();
        Client client = Client.builder().address(server.address()).timeout(second).build();
        Client patient =
            Client.builder()
                .address(server.address())
                .timeout(second)
                .breakDuration(Duration.ofMinutes(1))
                .build()) {
      GuardRequest ask = request(new Workspace(admin).id()).build();
      for (Client one : List.of(client, patient)) {
        one.ready(LONG);
        Wait.until(() -> !isUnchecked(one, ask), () -> "it is not checked");
        assertEquals(0, one.flush(LONG));
      }
      server.pause();
      assertTrue(isUnchecked(patient, ask));
      long begin = System.nanoTime();
      for (int turn = 0; turn < 50; turn++) {
        assertTrue(isUnchecked(patient, ask));
      }
      GuardRequest.Builder more = request(ask.check(null).getWorkspaceId());
      GuardRequest closed = more.onUnavailable(OnUnavailable.CLOSED).build();
      assertThrows(TollgateUnavailableException.class, () -> isUnchecked(patient, closed));
      GuardRequest waits =
          more.onUnavailable(OnUnavailable.OPEN).waitForRecord(true).build();
      TollgateUnavailableException queued =
          assertThrows(TollgateUnavailableException.class, () -> isUnchecked(patient, waits));
      assertTrue(queued.getMessage().contains("queued"), queued::getMessage);
      assertTrue(System.nanoTime() - begin < second.toNanos(), "each would have waited so long");
      assertTrue(isUnchecked(client, ask));
      server.resume();
      Wait.until(() -> !isUnchecked(client, ask), () -> "it is not found again");
      server.kill();
      assertTrue(isUnchecked(client, ask));
      server.start();
      Wait.until(() -> !isUnchecked(client, ask), () -> "it is not found again");
      assertEquals(0, client.flush(LONG));
      assertEquals(0, patient.flush(LONG));
    }
  }

  @Test
  void whoNeverReachedAServerSaysSoLoudly() throws IOException {
    try (Log log = new Log()) {
      Client client = Client.connect(NOWHERE);
      for (int turn = 0; turn < 5; turn++) {
        assertTrue(isUnchecked(client, request("w").build()));
      }
      assertTrue(
          log.text().contains("SEVERE tollgate has NEVER answered at " + NOWHERE), log::text);
      client.close(Duration.ZERO);
    }
    try (Log log = new Log();
        Server server = new Server();
        Client client = server.client()) {
      client.ready(LONG);
      server.kill();
      assertTrue(isUnchecked(client, request("w").build()));
      assertTrue(log.text().contains("running unchecked"), log::text);
      // Clients of tests beside this one log to the same place.
      assertFalse(log.text().contains("NEVER answered at " + server.address()), log::text);
      client.close(Duration.ZERO);
    }
  }

  @Test
  void readyLetsAProgramFailAtItsStart() throws IOException {
    Server.shared().client().ready(LONG);
    Client client = Client.connect(NOWHERE);
    long begin = System.nanoTime();
    TollgateUnavailableException error =
        assertThrows(
            TollgateUnavailableException.class, () -> client.ready(Duration.ofMillis(300)));
    assertTrue(error.getMessage().contains(NOWHERE + " within 300 ms"), error::getMessage);
    assertTrue(System.nanoTime() - begin >= Duration.ofMillis(300).toNanos());
    Thread.currentThread().interrupt();
    StatusRuntimeException interrupted =
        assertThrows(StatusRuntimeException.class, () -> client.ready(LONG));
    assertEquals(Status.Code.CANCELLED, interrupted.getStatus().getCode());
    assertTrue(Thread.interrupted());
    client.close(Duration.ZERO);
  }

  @Test
  void aCountThatCanBeNoneIsRefusedAndCounted() throws IOException {
    try (Client client = Server.shared().client();
        Log log = new Log()) {
      Workspace workspace = new Workspace(client);
      List<Usage> absurd =
          List.of(
              Usage.of(-1, 0),
              Usage.of(0, (1L << 53) + 1),
              Usage.of(Long.MAX_VALUE, 0),
              Usage.of(1, 1).withUnits(Map.of(UnitKind.UNIT_KIND_IMAGE, -1L)));
      for (Usage usage : absurd) {
        GuardRequest.Builder request = request(workspace.id());
        client.guard(request.build(), call -> recorded(call, usage));
        StatusRuntimeException error =
            assertThrows(
                StatusRuntimeException.class,
                () ->
                    client.guard(
                        request.waitForRecord(true).build(), call -> recorded(call, usage)));
        assertEquals(Status.Code.INVALID_ARGUMENT, error.getStatus().getCode());
      }
      assertTrue(log.text().contains("expected a whole number from 0 to 2^53"), log::text);
      assertEquals(new Stats(0, 0, 0, 8), client.stats());
      assertEquals(0, BigDecimal.ZERO.compareTo(workspace.spent()));
      // What the server refuses counts alike.
      assertThrows(
          StatusRuntimeException.class,
          () ->
              client.guard(
                  request(workspace.id()).waitForRecord(true).build(),
                  call -> recorded(call, Usage.of(1_000_000_000_000L, 0))));
      assertEquals(new Stats(0, 0, 0, 9), client.stats());
    }
  }

  private static String recorded(Call call, Usage usage) {
    call.record(usage);
    return call.model();
  }
}
