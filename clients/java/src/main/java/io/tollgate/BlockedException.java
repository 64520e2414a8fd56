package io.tollgate;

import static java.util.stream.Collectors.joining;

import io.tollgate.v1.CheckAndRouteResponse;
import io.tollgate.v1.Reason;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The request may not run. Catch it to answer your own caller; do not call the model. The message
 * names the limits in the way, with their figures.
 */
public final class BlockedException extends TollgateException {
  private static final long serialVersionUID = 1;

  private final String requestId;
  private final Reason reason;
  private final transient List<Verdict> verdicts;
  private final Duration retryAfter;

  BlockedException(CheckAndRouteResponse answer) {
    super(message(answer), null);
    requestId = answer.getRequestId();
    reason = answer.getReason();
    verdicts = Verdict.listOf(answer.getVerdictsList());
    retryAfter = answer.hasRetryAfter() ? Times.spanOf(answer.getRetryAfter()) : null;
  }

  /** Names the request. */
  public String requestId() {
    return requestId;
  }

  /**
   * Why, for example {@code REASON_EXHAUSTED} or {@code REASON_RATE_LIMITED}; {@code UNRECOGNIZED} if
   * the server is newer than this client.
   */
  public Reason reason() {
    return reason;
  }

  /** What every limit and rule said, in the order in which they were asked. */
  public List<Verdict> verdicts() {
    return verdicts;
  }

  /** How long to wait before a retry can pass; empty where no wait helps. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  private static String message(CheckAndRouteResponse answer) {
    String said =
        Verdict.listOf(answer.getVerdictsList()).stream()
            .filter(Verdict::blocking)
            .map(Verdict::toString)
            .collect(joining("; "));
    String reason = Verdict.name(answer.getReason());
    String text = "blocked: " + (said.isEmpty() ? reason : said);
    if (!answer.hasRetryAfter()) {
      return text;
    }
    long millis = Times.spanOf(answer.getRetryAfter()).toMillis();
    BigDecimal seconds = BigDecimal.valueOf(millis, 3).stripTrailingZeros();
    return text + "; retry after " + seconds.toPlainString() + " s";
  }
}
