package io.tollgate;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;

/**
 * Adds the token to each call that has none of its own. A call for which there is no token ends with
 * UNAUTHENTICATED, and is not made.
 */
final class Authorization implements ClientInterceptor {

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  /** What a header can carry, and no space: a token is one word. */
  private static final Pattern HEADER = Pattern.compile("[\\x21-\\x7e]+");

  private final Callable<String> source;

  private Authorization(Callable<String> source) {
    this.source = source;
  }

  /**
   * Of a token, or of what gives it before each call; null if there is neither.
   *
   * @throws IllegalArgumentException if a header cannot carry the token; it is not shown
   */
  static Authorization of(String token, Callable<String> source) {
    if (source != null) {
      return new Authorization(source);
    }
    if (token == null) {
      return null;
    }
    String fixed = token.strip();
    if (!HEADER.matcher(fixed).matches()) {
      throw new IllegalArgumentException("the token is not one that a header can carry");
    }
    return new Authorization(() -> fixed);
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(
      MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    String token;
    try {
      token = source.call().strip();
    } catch (Exception error) {
      String why = "the token cannot be had: " + error;
      return new Failed<>(Status.UNAUTHENTICATED.withDescription(why).withCause(error));
    }
    if (!HEADER.matcher(token).matches()) {
      String why = "the token is empty, or not one that a header can carry";
      return new Failed<>(Status.UNAUTHENTICATED.withDescription(why));
    }
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<A> listener, Metadata headers) {
        if (!headers.containsKey(AUTHORIZATION)) {
          headers.put(AUTHORIZATION, "Bearer " + token);
        }
        super.start(listener, headers);
      }
    };
  }

  /** A call that ends as soon as it begins. */
  private static final class Failed<Q, A> extends ClientCall<Q, A> {
    private final Status status;

    Failed(Status status) {
      this.status = status;
    }

    @Override
    public void start(Listener<A> listener, Metadata headers) {
      listener.onClose(status, new Metadata());
    }

    @Override
    public void request(int messages) {}

    @Override
    public void cancel(String message, Throwable cause) {}

    @Override
    public void halfClose() {}

    @Override
    public void sendMessage(Q message) {}
  }
}
