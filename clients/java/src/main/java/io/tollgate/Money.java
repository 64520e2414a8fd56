package io.tollgate;

import java.math.BigDecimal;

/**
 * An exact amount of one currency.
 *
 * @param amount the amount, for the API with at most nine fraction digits
 * @param currencyCode ISO 4217, for example {@code EUR}
 */
public record Money(BigDecimal amount, String currencyCode) {

  private static final int FRACTION_DIGITS_MAX = 9;

  /** Makes an amount of its decimal digits, for example {@code of("12.50", "EUR")}. */
  public static Money of(String amount, String currencyCode) {
    return new Money(new BigDecimal(amount), currencyCode);
  }

  /** Takes over an amount of the API; an empty one is zero. */
  public static Money fromProto(io.tollgate.v1.Money money) {
    return of(money.getAmount().isEmpty() ? "0" : money.getAmount(), money.getCurrencyCode());
  }

  /**
   * Makes an amount for the API.
   *
   * @throws IllegalArgumentException beyond nine fraction digits
   */
  public io.tollgate.v1.Money toProto() {
    if (amount.stripTrailingZeros().scale() > FRACTION_DIGITS_MAX) {
      throw new IllegalArgumentException(amount + " has more than 9 fraction digits");
    }
    BigDecimal plain =
        amount.scale() > FRACTION_DIGITS_MAX ? amount.setScale(FRACTION_DIGITS_MAX) : amount;
    return io.tollgate.v1.Money.newBuilder()
        .setAmount(plain.toPlainString())
        .setCurrencyCode(currencyCode)
        .build();
  }

  /** Writes for example {@code 12.50 EUR}. */
  @Override
  public String toString() {
    return amount.toPlainString() + " " + currencyCode;
  }
}
