package io.tollgate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.tollgate.testing.FakeTollgate;
import io.tollgate.v1.CheckAndRouteRequest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Retries and interceptors. */
class OptionsTest {

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void theNumberOfAttemptsIsSettable(int count) throws java.io.IOException {
    AtomicInteger seen = new AtomicInteger();
    io.grpc.Server server =
        io.grpc.Grpc.newServerBuilderForPort(0, io.grpc.InsecureServerCredentials.create())
            .addService(new Busy(seen))
            .build()
            .start();
    try (Client client =
        Client.builder()
            .address("127.0.0.1:" + server.getPort())
            .timeout(Duration.ofMinutes(1))
            .maxAttempts(count)
            .build()) {
      StatusRuntimeException error =
          assertThrows(
              StatusRuntimeException.class,
              () -> client.usage().checkAndRoute(CheckAndRouteRequest.getDefaultInstance()));
      assertEquals(Status.Code.UNAVAILABLE, error.getStatus().getCode());
      assertEquals(count, seen.get());
    } finally {
      server.shutdownNow();
    }
  }

  @Test
  void thereIsAnAttemptAndThereAreNotTooMany() {
    for (int count : new int[] {0, 6}) {
      assertThrows(
          IllegalArgumentException.class, () -> Client.builder().maxAttempts(count), "" + count);
    }
  }

  @Test
  void interceptorsTakeEveryCall() {
    Witness first = new Witness();
    Witness second = new Witness();
    try (FakeTollgate fake = new FakeTollgate();
        Client client =
            Client.builder()
                .address(fake.address())
                .timeout(Duration.ofMinutes(1))
                .token("secret")
                .interceptor(first)
                .interceptor(second)
                .build()) {
      try (Call call =
          client.guard(GuardRequest.builder("acme", "gpt-4.1").inputTokens(1).build())) {
        call.record(Usage.of(1, 1), call.model(), null);
      }
      assertEquals(0, client.flush(Duration.ofMinutes(1)));
    }
    for (Witness witness : List.of(first, second)) {
      for (String method : List.of("CheckAndRoute", "RecordUsageBatch")) {
        assertEquals("Bearer secret", witness.tokens.get(method), method);
        assertNotNull(witness.deadlines.get(method), method);
      }
    }
    assertEquals(second.order.size(), first.order.size());
  }

  private static final class Busy extends io.tollgate.v1.UsageServiceGrpc.UsageServiceImplBase {
    private final AtomicInteger seen;

    Busy(AtomicInteger seen) {
      this.seen = seen;
    }

    @Override
    public void checkAndRoute(
        CheckAndRouteRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CheckAndRouteResponse> answers) {
      seen.incrementAndGet();
      answers.onError(Status.UNAVAILABLE.withDescription("busy").asRuntimeException());
    }
  }

  /** Keeps what it sees of each call. */
  private static final class Witness implements ClientInterceptor {
    final Map<String, String> tokens = new ConcurrentHashMap<>();
    final Map<String, Object> deadlines = new ConcurrentHashMap<>();
    final List<String> order = new CopyOnWriteArrayList<>();

    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      String name = method.getBareMethodName();
      order.add(name);
      if (options.getDeadline() != null) {
        deadlines.put(name, options.getDeadline());
      }
      return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          tokens.put(name, headers.get(AUTHORIZATION));
          super.start(listener, headers);
        }
      };
    }
  }
}
