package io.tollgate;

/**
 * Everything that this package throws of its own accord. Errors of gRPC stay {@link
 * io.grpc.StatusRuntimeException}.
 */
public class TollgateException extends RuntimeException {
  private static final long serialVersionUID = 1;

  TollgateException(String message, Throwable cause) {
    super(message, cause);
  }
}
