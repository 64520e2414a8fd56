package io.tollgate;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.math.BigDecimal;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Says whether what is posted to a webhook comes from the server: verifies the signature of Standard
 * Webhooks, version 1. Safe for many threads.
 *
 * <p>The server may post a delivery again: a receiver that has seen its header {@code webhook-id} may
 * ignore it.
 */
public final class WebhookVerifier {

  private static final String ID = "webhook-id";
  private static final String TIMESTAMP = "webhook-timestamp";
  private static final String SIGNATURE = "webhook-signature";
  private static final String SECRET = "whsec_";
  private static final String VERSION = "v1,";
  private static final String ALGORITHM = "HmacSHA256";
  private static final Duration TOLERANCE = Duration.ofMinutes(5);
  /** No more digits than fit into 64 bits. */
  private static final Pattern SECONDS = Pattern.compile("[0-9]{1,15}");

  private final List<SecretKeySpec> keys;
  private final Duration tolerance;

  private WebhookVerifier(List<SecretKeySpec> keys, Duration tolerance) {
    this.keys = keys;
    this.tolerance = tolerance;
  }

  /**
   * Makes one for the secrets that {@code CreateWebhook} and {@code RotateWebhookSecret} return: a
   * delivery that is signed with any of them is verified. While a secret is rotated the server signs
   * with both, so that the old one or the new one is enough.
   *
   * @throws IllegalArgumentException for a secret that is none, or if there is none; it is not shown
   */
  public static WebhookVerifier of(String... secrets) {
    if (secrets.length == 0) {
      throw new IllegalArgumentException("a webhook verifier needs a secret");
    }
    return new WebhookVerifier(Arrays.stream(secrets).map(WebhookVerifier::key).toList(), TOLERANCE);
  }

  /** The same with another tolerance: how far the time of a delivery may be from now, both ways. */
  public WebhookVerifier withTolerance(Duration tolerance) {
    if (tolerance.isNegative()) {
      throw new IllegalArgumentException("tolerance is not negative, not " + tolerance);
    }
    return new WebhookVerifier(keys, tolerance);
  }

  /**
   * Returns if a delivery is from the server and not old.
   *
   * @param header gives the value of a header by its name in lower case, or null: {@code
   *     request::getHeader} of a servlet, {@code exchange.getRequestHeaders()::getFirst}
   * @param body the body, byte by byte as it came
   * @throws WebhookException if it is not, and why, without anything secret: answer 400
   */
  public void verify(UnaryOperator<String> header, byte[] body) {
    verify(header, body, Instant.now());
  }

  /**
   * The same at another time than now, for tests and for deliveries that were kept.
   *
   * @throws WebhookException if it is not, and why
   */
  public void verify(UnaryOperator<String> header, byte[] body, Instant at) {
    Objects.requireNonNull(body);
    String id = required(header, ID);
    String timestamp = required(header, TIMESTAMP);
    String signatures = required(header, SIGNATURE);
    checkTime(timestamp, at);
    List<byte[]> given =
        Arrays.stream(signatures.split(" ", -1))
            .filter(signature -> signature.startsWith(VERSION))
            .map(signature -> signature.getBytes(UTF_8))
            .toList();
    if (given.isEmpty()) {
      throw new WebhookException(SIGNATURE + " has no signature of version 1, such as v1,…");
    }
    for (SecretKeySpec key : keys) {
      byte[] expected = sign(key, (id + "." + timestamp + ".").getBytes(UTF_8), body);
      // In a time that does not depend on where they differ.
      if (given.stream().anyMatch(signature -> MessageDigest.isEqual(expected, signature))) {
        return;
      }
    }
    throw new WebhookException(
        SIGNATURE
            + " does not fit: the secret is another one, or the body is not as it was sent");
  }

  private void checkTime(String timestamp, Instant at) {
    if (!SECONDS.matcher(timestamp).matches()) {
      throw new WebhookException(TIMESTAMP + " is no whole number of seconds");
    }
    long age = at.getEpochSecond() - Long.parseLong(timestamp);
    if (Duration.ofSeconds(Math.abs(age)).compareTo(tolerance) > 0) {
      BigDecimal most = BigDecimal.valueOf(tolerance.toMillis(), 3).stripTrailingZeros();
      throw new WebhookException(
          String.format(
              "%s is %d s in the %s; expected at most %s s",
              TIMESTAMP, Math.abs(age), age > 0 ? "past" : "future", most.toPlainString()));
    }
  }

  private static String required(UnaryOperator<String> header, String name) {
    String value = header.apply(name);
    if (value == null || value.isEmpty()) {
      throw new WebhookException(name + " is missing");
    }
    return value;
  }

  private static byte[] sign(SecretKeySpec key, byte[] head, byte[] body) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      mac.update(head);
      return (VERSION + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes(UTF_8);
    } catch (GeneralSecurityException error) {
      throw new IllegalStateException("every Java has " + ALGORITHM, error);
    }
  }

  private static SecretKeySpec key(String secret) {
    String text = secret.startsWith(SECRET) ? secret.substring(SECRET.length()) : "";
    byte[] key;
    try {
      key = Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException error) {
      key = new byte[0];
    }
    // Also the same bytes in base64 that is written otherwise are refused.
    if (key.length == 0 || !Base64.getEncoder().encodeToString(key).equals(text)) {
      throw new IllegalArgumentException("the secret of a webhook is whsec_ and base64");
    }
    return new SecretKeySpec(key, ALGORITHM);
  }
}
