package io.tollgate;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ConnectivityState;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/** One channel: with deadlines, the token, retries, and a way back after an outage. */
final class Connection {

  /** Codes which say that nobody has judged the request. */
  static final Set<Status.Code> UNREACHED =
      Set.of(Status.Code.UNAVAILABLE, Status.Code.DEADLINE_EXCEEDED);

  /**
   * Codes of a call which are about who asks, not about what is asked: once the token is renewed,
   * or known, the same call is taken. The third says that too many such calls came before.
   */
  static final Set<Status.Code> UNAUTHORIZED =
      Set.of(
          Status.Code.UNAUTHENTICATED,
          Status.Code.PERMISSION_DENIED,
          Status.Code.RESOURCE_EXHAUSTED);

  private static final long WAKE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** Causes may go round in a circle. */
  private static final int CAUSES_MAX = 10;

  private static final String SERVICE = "tollgate.v1.UsageService";

  /** That of gRPC, too. */
  static final int ATTEMPTS_MAX = 5;

  private static final byte[] SYSTEM_ROOTS = {};

  private final String target;
  private final ManagedChannel channel;
  private final Channel calls;
  private final AtomicLong woken = new AtomicLong(System.nanoTime() - WAKE_NANOS);

  Connection(Client.Builder options) {
    Address address = Address.parse(options.address, options.tls != null);
    target = address.target();
    Authorization authorization = Authorization.of(options.token, options.tokenSource);
    if (authorization != null && !address.tls() && !address.isLoopback()) {
      throw new IllegalArgumentException(
          "a token is not sent to " + target + " without TLS: set tls()");
    }
    byte[] roots = options.tls == null ? SYSTEM_ROOTS : options.tls;
    ManagedChannelBuilder<?> builder =
        Grpc.newChannelBuilder(target, credentials(address.tls() ? roots : null));
    if (target.startsWith("unix:")) {
      // Else the path is the authority of each call, which servers do not take.
      builder.overrideAuthority("localhost");
    }
    channel =
        builder
            .userAgent("tollgate-java/" + Client.VERSION)
            .defaultServiceConfig(serviceConfig(options.maxAttempts))
            .disableServiceConfigLookUp()
            .enableRetry()
            .keepAliveTime(30, TimeUnit.SECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS)
            .build();
    // Of a list the last one is outermost.
    List<ClientInterceptor> interceptors = new ArrayList<>(options.interceptors);
    if (authorization != null) {
      interceptors.add(authorization);
    }
    interceptors.add(new Caller(options.timeout));
    calls = ClientInterceptors.intercept(channel, interceptors);
  }

  /** Where it leads: {@code host:port} or {@code unix:/path}. */
  String target() {
    return target;
  }

  /** The channel as calls are to be made on it. */
  Channel calls() {
    return calls;
  }

  void close() {
    channel.shutdownNow();
  }

  /**
   * What went wrong, for the log: of a broken connection gRPC says it only in the causes, and what is
   * wrong with a certificate is in the last of them.
   */
  static String why(StatusRuntimeException error) {
    StringBuilder why = new StringBuilder(error.getMessage());
    Throwable cause = error.getCause();
    for (int depth = 0; cause != null && depth < CAUSES_MAX; depth++) {
      String message = cause.getMessage();
      if (message != null && why.indexOf(message) < 0) {
        why.append(": ").append(message);
      }
      cause = cause.getCause();
    }
    return why.toString();
  }

  /**
   * A connection that breaks at the moment of a call is not told as UNAVAILABLE by gRPC, but as
   * UNKNOWN with the error of the socket; one on which the other side does not speak HTTP/2, such as
   * a server that wants TLS, as INTERNAL. What a server says has no cause.
   */
  static Status unified(Status status) {
    boolean broken =
        status.getCode() == Status.Code.UNKNOWN && status.getCause() instanceof IOException;
    boolean foreign =
        status.getCode() == Status.Code.INTERNAL
            && status.getCause() != null
            && "http2 exception".equals(status.getDescription());
    return broken || foreign
        ? Status.UNAVAILABLE.withDescription(status.getDescription()).withCause(status.getCause())
        : status;
  }

  /** Retried by gRPC itself, with jitter, within the deadline, and only without an answer. */
  private static Map<String, ?> serviceConfig(int maxAttempts) {
    if (maxAttempts == 1) {
      // A policy of one attempt is none, and gRPC refuses it.
      return Map.of();
    }
    Map<String, ?> policy =
        Map.of(
            "maxAttempts", (double) maxAttempts,
            "initialBackoff", "0.1s",
            "maxBackoff", "1s",
            "backoffMultiplier", 2.0,
            "retryableStatusCodes", List.of("UNAVAILABLE"));
    List<?> names =
        Stream.of("CheckAndRoute", "RecordUsage", "RecordUsageBatch", "ReleaseHold")
            .map(method -> Map.of("service", SERVICE, "method", method))
            .toList();
    return Map.of("methodConfig", List.of(Map.of("name", names, "retryPolicy", policy)));
  }

  /** Empty roots are those of the system. */
  private static ChannelCredentials credentials(byte[] roots) {
    if (roots == null) {
      return InsecureChannelCredentials.create();
    }
    if (roots.length == 0) {
      return TlsChannelCredentials.create();
    }
    try {
      InputStream pem = new ByteArrayInputStream(roots);
      if (CertificateFactory.getInstance("X.509").generateCertificates(pem).isEmpty()) {
        throw new CertificateException("no certificate");
      }
      pem.reset();
      return TlsChannelCredentials.newBuilder().trustManager(pem).build();
    } catch (CertificateException | IOException error) {
      throw new IllegalArgumentException("the roots for TLS are not PEM", error);
    }
  }

  /** After an outage gRPC may wait for two minutes before it connects again: too long here. */
  private void wake() {
    if (channel.getState(false) != ConnectivityState.TRANSIENT_FAILURE) {
      return;
    }
    long now = System.nanoTime();
    long last = woken.get();
    if (now - last >= WAKE_NANOS && woken.compareAndSet(last, now)) {
      channel.resetConnectBackoff();
    }
  }

  private final class Caller implements ClientInterceptor {
    private final Duration timeout;

    Caller(Duration timeout) {
      this.timeout = timeout;
    }

    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      wake();
      boolean limit =
          options.getDeadline() == null && method.getType() == MethodDescriptor.MethodType.UNARY;
      CallOptions limited =
          limit ? options.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS) : options;
      return new SimpleForwardingClientCall<>(next.newCall(method, limited)) {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          super.start(
              new SimpleForwardingClientCallListener<>(listener) {
                @Override
                public void onClose(Status status, Metadata trailers) {
                  super.onClose(unified(status), trailers);
                }
              },
              headers);
        }
      };
    }
  }
}
