package io.tollgate;

import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;

/** Times of the API as {@link Instant}, spans as {@link Duration}, and back. */
public final class Times {

  private Times() {}

  /** Takes over a time of the API. */
  public static Instant timeOf(Timestamp timestamp) {
    return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
  }

  /** Makes a time for the API. */
  public static Timestamp timestampOf(Instant time) {
    return Timestamp.newBuilder()
        .setSeconds(time.getEpochSecond())
        .setNanos(time.getNano())
        .build();
  }

  /** Takes over a span of the API. */
  public static Duration spanOf(com.google.protobuf.Duration duration) {
    return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
  }

  /** Makes a span for the API. */
  public static com.google.protobuf.Duration durationOf(Duration span) {
    // The API wants seconds and nanoseconds of the same sign.
    boolean borrow = span.isNegative() && span.getNano() > 0;
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(borrow ? span.getSeconds() + 1 : span.getSeconds())
        .setNanos(borrow ? span.getNano() - 1_000_000_000 : span.getNano())
        .build();
  }
}
