package io.tollgate;

import static io.tollgate.support.Wait.LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsServerCredentials;
import io.grpc.stub.StreamObserver;
import io.tollgate.support.Log;
import io.tollgate.support.Port;
import io.tollgate.support.Wait;
import io.tollgate.v1.BudgetServiceGrpc;
import io.tollgate.v1.CheckAndRouteRequest;
import io.tollgate.v1.CheckAndRouteResponse;
import io.tollgate.v1.GetBudgetRequest;
import io.tollgate.v1.GetBudgetResponse;
import io.tollgate.v1.ItemError;
import io.tollgate.v1.RecordUsageBatchRequest;
import io.tollgate.v1.RecordUsageBatchResponse;
import io.tollgate.v1.RecordUsageRequest;
import io.tollgate.v1.RecordUsageResponse;
import io.tollgate.v1.RecordUsageResult;
import io.tollgate.v1.ReleaseHoldRequest;
import io.tollgate.v1.ReleaseHoldResponse;
import io.tollgate.v1.UsageServiceGrpc;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.time.Duration;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Token, TLS, deadline and retries, against a server that answers as the test says. */
class ConnectionTest {

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private static final Metadata.Key<String> AGENT =
      Metadata.Key.of("user-agent", Metadata.ASCII_STRING_MARSHALLER);

  @TempDir Path folder;

  @Test
  void callsSayWhoTheyAreHaveADeadlineAndOnlySomeAreRepeated() throws IOException {
    try (Fake fake = new Fake(InsecureServerCredentials.create());
        Client client =
            Client.builder()
                .address(fake.address())
                .token("secret")
                .timeout(Duration.ofMinutes(10))
                .build()) {
      assertNotEquals(
          null, client.usage().checkAndRoute(CheckAndRouteRequest.getDefaultInstance()));
      assertEquals(3, fake.seen.size(), "the third try was answered");
      for (Fake.Seen seen : fake.seen) {
        assertEquals("Bearer secret", seen.authorization());
        assertTrue(seen.agent().startsWith("tollgate-java/" + Client.VERSION), seen::agent);
        assertTrue(
            seen.leftMillis() > 500_000 && seen.leftMillis() <= 600_000, seen::toString);
      }
      fake.seen.clear();
      StatusRuntimeException error =
          assertThrows(
              StatusRuntimeException.class,
              () -> client.budget().getBudget(GetBudgetRequest.getDefaultInstance()));
      assertEquals("busy", error.getStatus().getDescription());
      assertEquals(1, fake.seen.size(), "what is not idempotent by its id is not repeated");
    }
  }

  @Test
  void anItemThatCouldNotBeStoredIsSentAgainAndAWholeBatchRefusedIsNot() throws IOException {
    try (Fake fake = new Fake(InsecureServerCredentials.create());
        Client client = patient(fake.address()).build()) {
      client.guard(request("later").build()).close(new IOException());
      try (Call call = client.guard(request("later").build())) {
        call.record(Usage.of(1, 1));
      }
      assertEquals(0, client.flush(LONG));
      assertEquals(new Stats(0, 1, 0, 0), client.stats());
      assertEquals(2, fake.batches.size());
      assertEquals(fake.batches.get(0), fake.batches.get(1));
      try (Call call = client.guard(request("refused").build())) {
        call.record(Usage.of(1, 1));
      }
      assertEquals(0, client.flush(LONG));
      assertEquals(new Stats(0, 1, 0, 1), client.stats());
    }
  }

  @Test
  void whatWasRecordedOutlivesAWrongToken() throws IOException {
    Path path = folder.resolve("queue.jsonl");
    try (Fake fake = new Fake(InsecureServerCredentials.create());
        Client client = patient(fake.address()).token("secret").queuePath(path).build();
        Log log = new Log()) {
      fake.denial = Status.UNAUTHENTICATED;
      // Who waits is told, and the record is kept all the same.
      GuardRequest waiting = request("later").requestId("kept").waitForRecord(true).build();
      StatusRuntimeException said =
          assertThrows(
              StatusRuntimeException.class,
              () ->
                  client.guard(
                      waiting,
                      call -> {
                        call.record(Usage.of(1, 1));
                        return null;
                      }));
      assertEquals(Status.Code.UNAUTHENTICATED, said.getStatus().getCode());
      for (Status.Code code : Connection.UNAUTHORIZED) {
        Status status = code.toStatus();
        deny(fake, client, status, 1);
        assertEquals(new Stats(1, 0, 0, 0), client.stats());
        assertTrue(Files.readString(path).contains("kept"));
        String denied = "SEVERE tollgate: a delivery is denied and will be tried again: ";
        denied += status.getCode() + ": no such token";
        assertTrue(log.text().contains(denied), log::text);
      }
      fake.denial = null;
      assertEquals(0, client.flush(LONG));
      assertEquals(new Stats(0, 1, 0, 0), client.stats());
      assertEquals("", Files.readString(path));
      assertEquals(Set.of("kept"), Set.copyOf(fake.records));
      assertFalse(log.text().contains("secret"), log::text);
    }
  }

  @Test
  void whileNobodyLetsItInOneReleaseWaitsForTheAnswer() throws IOException {
    try (Fake fake = new Fake(InsecureServerCredentials.create());
        Client client = patient(fake.address()).build()) {
      fake.denial = Status.UNAUTHENTICATED;
      for (String id : List.of("first", "second")) {
        client.guard(request("later").requestId(id).build()).close();
      }
      deny(fake, client, Status.UNAUTHENTICATED, 2);
      deny(fake, client, Status.PERMISSION_DENIED, 2);
      assertEquals(Set.of("first"), Set.copyOf(fake.releases));
      fake.denial = null;
      assertEquals(0, client.flush(LONG));
      assertEquals("second", fake.releases.get(fake.releases.size() - 1));

      fake.denial = Status.PERMISSION_DENIED;
      fake.releases.clear();
      try (Call call = client.guard(request("later").build())) {
        call.record(Usage.of(1, 1));
      }
      client.guard(request("later").requestId("third").build()).close();
      deny(fake, client, Status.PERMISSION_DENIED, 2);
      assertEquals(List.of(), fake.releases, "a record is denied before");
      fake.denial = null;
      assertEquals(0, client.flush(LONG));
      assertEquals(List.of("third"), fake.releases);
    }
  }

  /** Denies from now on, until the client has heard so; each time it leaves so much. */
  private static void deny(Fake fake, Client client, Status status, int left) {
    fake.denial = status;
    fake.denials.clear();
    Wait.until(
        () -> {
          assertEquals(left, client.flush(Duration.ofMillis(10)));
          // With the second the first has been answered.
          return Collections.frequency(fake.denials, status) >= 2;
        },
        fake.denials::toString);
  }

  @Test
  void aCheckThatIsInterruptedLeavesNoHold() throws IOException {
    try (Fake fake = new Fake(InsecureServerCredentials.create());
        Client client = patient(fake.address()).build()) {
      GuardRequest request = request("hangs").requestId("given up").build();
      Thread.currentThread().interrupt();
      StatusRuntimeException error =
          assertThrows(
              StatusRuntimeException.class, () -> client.guard(request, call -> null));
      assertTrue(Thread.interrupted());
      assertEquals(Status.Code.CANCELLED, error.getStatus().getCode());
      assertEquals(0, client.flush(LONG));
      assertEquals(List.of("given up"), fake.releases);
    }
  }

  @Test
  void aConnectionThatBreaksIsNobodyWhoAnswers() {
    Status broken = Status.UNKNOWN.withCause(new ClosedChannelException());
    assertEquals(Status.Code.UNAVAILABLE, Connection.unified(broken).getCode());
    Status defect = Status.UNKNOWN.withDescription("a defect of the server");
    assertEquals(defect, Connection.unified(defect));
  }

  /** By itself gRPC would not try to connect for two seconds more, and later for two minutes. */
  @Test
  void duringAnOutageAndAfterItACallConnectsAtOnce() throws IOException {
    GuardRequest request = request("w").onUnavailable(OnUnavailable.OPEN).build();
    try (Port port = new Port();
        Client client = patient("127.0.0.1:" + port.number()).build()) {
      try (Closing closing = new Closing(port.number())) {
        // In so long, gRPC by itself would connect nine times at most.
        long end = System.nanoTime() + LONG.toNanos();
        while (closing.connections.get() < 12) {
          assertTrue(client.guard(request).unchecked());
          assertTrue(System.nanoTime() < end, closing.connections::toString);
        }
      }
      try (Fake fake = new Fake(InsecureServerCredentials.create(), port.number())) {
        Wait.until(() -> !client.guard(request).unchecked(), fake::address);
      }
    }
  }

  @Test
  void tlsWithRootsOfOnesOwn() throws Exception {
    Path store = folder.resolve("store.p12");
    Process keytool = new ProcessBuilder(keytool(store)).redirectErrorStream(true).start();
    assertTrue(keytool.waitFor(5, TimeUnit.MINUTES) && keytool.exitValue() == 0);
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, "secret".toCharArray());
    }
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, "secret".toCharArray());
    ServerCredentials credentials =
        TlsServerCredentials.newBuilder().keyManager(managers.getKeyManagers()).build();
    GuardRequest request = request("w").onUnavailable(OnUnavailable.CLOSED).build();
    try (Fake fake = new Fake(credentials);
        Client own =
            patient(fake.address()).token("t").tls(pem(keys)).build();
        Client others = Client.builder().address(fake.address()).tls().build();
        Client plain = Client.builder().address(fake.address()).build()) {
      assertFalse(own.guard(request).unchecked());
      assertEquals("Bearer t", fake.seen.get(0).authorization());
      assertThrows(TollgateUnavailableException.class, () -> others.guard(request));
      assertThrows(TollgateUnavailableException.class, () -> plain.guard(request));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tollgate.example:443",
        "localhost.example:443",
        "127.example:443",
        "10.0.0.1:50051",
        "dns:///127.0.0.1.example:1"
      })
  void aTokenIsKeptOffTheOpenNetwork(String address) {
    Client.Builder options = Client.builder().address(address).token("secret");
    IllegalArgumentException error = assertThrows(IllegalArgumentException.class, options::build);
    assertTrue(error.getMessage().contains("without TLS"));
    assertFalse(error.getMessage().contains("secret"));
    options.tls().build().close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost", "localhost:50051", "127.0.0.1:1", "127.1.2.3", "[::1]:2"})
  void onlyLoopbackIsTakenForIt(String address) {
    Client.builder().address(address).token("secret").build().close();
  }

  @Test
  void optionsThatMakeNoSenseAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> Client.builder().queueMax(0));
    assertThrows(IllegalArgumentException.class, () -> Client.builder().tls(new byte[0]));
    Client.Builder noPem = Client.builder().tls(new byte[] {'x'});
    assertThrows(IllegalArgumentException.class, noPem::build);
  }

  private static GuardRequest.Builder request(String workspace) {
    return GuardRequest.builder(workspace, "m").inputTokens(1);
  }

  private static Client.Builder patient(String address) {
    return Client.builder().address(address).timeout(LONG);
  }

  private static List<String> keytool(Path store) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
        "-genkeypair",
        "-alias",
        "own",
        "-keyalg",
        "EC",
        "-storetype",
        "PKCS12",
        "-storepass",
        "secret",
        "-dname",
        "CN=own",
        "-ext",
        "san=ip:127.0.0.1",
        "-keystore",
        store.toString());
  }

  private static byte[] pem(KeyStore keys) throws Exception {
    Certificate certificate = keys.getCertificate("own");
    String body = Base64.getMimeEncoder().encodeToString(certificate.getEncoded());
    return ("-----BEGIN CERTIFICATE-----\n" + body + "\n-----END CERTIFICATE-----\n")
        .getBytes(java.nio.charset.StandardCharsets.US_ASCII);
  }

  /** Listens, and closes every connection at once. */
  private static final class Closing implements AutoCloseable {

    final AtomicInteger connections = new AtomicInteger();
    private final ServerSocket listener = new ServerSocket();

    Closing(int port) throws IOException {
      listener.setReuseAddress(true);
      listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      new Thread(this::run).start();
    }

    private void run() {
      while (true) {
        try {
          listener.accept().close();
          connections.incrementAndGet();
        } catch (IOException closed) {
          return;
        }
      }
    }

    @Override
    public void close() throws IOException {
      listener.close();
    }
  }

  /** Answers a check, a release, and a batch after some failures, and nothing else. */
  private static final class Fake implements AutoCloseable {

    record Seen(String authorization, String agent, long leftMillis) {}

    final List<Seen> seen = new CopyOnWriteArrayList<>();
    final List<RecordUsageBatchRequest> batches = new CopyOnWriteArrayList<>();
    final List<String> releases = new CopyOnWriteArrayList<>();
    final List<String> records = new CopyOnWriteArrayList<>();

    /** What every delivery is answered while this is here. */
    volatile Status denial;

    final List<Status> denials = new CopyOnWriteArrayList<>();
    private final Server server;

    Fake(ServerCredentials credentials) throws IOException {
      this(credentials, 0);
    }

    Fake(ServerCredentials credentials, int port) throws IOException {
      server =
          Grpc.newServerBuilderForPort(port, credentials)
              .addService(ServerInterceptors.intercept(new Checks(), new Witness()))
              .addService(ServerInterceptors.intercept(new Budgets(), new Witness()))
              .build()
              .start();
    }

    String address() {
      return "127.0.0.1:" + server.getPort();
    }

    @Override
    public void close() {
      server.shutdownNow();
    }

    private final class Witness implements ServerInterceptor {
      @Override
      public <Q, A> ServerCall.Listener<Q> interceptCall(
          ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        long left = Context.current().getDeadline().timeRemaining(TimeUnit.MILLISECONDS);
        seen.add(new Seen(headers.get(AUTHORIZATION), headers.get(AGENT), left));
        return next.startCall(call, headers);
      }
    }

    private final class Checks extends UsageServiceGrpc.UsageServiceImplBase {
      @Override
      public void checkAndRoute(
          CheckAndRouteRequest request, StreamObserver<CheckAndRouteResponse> answers) {
        if (request.getWorkspaceId().equals("hangs")) {
          return;
        }
        if (request.getWorkspaceId().isEmpty() && seen.size() < 3) {
          answers.onError(Status.UNAVAILABLE.withDescription("busy").asRuntimeException());
          return;
        }
        answers.onNext(
            CheckAndRouteResponse.newBuilder()
                .setDecision(io.tollgate.v1.Decision.DECISION_ALLOWED)
                .build());
        answers.onCompleted();
      }

      @Override
      public void releaseHold(
          ReleaseHoldRequest request, StreamObserver<ReleaseHoldResponse> answers) {
        releases.add(request.getRequestId());
        Status now = denial;
        if (now != null) {
          denials.add(now);
          answers.onError(now.asRuntimeException());
          return;
        }
        answers.onNext(ReleaseHoldResponse.getDefaultInstance());
        answers.onCompleted();
      }

      @Override
      public void recordUsage(
          RecordUsageRequest request, StreamObserver<RecordUsageResponse> answers) {
        answers.onError(denial.asRuntimeException());
      }

      @Override
      public void recordUsageBatch(
          RecordUsageBatchRequest request, StreamObserver<RecordUsageBatchResponse> answers) {
        if (request.getRecords(0).getWorkspaceId().equals("refused")) {
          answers.onError(Status.INVALID_ARGUMENT.asRuntimeException());
          return;
        }
        request.getRecordsList().forEach(record -> records.add(record.getRequestId()));
        Status now = denial;
        if (now != null) {
          denials.add(now);
          answers.onError(now.withDescription("no such token").asRuntimeException());
          return;
        }
        batches.add(request);
        RecordUsageResult.Builder result = RecordUsageResult.newBuilder();
        if (batches.size() == 1) {
          result.setError(ItemError.newBuilder().setCode(Status.Code.UNAVAILABLE.value()));
        } else {
          result.setRecord(RecordUsageResponse.getDefaultInstance());
        }
        answers.onNext(RecordUsageBatchResponse.newBuilder().addResults(result).build());
        answers.onCompleted();
      }
    }

    private static final class Budgets extends BudgetServiceGrpc.BudgetServiceImplBase {
      @Override
      public void getBudget(GetBudgetRequest request, StreamObserver<GetBudgetResponse> answers) {
        answers.onError(Status.UNAVAILABLE.withDescription("busy").asRuntimeException());
      }
    }
  }
}
