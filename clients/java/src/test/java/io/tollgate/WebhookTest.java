package io.tollgate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/** Verification of deliveries to webhooks: the cases of all clients. */
class WebhookTest {

  @Test
  void webhooksAreVerifiedAsInAllClients() throws IOException {
    JsonObject file = file();
    for (JsonElement element : file.getAsJsonArray("verified")) {
      Delivery one = Delivery.of(element.getAsJsonObject());
      for (Instant at : new Instant[] {one.now, one.now.plusMillis(900)}) {
        assertDoesNotThrow(
            () -> one.verifier().verify(one.header, one.body(), at), one.about);
      }
    }
    for (JsonElement element : file.getAsJsonArray("refused")) {
      Delivery one = Delivery.of(element.getAsJsonObject());
      WebhookVerifier verifier = one.verifier();
      WebhookException refused =
          assertThrows(
              WebhookException.class,
              () -> verifier.verify(one.header, one.body(), one.now),
              one.about);
      String message = element.getAsJsonObject().get("message").getAsString();
      assertEquals(message, refused.getMessage(), one.about);
    }
    for (JsonElement element : file.getAsJsonArray("secrets_refused")) {
      String secret = element.getAsString();
      IllegalArgumentException refused =
          assertThrows(
              IllegalArgumentException.class, () -> WebhookVerifier.of(secret), secret);
      assertEquals("the secret of a webhook is whsec_ and base64", refused.getMessage());
    }
    assertTrue(file.getAsJsonArray("verified").size() > 9);
    assertTrue(file.getAsJsonArray("refused").size() > 29);
    assertTrue(file.getAsJsonArray("secrets_refused").size() > 9);
  }

  @Test
  void aVerifierHasASecretAndATolerance() throws IOException {
    assertThrows(IllegalArgumentException.class, WebhookVerifier::of);
    Delivery one = Delivery.of(file().getAsJsonArray("verified").get(0).getAsJsonObject());
    WebhookVerifier verifier = one.verifier();
    assertThrows(
        IllegalArgumentException.class, () -> verifier.withTolerance(Duration.ofSeconds(-1)));
    // It is years old.
    WebhookException old =
        assertThrows(WebhookException.class, () -> verifier.verify(one.header, one.body()));
    assertTrue(old.getMessage().contains("in the past"), old.getMessage());
    verifier.withTolerance(Duration.ofDays(36_500)).verify(one.header, one.body());
  }

  private static JsonObject file() throws IOException {
    return JsonParser.parseString(Files.readString(Path.of("../conformance/webhook.json")))
        .getAsJsonObject();
  }

  private record Delivery(
      String about,
      List<String> secrets,
      UnaryOperator<String> header,
      String text,
      Instant now) {

    WebhookVerifier verifier() {
      return WebhookVerifier.of(secrets.toArray(String[]::new));
    }

    byte[] body() {
      return text.getBytes(UTF_8);
    }

    static Delivery of(JsonObject given) {
      Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
      given
          .getAsJsonObject("headers")
          .entrySet()
          .forEach(header -> headers.put(header.getKey(), header.getValue().getAsString()));
      return new Delivery(
          given.get("about").getAsString(),
          StreamSupport.stream(given.getAsJsonArray("secrets").spliterator(), false)
              .map(JsonElement::getAsString)
              .toList(),
          headers::get,
          given.get("body").getAsString(),
          Instant.ofEpochSecond(given.get("now").getAsLong()));
    }
  }
}
