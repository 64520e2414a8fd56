package io.tollgate;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToLongFunction;

/**
 * An estimate of the tokens of an input, for the check that comes before the provider's figures.
 * The lists are those of clients/conformance/estimate.json, which a test compares with these.
 */
public final class Tokens {

  static final int ASCII_PER_TOKEN = 4;
  static final int OTHER_PER_TOKEN = 2;

  /** The first and the last characters of scripts in which each is a token. */
  static final List<List<Integer>> WHOLE_TOKENS =
      List.of(
          List.of(0x1100, 0x11FF),
          List.of(0x2E80, 0xA4CF),
          List.of(0xA960, 0xA97F),
          List.of(0xAC00, 0xD7FF),
          List.of(0xF900, 0xFAFF),
          List.of(0xFE30, 0xFE4F),
          List.of(0xFF00, 0xFFEF),
          List.of(0x1B000, 0x1B16F),
          List.of(0x1F000, 0x1FAFF),
          List.of(0x20000, 0x3FFFF));

  /** Tokens of an image, a file or a recording, whatever its size. */
  static final Map<String, Long> ITEM_TOKENS =
      Map.of("openai_image", 1105L, "openai_image_low", 85L, "other", 1600L);

  /** Types of images of OpenAI. */
  static final List<String> OPENAI_IMAGE_TYPES = List.of("image_url", "input_image");

  /** Types of other items. */
  static final List<String> ITEM_TYPES =
      List.of(
          "audio", "computer_screenshot", "document", "file", "image", "image_file",
          "input_audio", "input_file", "video");

  /** Names of the objects that make an item of what they are in. */
  static final List<String> ITEM_MEMBERS =
      List.of(
          "audio", "document", "file_data", "image", "inline_data", "video");

  /** Members of which the model reads the names, too. */
  static final List<String> DEFINITIONS =
      List.of(
          "args", "arguments", "function_declarations", "functions", "response_format", "text",
          "tool_config", "tools");

  /** Members that hold no text which the model reads as such. */
  static final List<String> SKIPPED =
      List.of(
          "cache_control", "call_id", "data", "encrypted_content", "file_data", "id",
          "image_url", "input_audio", "role", "signature", "source", "status",
          "thought_signature", "tool_call_id", "tool_use_id", "type", "url");

  private static final Set<String> IMAGE_TYPES = Rule.folded(OPENAI_IMAGE_TYPES);
  private static final Set<String> OTHER_TYPES = Rule.folded(ITEM_TYPES);
  private static final Set<String> INSIDE = Rule.folded(ITEM_MEMBERS);
  private static final Set<String> DEFINED = Rule.folded(DEFINITIONS);
  private static final Set<String> PASSED_OVER = Rule.folded(SKIPPED);

  private final ToLongFunction<String> tokenizer;
  private long tokens;
  // Quarters of a token, which are rounded up in the end.
  private long quarters;

  private Tokens(ToLongFunction<String> tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Estimates the tokens of a text, or of what is sent to a provider: messages, or all parameters of
   * a call, with system instructions and tools. Four ASCII characters are a token, as is one of
   * Chinese, Japanese or Korean, or two of another script. An image or a file is a constant.
   *
   * <p>Only an estimate. A tokenizer counts texts better. It matters for the hold alone: the record
   * that follows has the provider's figures.
   *
   * @param content a text, a map, a list of these, or an object of an SDK
   */
  public static long estimate(Object content) {
    return estimate(content, null);
  }

  /**
   * Counts texts with a tokenizer instead.
   *
   * @param content as above
   * @param tokenizer counts the tokens of one text; null for the estimate
   */
  public static long estimate(Object content, ToLongFunction<String> tokenizer) {
    Tokens estimate = new Tokens(tokenizer);
    estimate.walk(Json.content(content));
    return estimate.tokens + (estimate.quarters + 3) / 4;
  }

  private void text(String text) {
    if (tokenizer != null) {
      tokens += tokenizer.applyAsLong(text);
      return;
    }
    text.codePoints()
        .forEach(
            code -> {
              if (code < 0x80) {
                quarters += 4 / ASCII_PER_TOKEN;
              } else if (isWholeToken(code)) {
                quarters += 4;
              } else {
                quarters += 4 / OTHER_PER_TOKEN;
              }
            });
  }

  private static boolean isWholeToken(int code) {
    return WHOLE_TOKENS.stream().anyMatch(ends -> ends.get(0) <= code && code <= ends.get(1));
  }

  /** Counts texts and items. */
  private void walk(Object value) {
    if (value instanceof String text) {
      text(text);
    } else if (value instanceof List<?> list) {
      list.forEach(this::walk);
    } else if (value instanceof Map<?, ?> map) {
      Object quoted = quoted(map);
      long item = quoted == null ? item(map) : 0;
      if (quoted != null) {
        walk(quoted);
      } else if (item > 0) {
        tokens += item;
      } else {
        map.forEach(this::walkMember);
      }
    }
  }

  private void walkMember(Object name, Object value) {
    String folded = Rule.fold(String.valueOf(name));
    if (DEFINED.contains(folded)) {
      define(value);
    } else if (!PASSED_OVER.contains(folded)) {
      walk(value);
    }
  }

  /** Counts names and values: each name, number and boolean is a token at least. */
  private void define(Object value) {
    if (value instanceof String text) {
      text(text);
    } else if (value instanceof Number || value instanceof Boolean) {
      tokens++;
    } else if (value instanceof List<?> list) {
      list.forEach(this::define);
    } else if (value instanceof Map<?, ?> map) {
      map.forEach(
          (name, inner) -> {
            if (inner != null) {
              text(String.valueOf(name));
              tokens++;
              define(inner);
            }
          });
    }
  }

  /** Gives the text of a document that is text; null if it is none. */
  private static Object quoted(Map<?, ?> map) {
    if (!"document".equals(Json.member(map, "type"))) {
      return null;
    }
    Object source = Json.member(map, "source");
    Object type = Json.member(source, "type");
    if ("text".equals(type)) {
      return Json.member(source, "data");
    }
    return "content".equals(type) ? Json.member(source, "content") : null;
  }

  /** Gives the tokens of an image or a file; 0 if it is none. */
  private static long item(Map<?, ?> map) {
    String kind = Json.member(map, "type") instanceof String type ? Rule.fold(type) : "";
    if (IMAGE_TYPES.contains(kind)) {
      Object inside = Json.member(Json.member(map, "imageurl"), "detail");
      Object detail = inside == null ? Json.member(map, "detail") : inside;
      return ITEM_TOKENS.get("low".equals(detail) ? "openai_image_low" : "openai_image");
    }
    boolean isItem =
        OTHER_TYPES.contains(kind)
            || INSIDE.stream().anyMatch(name -> Json.member(map, name) instanceof Map);
    return isItem ? ITEM_TOKENS.get("other") : 0;
  }
}
