package io.tollgate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Message;
import io.tollgate.v1.RecordUsageRequest;
import io.tollgate.v1.UnitKind;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Usage, money, times, and addresses, without a server. */
class UsageTest {

  @Test
  void unitsComeBack() {
    Usage usage =
        Usage.of(5, 0)
            .withUnits(Map.of(UnitKind.UNIT_KIND_WEB_SEARCH, 3L, UnitKind.UNIT_KIND_IMAGE, 1L));
    assertEquals(2, usage.toProto().getUnitsCount());
    assertEquals(usage, Usage.fromProto(usage.toProto()));
    assertEquals(List.of("us"), usage.withFactors(List.of("us")).factors());
  }

  @Test
  void moneyAndTimes() {
    Money money = new Money(new BigDecimal("1E+3"), "EUR");
    assertEquals("1000", money.toProto().getAmount());
    assertEquals("1000 EUR", money.toString());
    assertEquals("0.100000000", Money.of("0.1000000000", "EUR").toProto().getAmount());
    Money tooFine = Money.of("0.0000000001", "EUR");
    assertThrows(IllegalArgumentException.class, tooFine::toProto);
    assertEquals(
        BigDecimal.ZERO, Money.fromProto(io.tollgate.v1.Money.getDefaultInstance()).amount());
    for (Duration span : List.of(Duration.ofMillis(-1500), Duration.ofNanos(3), Duration.ZERO)) {
      assertEquals(span, Times.spanOf(Times.durationOf(span)));
    }
    assertEquals(
        com.google.protobuf.Duration.newBuilder().setSeconds(-1).setNanos(-500_000_000).build(),
        Times.durationOf(Duration.ofMillis(-1500)));
  }

  @Test
  void aBatchFitsIntoOneMessage() {
    Map<Integer, Integer> wanted = Map.of(1, 100, 60_000, 34, 3 << 20, 1);
    wanted.forEach(
        (size, count) ->
            assertEquals(count, Delivery.batch(Collections.nCopies(150, record(size))).size()));
    assertEquals(2, Delivery.batch(Collections.nCopies(2, record(1))).size());
    assertEquals(List.of(), Delivery.batch(List.of()));
  }

  private static Message record(int size) {
    return RecordUsageRequest.newBuilder()
        .setProviderAnswer(
            io.tollgate.v1.ProviderAnswer.newBuilder().addJson("1".repeat(size)))
        .build();
  }
}
