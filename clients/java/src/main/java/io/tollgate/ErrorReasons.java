package io.tollgate;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import io.grpc.protobuf.StatusProto;
import io.tollgate.v1.ErrorReason;
import java.util.Optional;

/** The reasons of errors of gRPC. */
public final class ErrorReasons {

  private static final String DOMAIN = "tollgate";

  private ErrorReasons() {}

  /**
   * The reason that the server says in an error of gRPC, such as {@code
   * ERROR_REASON_WORKSPACE_NOT_FOUND}; {@code UNRECOGNIZED} for one that is newer than this client;
   * empty if the error is none of the server's, or none of gRPC.
   */
  public static Optional<ErrorReason> of(Throwable error) {
    Status status = StatusProto.fromThrowable(error);
    if (status == null) {
      return Optional.empty();
    }
    for (Any detail : status.getDetailsList()) {
      try {
        if (detail.is(ErrorInfo.class) && detail.unpack(ErrorInfo.class).getDomain().equals(DOMAIN)) {
          return Optional.of(named(detail.unpack(ErrorInfo.class).getReason()));
        }
      } catch (InvalidProtocolBufferException broken) {
        // What cannot be read says nothing.
        return Optional.empty();
      }
    }
    return Optional.empty();
  }

  private static ErrorReason named(String name) {
    try {
      return ErrorReason.valueOf(name);
    } catch (IllegalArgumentException newer) {
      return ErrorReason.UNRECOGNIZED;
    }
  }
}
