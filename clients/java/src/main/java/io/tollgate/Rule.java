package io.tollgate;

import java.util.List;
import java.util.stream.Stream;

/**
 * How one whole that a provider reports falls into Tollgate's classes: the parts are taken out of
 * it in their order, each at most what is left.
 *
 * @param whole path of the whole in the provider's usage
 * @param parts what is counted inside it
 * @param rest class of what is left
 */
record Rule(String whole, List<Part> parts, Kind rest) {

  static final String CACHE_WRITTEN = "cache_creation_input_tokens";
  /** Summed where the whole itself is missing. */
  static final List<String> CACHE_WRITTEN_PARTS =
      List.of(
          "cache_creation.ephemeral_5m_input_tokens", "cache_creation.ephemeral_1h_input_tokens");

  static final List<Rule> OPENAI_CHAT = openAi("prompt_tokens", "completion_tokens");
  static final List<Rule> OPENAI_RESPONSES = openAi("input_tokens", "output_tokens");
  static final List<Rule> ANTHROPIC =
      List.of(
          new Rule("input_tokens", List.of(), Kind.INPUT),
          new Rule("cache_read_input_tokens", List.of(), Kind.CACHE_READ),
          new Rule(
              CACHE_WRITTEN,
              List.of(part(CACHE_WRITTEN_PARTS.get(1), Kind.CACHE_WRITE_1H)),
              Kind.CACHE_WRITE_5M),
          new Rule(
              "output_tokens",
              List.of(part("output_tokens_details.thinking_tokens", Kind.REASONING)),
              Kind.OUTPUT));
  static final List<Rule> GEMINI =
      List.of(
          new Rule(
              "promptTokenCount",
              List.of(
                  part("cachedContentTokenCount", Kind.CACHE_READ),
                  new Part("promptTokensDetails.AUDIO", "cacheTokensDetails.AUDIO", Kind.AUDIO_IN),
                  new Part("promptTokensDetails.IMAGE", "cacheTokensDetails.IMAGE", Kind.IMAGE_IN)),
              Kind.INPUT),
          new Rule(
              "toolUsePromptTokenCount",
              List.of(
                  part("toolUsePromptTokensDetails.AUDIO", Kind.AUDIO_IN),
                  part("toolUsePromptTokensDetails.IMAGE", Kind.IMAGE_IN)),
              Kind.INPUT),
          new Rule(
              "candidatesTokenCount",
              List.of(
                  part("candidatesTokensDetails.AUDIO", Kind.AUDIO_OUT),
                  part("candidatesTokensDetails.IMAGE", Kind.IMAGE_OUT)),
              Kind.OUTPUT),
          new Rule("thoughtsTokenCount", List.of(), Kind.REASONING));

  /** The classes of {@link Usage}. */
  enum Kind {
    INPUT,
    CACHE_READ,
    CACHE_WRITE_5M,
    CACHE_WRITE_1H,
    OUTPUT,
    REASONING,
    AUDIO_IN,
    AUDIO_OUT,
    IMAGE_IN,
    IMAGE_OUT
  }

  /**
   * A part of a whole.
   *
   * @param path where it is; a name in capitals picks that modality of a list
   * @param less path of a figure that is counted inside it and inside another part; or empty
   * @param kind its class
   */
  record Part(String path, String less, Kind kind) {}

  /** All figures that the rules read. */
  static Stream<String> paths(List<Rule> rules) {
    Stream<String> read =
        rules.stream()
            .flatMap(
                rule ->
                    Stream.concat(
                        Stream.of(rule.whole),
                        rule.parts.stream().flatMap(part -> Stream.of(part.path, part.less))));
    return Stream.concat(read, rules == ANTHROPIC ? CACHE_WRITTEN_PARTS.stream() : Stream.empty())
        .filter(path -> !path.isEmpty());
  }

  private static List<Rule> openAi(String input, String output) {
    String inside = input + "_details.";
    String outside = output + "_details.";
    String long12 = inside + "cache_write_tokens_details.ttl_12h_tokens";
    return List.of(
        new Rule(
            input,
            List.of(
                part(inside + "cached_tokens", Kind.CACHE_READ),
                part(long12, Kind.CACHE_WRITE_1H),
                new Part(inside + "cache_write_tokens", long12, Kind.CACHE_WRITE_5M),
                part(inside + "audio_tokens", Kind.AUDIO_IN),
                part(inside + "image_tokens", Kind.IMAGE_IN)),
            Kind.INPUT),
        new Rule(
            output,
            List.of(
                part(outside + "reasoning_tokens", Kind.REASONING),
                part(outside + "audio_tokens", Kind.AUDIO_OUT),
                part(outside + "image_tokens", Kind.IMAGE_OUT)),
            Kind.OUTPUT));
  }

  private static Part part(String path, Kind kind) {
    return new Part(path, "", kind);
  }
}
