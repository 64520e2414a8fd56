package io.tollgate;

import static io.tollgate.support.Wait.LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.StatusRuntimeException;
import io.tollgate.support.Log;
import io.tollgate.support.Programs;
import io.tollgate.support.Recorder;
import io.tollgate.support.Server;
import io.tollgate.support.Workspace;
import io.tollgate.v1.UsageRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is recorded arrives exactly once: through outages, full queues, files, and exits. */
class DeliveryTest {

  private static final Usage USED = Usage.of(1000, 100);
  private static final BigDecimal COST = new BigDecimal("0.0028");
  private static final String NOWHERE = "127.0.0.1:1";

  @TempDir Path folder;

  @Test
  void openRunsAndDeliversLaterExactlyOnce() throws IOException {
    try (Server server = new Server();
        Client admin = server.client();
        Client client = server.client()) {
      Workspace workspace = new Workspace(admin);
      run(client, workspace.id());
      assertEquals(0, client.flush(LONG));
      Call checked = client.guard(request(workspace.id()).build());
      server.kill();
      checked.record(USED, checked.model(), null);
      checked.close();
      Call call = client.guard(request(workspace.id()).user("ada").build());
      assertTrue(call.unchecked());
      assertTrue(call.decision().isEmpty() && call.held().isEmpty());
      assertEquals("gpt-4.1", call.model());
      call.record(USED);
      call.close();
      assertEquals(2, client.flush(Duration.ofMillis(200)));
      assertEquals(new Stats(2, 1, 0, 0), client.stats());
      server.start();
      assertEquals(0, client.flush(LONG));
      assertEquals(new Stats(0, 3, 0, 0), client.stats());
      List<UsageRecord> records = workspace.records(3);
      assertEquals(3, records.size());
      assertTrue(records.stream().anyMatch(one -> one.getAttribution().getUserId().equals("ada")));
      assertEquals(COST.multiply(BigDecimal.valueOf(3)), workspace.spent());
      Call again = client.guard(request(workspace.id()).build());
      assertEquals(false, again.unchecked());
      again.close();
    }
  }

  @Test
  void closedThrows() {
    try (Client client =
        Client.builder().address(NOWHERE).onUnavailable(OnUnavailable.CLOSED).build()) {
      TollgateUnavailableException error =
          assertThrows(
              TollgateUnavailableException.class, () -> client.guard(request("acme").build()));
      assertInstanceOf(StatusRuntimeException.class, error.getCause());
      try (Call call = client.guard(request("acme").onUnavailable(OnUnavailable.OPEN).build())) {
        assertTrue(call.unchecked());
      }
      assertEquals(0, client.stats().queued(), "a call that never ran has nothing to say");
    }
  }

  @Test
  void aServerThatHangsCostsTheDeadline() throws IOException, InterruptedException {
    try (Server server = new Server();
        Client admin = server.client();
        Client client =
            Client.builder().address(server.address()).timeout(Duration.ofMillis(500)).build()) {
      Workspace workspace = new Workspace(admin);
      run(admin, workspace.id());
      server.pause();
      long begin = System.nanoTime();
      run(client, workspace.id());
      Duration took = Duration.ofNanos(System.nanoTime() - begin);
      server.resume();
      // It would never have answered.
      assertTrue(took.toMillis() > 400 && took.compareTo(LONG) < 0, took::toString);
      assertEquals(0, client.flush(LONG));
      assertEquals(0, admin.flush(LONG));
      assertEquals(COST.multiply(BigDecimal.valueOf(2)), workspace.spent());
    }
  }

  @Test
  void waitingThrowsIfNobodyAnswersAndQueuesAllTheSame() {
    Client client = Client.connect(NOWHERE);
    GuardRequest request = request("w").waitForRecord(true).build();
    TollgateUnavailableException error =
        assertThrows(TollgateUnavailableException.class, () -> record(client, request));
    assertTrue(error.getMessage().contains("queued"));
    ArithmeticException own = new ArithmeticException();
    ArithmeticException thrown =
        assertThrows(
            ArithmeticException.class,
            () ->
                client.guard(
                    request,
                    call -> {
                      assertEquals("gpt-4.1", call.model());
                      throw own;
                    }));
    assertEquals(own, thrown);
    assertEquals(2, client.stats().queued());
    assertEquals(2, client.close(Duration.ZERO));
  }

  @Test
  void aFullQueueDropsAndSaysSo() {
    try (Log log = new Log()) {
      Client client = Client.builder().address(NOWHERE).queueMax(3).build();
      for (int number = 0; number < 5; number++) {
        run(client, "w");
      }
      assertEquals(new Stats(3, 0, 2, 0), client.stats());
      assertTrue(log.text().contains("3 are waiting already"), log.text());
      assertEquals(3, client.close(Duration.ZERO));
      assertTrue(log.text().contains("3 usage records were not delivered and are lost"));
      assertEquals(3, client.close(Duration.ZERO), "once more changes nothing");
      client.delivery().put(io.tollgate.v1.RecordUsageRequest.getDefaultInstance());
      assertEquals(3, client.stats().dropped(), "a closed client takes nothing");
    }
  }

  @Test
  void aRefusedRecordIsLoggedAndNotTriedAgain() throws IOException {
    try (Client client = Server.shared().client();
        Log log = new Log()) {
      Workspace workspace = new Workspace(client);
      try (Call call = client.guard(request(workspace.id()).requestId("too-much").build())) {
        call.record(Usage.of(1_000_000_000_000L, 0));
      }
      run(client, workspace.id());
      assertEquals(0, client.flush(LONG));
      assertEquals(new Stats(0, 1, 0, 1), client.stats());
      assertTrue(log.text().contains("the usage record too-much is refused"), log.text());
    }
  }

  @Test
  void aQueueFileSurvivesTheProcessAndOverflowsMemory() throws Exception {
    Path path = folder.resolve("queue.jsonl");
    try (Server server = new Server();
        Client admin = server.client()) {
      Workspace workspace = new Workspace(admin);
      server.kill();
      Programs.Result killed = program(server.address(), workspace.id(), "120", "kill", LONG, path);
      assertEquals(9, killed.status(), killed::errors);
      assertTrue(killed.output().contains("queued=120,"), killed::output);
      assertEquals(120, Files.readAllLines(path).size());
      // As of a process that is killed while it writes.
      Files.writeString(path, "{\"workspaceId\": \"ac", StandardOpenOption.APPEND);
      server.start();
      try (Client client =
              Client.builder()
                  .address(server.address())
                  .timeout(LONG)
                  .queueMax(30)
                  .queuePath(path)
                  .build();
          Log log = new Log()) {
        Client.Builder second = Client.builder().address(server.address()).queuePath(path);
        UncheckedIOException refused = assertThrows(UncheckedIOException.class, second::build);
        assertTrue(refused.getMessage().contains("another client uses the queue file"));
        for (int number = 0; number < 20; number++) {
          run(client, workspace.id());
        }
        assertEquals(0, client.flush(LONG));
        assertEquals(new Stats(0, 140, 0, 0), client.stats());
        assertEquals("", Files.readString(path));
        assertTrue(log.text().contains("is not a record"), log.text());
      }
      assertEquals(140, workspace.records(140).size());
      assertEquals(COST.multiply(BigDecimal.valueOf(140)).stripTrailingZeros(), workspace.spent());
    }
  }

  @Test
  void anotherProcessIsKeptOutEvenAfterASecondClientWas() throws Exception {
    Path path = folder.resolve("queue.jsonl");
    Client.Builder options = Client.builder().address(NOWHERE).queuePath(path);
    try (Client first = options.build()) {
      assertEquals(0, first.stats().queued());
      assertThrows(UncheckedIOException.class, options::build);
      Programs.Result other = program(NOWHERE, "w", "1", "exit", LONG, path);
      assertTrue(other.errors().contains("another client uses the queue file"), other::errors);
      assertEquals(1, other.status());
    }
    options.build().close();
  }

  @Test
  void aFileThatCannotBeUsedIsSaidAtOnce() {
    Client.Builder options = Client.builder().queuePath(folder.resolve("missing/queue"));
    assertThrows(UncheckedIOException.class, options::build);
  }

  @Test
  void nothingIsLostWhenTheProcessEnds() throws Exception {
    try (Client admin = Server.shared().client()) {
      Workspace workspace = new Workspace(admin);
      Programs.Result ended =
          program(Server.shared().address(), workspace.id(), "25", "exit", LONG, null);
      assertEquals("", ended.errors());
      assertEquals(0, ended.status());
      assertEquals(25, workspace.records(25).size());
    }
  }

  @Test
  void anInterruptedThreadDeliversWhenItCloses() throws IOException {
    try (Client admin = Server.shared().client()) {
      Workspace workspace = new Workspace(admin);
      Client client = Server.shared().client();
      run(client, workspace.id());
      Thread.currentThread().interrupt();
      int left = client.close(LONG);
      assertTrue(Thread.interrupted());
      assertEquals(0, left);
      assertEquals(1, workspace.records().size());
    }
  }

  @Test
  void theEndIsNotHeldUpForLongerThanTheFlushTimeout() throws Exception {
    Programs.Result ended =
        program(NOWHERE, "w", "1", "exit", Duration.ofSeconds(1), null);
    long end = System.currentTimeMillis();
    assertEquals(0, ended.status());
    long begin = Long.parseLong(ended.output().lines().toList().get(1));
    assertTrue(end - begin < LONG.toMillis() / 2, ended::output);
    String said = "1 usage records were not delivered and are lost";
    assertTrue(ended.errors().contains(said), ended::errors);
  }

  private static Programs.Result program(
      String address, String workspace, String count, String how, Duration flush, Path path)
      throws Exception {
    String main = Recorder.class.getName();
    String classpath = System.getProperty("java.class.path");
    List<String> arguments =
        new ArrayList<>(List.of(address, workspace, count, how, flush.toString()));
    if (path != null) {
      arguments.add(path.toString());
    }
    return Programs.run(Map.of(), classpath, main, arguments.toArray(String[]::new));
  }

  private static GuardRequest.Builder request(String workspace) {
    return GuardRequest.builder(workspace, "gpt-4.1").inputTokens(1000);
  }

  private static void run(Client client, String workspace) {
    record(client, request(workspace).build());
  }

  private static void record(Client client, GuardRequest request) {
    client.guard(
        request,
        call -> {
          call.record(USED, call.model(), null);
          return null;
        });
  }
}
