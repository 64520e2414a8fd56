package io.tollgate;

import static java.util.stream.Collectors.joining;

import com.google.protobuf.ProtocolMessageEnum;
import io.tollgate.v1.Enforcement;
import io.tollgate.v1.LimitKind;
import io.tollgate.v1.LimitPeriod;
import io.tollgate.v1.LimitUnit;
import io.tollgate.v1.Reason;
import io.tollgate.v1.SubjectType;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What one limit, or one rule about a model or a key, said.
 *
 * <p>The enums are those of the API: unspecified where it says nothing, {@code UNRECOGNIZED} for a
 * member that is newer than this client. Amounts are in {@code limit} to {@code need} for limits of
 * money, in the counts for others.
 *
 * @param reason why it spoke, for example {@code REASON_EXHAUSTED}
 * @param blocking whether this kept the request from running on the model it is about
 * @param limitKind kind of the limit; unspecified for a rule
 * @param unit what the limit counts
 * @param subjectType kind of whom it is about
 * @param subjectId whom it is about
 * @param model the only model that it counts; empty for all
 * @param period over which span it counts
 * @param enforcement what it does when it is reached
 * @param limitId id of the quota or rate limit
 * @param limit the limit with its boosts
 * @param spent spent in the running window
 * @param held held by requests in flight
 * @param need what this request would need
 * @param limitCount the limit with its boosts, of tokens or requests
 * @param spentCount used in the running window
 * @param heldCount held by requests in flight
 * @param needCount what this request would need
 * @param resetTime when the limit begins anew at zero
 * @param retryAfter how long until this limit alone would let the request pass
 * @param thresholdPercent the highest threshold that this request crosses, if that is the reason
 */
public record Verdict(
    Reason reason,
    boolean blocking,
    LimitKind limitKind,
    LimitUnit unit,
    SubjectType subjectType,
    String subjectId,
    String model,
    LimitPeriod period,
    Enforcement enforcement,
    String limitId,
    Optional<Money> limit,
    Optional<Money> spent,
    Optional<Money> held,
    Optional<Money> need,
    long limitCount,
    long spentCount,
    long heldCount,
    long needCount,
    Optional<Instant> resetTime,
    Optional<Duration> retryAfter,
    int thresholdPercent) {

  /** Takes over every field of the API's message. */
  public static Verdict fromProto(io.tollgate.v1.Verdict said) {
    return new Verdict(
        said.getReason(),
        said.getBlocking(),
        said.getLimitKind(),
        said.getUnit(),
        said.getSubject().getType(),
        said.getSubject().getId(),
        said.getModelId(),
        said.getPeriod(),
        said.getEnforcement(),
        said.getLimitId(),
        money(said.hasLimit(), said.getLimit()),
        money(said.hasSpent(), said.getSpent()),
        money(said.hasHeld(), said.getHeld()),
        money(said.hasNeed(), said.getNeed()),
        said.getLimitCount(),
        said.getSpentCount(),
        said.getHeldCount(),
        said.getNeedCount(),
        said.hasResetTime() ? Optional.of(Times.timeOf(said.getResetTime())) : Optional.empty(),
        said.hasRetryAfter() ? Optional.of(Times.spanOf(said.getRetryAfter())) : Optional.empty(),
        said.getThresholdPercent());
  }

  /** Names the limit and its figures, for a person. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(words(name(limitKind).isEmpty() ? "RULE" : name(limitKind)));
    text.append(" of");
    Stream.of(words(name(subjectType)), subjectId, limitId)
        .filter(word -> !word.isEmpty())
        .forEach(word -> text.append(' ').append(word));
    text.append(": ").append(name(reason));
    if (limit.isPresent()) {
      text.append(
          Stream.of(
                  Optional.of("limit " + limit.get()),
                  spent.map(money -> "spent " + money.amount().toPlainString()),
                  held.map(money -> "held " + money.amount().toPlainString()),
                  need.map(money -> "need " + money.amount().toPlainString()))
              .flatMap(Optional::stream)
              .collect(joining(", ", " (", ")")));
    } else if (limitCount != 0) {
      text.append(" (limit ").append(limitCount).append(", spent ").append(spentCount);
      text.append(", held ").append(heldCount).append(", need ").append(needCount);
      text.append(' ').append(words(name(unit))).append(')');
    }
    resetTime.ifPresent(time -> text.append(", resets ").append(time));
    return text.toString();
  }

  static List<Verdict> listOf(List<io.tollgate.v1.Verdict> said) {
    return said.stream().map(Verdict::fromProto).toList();
  }

  /** The name without its prefix, for a person; empty if it is unspecified. */
  static String name(ProtocolMessageEnum member) {
    String unspecified = member.getDescriptorForType().getValues().get(0).getName();
    String prefix = unspecified.substring(0, unspecified.length() - "UNSPECIFIED".length());
    String name = member.toString();
    String bare = name.startsWith(prefix) ? name.substring(prefix.length()) : name;
    return bare.equals("UNSPECIFIED") ? "" : bare;
  }

  private static Optional<Money> money(boolean present, io.tollgate.v1.Money money) {
    return present ? Optional.of(Money.fromProto(money)) : Optional.empty();
  }

  private static String words(String name) {
    return name.toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
