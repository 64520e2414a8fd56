package io.tollgate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.openai.core.ObjectMappers;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseStreamEvent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** What of a provider answer leaves the process, by the cases of all clients, and of SDKs. */
class AnswerTest {

  private static JsonObject shared(String name) throws IOException {
    String text = Files.readString(Path.of("../conformance").resolve(name));
    return JsonParser.parseString(text).getAsJsonObject();
  }

  private static JsonElement json(Object value) {
    return JsonParser.parseString(Json.write(value));
  }

  private static JsonArray sent(ProviderAnswer answer) {
    JsonArray all = new JsonArray();
    answer.json().forEach(text -> all.add(JsonParser.parseString(text)));
    return all;
  }

  /** A part as it is spelt in the file: a text is JSON, anything else a tree. */
  private static Object part(JsonElement value) {
    if (value instanceof JsonPrimitive primitive) {
      return primitive.isString() ? primitive.getAsString() : primitive.getAsNumber();
    }
    return Json.parse(value.toString());
  }

  @Test
  void theListsAreThoseOfAllClients() throws IOException {
    JsonObject file = shared("provider_answer.json");
    assertEquals(
        file.get("limits"),
        json(
            Map.of(
                "parts", Rule.PARTS_MAX,
                "bytes", Rule.BYTES_MAX,
                "depth", Rule.DEPTH_MAX,
                "name_bytes", Rule.NAME_BYTES_MAX,
                "text_characters", Rule.TEXT_CHARACTERS_MAX,
                "number_bytes", Rule.NUMBER_BYTES_MAX)));
    assertEquals(
        file.get("rule"),
        json(
            Map.of(
                "texts", Rule.TEXTS,
                "wrappers", Rule.WRAPPERS,
                "narrow", Rule.NARROW,
                "counted", Rule.COUNTED,
                "usage_words", Rule.USAGE_WORDS,
                "usage_names", Rule.USAGE_NAMES)));
    assertEquals(
        file.get("reading"),
        json(
            Map.ofEntries(
                Map.entry("figure_ending", Rule.FIGURE_ENDING),
                Map.entry("figure_names", Rule.FIGURE_NAMES),
                Map.entry("models", Rule.MODELS),
                Map.entry("statuses", Rule.STATUSES),
                Map.entry("unfinished", Rule.UNFINISHED),
                Map.entry("failed", Rule.FAILED),
                Map.entry("cancelled", Rule.CANCELLED),
                Map.entry("beginning", Rule.BEGINNING),
                Map.entry("whole", Rule.WHOLE),
                Map.entry("tiers", Rule.TIERS),
                Map.entry("tiers_unsaid", Rule.TIERS_UNSAID))));
  }

  @Test
  void whatIsKeptOfAnAnswer() throws IOException {
    JsonObject file = shared("provider_answer.json");
    assertTrue(file.getAsJsonArray("cases").size() >= 27);
    for (JsonElement each : file.getAsJsonArray("cases")) {
      JsonObject test = each.getAsJsonObject();
      JsonElement reduced = test.get("reduced");
      JsonArray wanted = new JsonArray();
      if (reduced.isJsonArray() && reduced.getAsJsonArray().isEmpty()) {
        wanted.add(new JsonObject());
      } else if (reduced.isJsonArray()) {
        wanted.addAll(reduced.getAsJsonArray());
      } else {
        wanted.add(reduced);
      }
      String text = test.get("input").toString();
      assertEquals(wanted, sent(ProviderAnswer.of(text)), () -> "" + test.get("name"));
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      assertEquals(wanted, sent(ProviderAnswer.of(bytes)), () -> "" + test.get("name"));
      if (!test.get("input").isJsonPrimitive()) {
        assertEquals(wanted, sent(ProviderAnswer.of(test.get("input"))));
        assertEquals(wanted, sent(ProviderAnswer.of(part(test.get("input")))));
      }
    }
  }

  @Test
  void whichPartsAreKept() throws IOException {
    JsonObject file = shared("provider_answer.json");
    assertTrue(file.getAsJsonArray("selections").size() >= 8);
    for (JsonElement each : file.getAsJsonArray("selections")) {
      JsonObject test = each.getAsJsonObject();
      List<Object> parts = new ArrayList<>();
      test.getAsJsonArray("parts").forEach(one -> parts.add(part(one)));
      assertEquals(
          test.get("kept"),
          sent(ProviderAnswer.of(parts.toArray())),
          () -> "" + test.get("name"));
    }
  }

  @Test
  void whatIsNoAnswerIsRefused() throws IOException {
    JsonArray refusals = shared("provider_answer.json").getAsJsonArray("refusals");
    assertTrue(refusals.size() >= 5);
    List<Object> nothing = new ArrayList<>();
    refusals.forEach(each -> nothing.add(part(each.getAsJsonObject().get("part"))));
    nothing.addAll(
        Arrays.asList(
            null,
            42,
            "{} {}",
            "{\"usage\": {\"tokens\": 1, \"tokens\": 2}}",
            "{\"usage\": {\"tokens\": 1e999}}",
            "{'usage': 1}",
            Map.of("usage", Map.of("tokens", Double.NaN)),
            Map.of(
                "usage", Map.of("details", Collections.nCopies(10_000, Map.of("n", 1))))));
    for (Object part : nothing) {
      IllegalArgumentException error =
          assertThrows(
              IllegalArgumentException.class, () -> ProviderAnswer.of(part), () -> "" + part);
      assertFalse(error.getMessage().contains("SECRET"), error::getMessage);
    }
    assertThrows(IllegalArgumentException.class, ProviderAnswer::of);
  }

  @Test
  void partsThatAreTooLargeTogetherAreLeftOut() {
    Object[] parts = new Object[12];
    for (int at = 0; at < parts.length; at++) {
      List<?> details = Collections.nCopies(1000, Map.of("n", at));
      parts[at] = Map.of("usage", Map.of("details", details));
    }
    List<String> texts = ProviderAnswer.of(parts).json();
    int size = texts.stream().mapToInt(String::length).sum();
    assertTrue(size <= Rule.BYTES_MAX && size > Rule.BYTES_MAX - 9000, () -> "" + size);
    assertTrue(texts.get(0).contains("\"n\":0}"));
    assertTrue(texts.get(texts.size() - 1).contains("\"n\":11}"));
  }

  @Test
  void numbersStayAsTheyAreWritten() {
    ProviderAnswer answer =
        ProviderAnswer.from(
            "OpenAI", "{\"cost\": 0.1234567890123456789, \"x\": \"\\ud83d\", \"n\": 41.0}");
    assertEquals(List.of("{\"cost\":0.1234567890123456789,\"n\":41.0}"), answer.json());
    assertEquals("openai", answer.toProto().getProvider());
  }

  @Test
  void objectsOfTheSdkOfOpenAi() throws IOException {
    String chat =
        """
        {"id": "c", "object": "chat.completion%s", "created": 1, "model": "gpt-4.1-x",
         "service_tier": "flex", "choices": [], "usage":
         {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
          "prompt_tokens_details": {"cached_tokens": 40},
          "completion_tokens_details": {"reasoning_tokens": 5}}}""";
    String response =
        """
        {"id": "r", "object": "response", "created_at": 1, "model": "gpt-4.1-x", "output": [],
         "service_tier": "flex", "parallel_tool_calls": true, "tools": [], "tool_choice": "auto",
         "usage": {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120,
          "input_tokens_details": {"cached_tokens": 40},
          "output_tokens_details": {"reasoning_tokens": 5}}}""";
    String event =
        "{\"type\": \"response.completed\", \"sequence_number\": 1, \"response\": %s}"
            .formatted(response);
    Object completed = parse(event, ResponseStreamEvent.class).completed().orElseThrow();
    sameAs(chat.formatted(""), parse(chat.formatted(""), ChatCompletion.class));
    sameAs(chat.formatted(".chunk"), parse(chat.formatted(".chunk"), ChatCompletionChunk.class));
    sameAs(response, parse(response, Response.class));
    sameAs(event, parse(event, ResponseStreamEvent.class));
    sameAs(event, completed);
  }

  private static void sameAs(String text, Object answer) {
    assertEquals(sent(ProviderAnswer.of(text)), sent(ProviderAnswer.of(answer)));
  }

  /** Objects without JSON of their own are read by their accessors, for what may be figures. */
  @Test
  void otherObjects() {
    enum Known {
      AUDIO,
      ON_DEMAND_PRIORITY
    }
    record Count(Optional<Known> modality, OptionalLong tokenCount) {}
    record Metadata(
        Optional<Integer> promptTokenCount,
        Optional<List<Count>> promptTokensDetails,
        Optional<Known> trafficType) {}
    record Name(String asString) {}
    record Content(String text) {}
    record Generated(
        Optional<String> getModelVersion,
        Optional<Metadata> usageMetadata,
        Name _type,
        Content content) {}
    Metadata metadata =
        new Metadata(
            Optional.of(10),
            Optional.of(List.of(new Count(Optional.of(Known.AUDIO), OptionalLong.of(3)))),
            Optional.of(Known.ON_DEMAND_PRIORITY));
    Generated generated =
        new Generated(
            Optional.of("models/g"),
            Optional.of(metadata),
            new Name("answer"),
            new Content("SECRET"));
    sameAs(
        """
        {"modelVersion": "models/g", "type": "answer", "usageMetadata": {"promptTokenCount": 10,
         "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}],
         "trafficType": "ON_DEMAND_PRIORITY"}}""",
        generated);
  }

  @Test
  void theEstimate() throws IOException {
    JsonObject file = shared("estimate.json");
    List<List<String>> ranges = new ArrayList<>();
    for (List<Integer> ends : Tokens.WHOLE_TOKENS) {
      ranges.add(ends.stream().map(code -> String.format(Locale.ROOT, "%04X", code)).toList());
    }
    assertEquals(
        file.get("rule"),
        json(
            Map.of(
                "ascii_per_token", Tokens.ASCII_PER_TOKEN,
                "other_per_token", Tokens.OTHER_PER_TOKEN,
                "whole_tokens", ranges,
                "item_tokens", Tokens.ITEM_TOKENS,
                "openai_image_types", Tokens.OPENAI_IMAGE_TYPES,
                "item_types", Tokens.ITEM_TYPES,
                "item_members", Tokens.ITEM_MEMBERS,
                "definitions", Tokens.DEFINITIONS,
                "skipped", Tokens.SKIPPED)));
    assertTrue(file.getAsJsonArray("cases").size() >= 27);
    for (JsonElement each : file.getAsJsonArray("cases")) {
      JsonObject test = each.getAsJsonObject();
      JsonElement content = test.get("content");
      Object given = content.isJsonPrimitive() ? content.getAsString() : part(content);
      assertEquals(
          test.get("tokens").getAsLong(), Tokens.estimate(given), () -> "" + test.get("name"));
    }
    List<?> messages = List.of(Map.of("role", "user", "content", "y".repeat(8)));
    assertEquals(8, Tokens.estimate(messages, String::length));
    assertEquals(2, Tokens.estimate("not JSON".getBytes(StandardCharsets.UTF_8)));
  }

  private static <T> T parse(String json, Class<T> type) throws IOException {
    return ObjectMappers.jsonMapper().readValue(json, type);
  }
}
