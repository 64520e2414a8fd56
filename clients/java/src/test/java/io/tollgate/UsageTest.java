package io.tollgate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.openai.core.ObjectMappers;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseStreamEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The converters on what providers answer, recorded for all languages, and on odd input. */
class UsageTest {

  private static final Path RECORDED = Path.of("../conformance/usage");

  static Stream<Named<JsonObject>> recorded() throws IOException {
    try (Stream<Path> files = Files.list(RECORDED)) {
      return files
          .sorted()
          .map(file -> Named.of(file.getFileName().toString(), json(file)))
          .toList()
          .stream();
    }
  }

  @ParameterizedTest
  @MethodSource("recorded")
  void recordedAnswers(JsonObject recorded) {
    String own = recorded.get("provider").getAsString().toUpperCase(Locale.ROOT);
    JsonObject expected = recorded.getAsJsonObject("expected");
    String text = recorded.get("input").toString();
    Object tree = Fields.parsed(text);
    for (Provider provider : List.of(Provider.valueOf(own), Provider.ANY)) {
      for (Object input : List.of(text, text.getBytes(StandardCharsets.UTF_8), tree)) {
        UsageReader reader = new UsageReader(provider);
        assertTrue(reader.feed(input));
        JsonObject usage = new JsonObject();
        reader
            .usage()
            .orElseThrow()
            .toProto()
            .getAllFields()
            .forEach((field, count) -> usage.addProperty(field.getName(), (Long) count));
        assertEquals(expected.getAsJsonObject("usage"), usage);
        assertEquals(text(expected, "model"), reader.model());
        assertEquals(
            text(expected, "service_tier"), reader.serviceTier().map(Enum::name).orElse(""));
      }
    }
  }

  @Test
  void thereAreRecordedAnswers() throws IOException {
    assertTrue(recorded().count() >= 40);
  }

  @Test
  void objectsOfTheSdkOfOpenAi() throws IOException {
    Usage expected = new Usage(60, 40, 0, 0, 15, 5, 0, 0, 0, 0);
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
    for (Object answer :
        List.of(
            parse(chat.formatted(""), ChatCompletion.class),
            parse(chat.formatted(".chunk"), ChatCompletionChunk.class),
            parse(response, Response.class),
            parse(event, ResponseStreamEvent.class),
            completed)) {
      UsageReader reader = new UsageReader(Provider.ANY);
      assertTrue(reader.feed(answer), answer::toString);
      assertEquals(Optional.of(expected), reader.usage());
      assertEquals("gpt-4.1-x", reader.model());
      assertEquals(Optional.of(ServiceTier.FLEX), reader.serviceTier());
      assertEquals(expected, Usage.fromOpenAi(answer));
    }
    assertFalse(
        new UsageReader(Provider.ANY)
            .feed(
                parse(
                    """
                    {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                     "choices": [], "usage": null}""",
                    ChatCompletionChunk.class)));
  }

  /** Anthropic's SDK has optional values, hides constants, and wraps the events of a stream. */
  @Test
  void objectsLikeThoseOfAnthropic() {
    record Name(String asString) {}
    record Begun(long inputTokens, Optional<Long> cacheReadInputTokens, long outputTokens) {}
    record Message(Name _type, Name model, Begun usage) {}
    record Start(Name _type, Message message) {}
    record Ended(Optional<Long> inputTokens, Object _inputTokens, long outputTokens) {}
    record Delta(Name _type, Ended usage) {}
    record Event(Optional<Start> messageStart, Optional<Delta> messageDelta) {}
    Message message =
        new Message(new Name("message"), new Name("claude-x"), new Begun(5, Optional.of(7L), 6));
    Start start = new Start(new Name("message_start"), message);
    Delta delta =
        new Delta(new Name("message_delta"), new Ended(Optional.empty(), new Object(), 200));
    UsageReader reader = new UsageReader(Provider.ANY);
    assertTrue(reader.feed(new Event(Optional.of(start), Optional.empty())));
    assertTrue(reader.isPartial());
    assertEquals(Optional.of(new Usage(5, 7, 0, 0, 6, 0, 0, 0, 0, 0)), reader.usage());
    assertFalse(reader.feed(new Event(Optional.empty(), Optional.empty())));
    assertTrue(reader.feed(new Event(Optional.empty(), Optional.of(delta))));
    assertFalse(reader.isPartial());
    assertEquals(Optional.of(new Usage(5, 7, 0, 0, 200, 0, 0, 0, 0, 0)), reader.usage());
    assertEquals("claude-x", reader.model());
    assertEquals(Usage.fromAny(message), Usage.fromAnthropic(message));
  }

  /** Gemini's SDK has classes in the place of enums, which print their name. */
  @Test
  void objectsLikeThoseOfGemini() {
    enum Known {
      AUDIO,
      ON_DEMAND_PRIORITY
    }
    record Count(Optional<Known> modality, OptionalLong tokenCount) {}
    record Metadata(
        Optional<Integer> promptTokenCount,
        Optional<Integer> cachedContentTokenCount,
        Optional<List<Count>> promptTokensDetails,
        Optional<Known> trafficType) {}
    record Generated(Optional<String> getModelVersion, Optional<Metadata> usageMetadata) {}
    Count audio = new Count(Optional.of(Known.AUDIO), OptionalLong.of(3));
    Metadata metadata =
        new Metadata(
            Optional.of(10),
            Optional.of(4),
            Optional.of(List.of(audio)),
            Optional.of(Known.ON_DEMAND_PRIORITY));
    UsageReader reader = new UsageReader(Provider.GEMINI);
    assertTrue(reader.feed(new Generated(Optional.of("models/g"), Optional.of(metadata))));
    assertEquals(Optional.of(new Usage(3, 4, 0, 0, 0, 0, 3, 0, 0, 0)), reader.usage());
    assertEquals("g", reader.model());
    assertEquals(Optional.of(ServiceTier.PRIORITY), reader.serviceTier());
  }

  static Stream<Function<Object, Usage>> converters() {
    return Stream.of(Usage::fromAny, Usage::fromOpenAi, Usage::fromAnthropic, Usage::fromGemini);
  }

  @ParameterizedTest
  @MethodSource("converters")
  void whatHasNoUsageIsRefused(Function<Object, Usage> convert) {
    for (Object nothing :
        List.of(Map.of(), "{\"usage\": null}", List.of(), 7, "{}", "{\"choices\": []}", "[", "")) {
      assertThrows(IllegalArgumentException.class, () -> convert.apply(nothing), "" + nothing);
    }
    assertThrows(IllegalArgumentException.class, () -> convert.apply(null));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"prompt_tokens\": -5, \"completion_tokens\": \"many\", \"prompt_tokens_details\": 3}",
        "{\"prompt_tokens\": NaN, \"completion_tokens\": Infinity}",
        "{\"prompt_tokens\": true, \"prompt_tokens_details\": {\"cached_tokens\": 4}}"
      })
  void figuresThatAreNoneCountAsZero(String odd) {
    assertEquals(Usage.of(0, 0), Usage.fromOpenAi(odd));
  }

  @Test
  void theEstimate() {
    assertEquals(0, Tokens.estimate(""));
    assertEquals(3, Tokens.estimate("x".repeat(9)));
    assertEquals(1, Tokens.estimate("\uD83D\uDE00".repeat(4)), "characters, not halves of them");
    List<?> messages =
        List.of(
            Map.of("role", "system", "content", "x".repeat(8)),
            Map.of(
                "role",
                "user",
                "content",
                List.of(
                    Map.of("type", "text", "text", "y".repeat(8)),
                    Map.of("type", "image_url", "image_url", Map.of("url", "data:xxxx")))));
    assertEquals(4, Tokens.estimate(messages));
    assertEquals(16, Tokens.estimate(messages, String::length));
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

  private static <T> T parse(String json, Class<T> type) throws IOException {
    return ObjectMappers.jsonMapper().readValue(json, type);
  }

  private static String text(JsonObject holder, String name) {
    return holder.get(name).isJsonNull() ? "" : holder.get(name).getAsString();
  }

  private static JsonObject json(Path file) {
    try {
      return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
