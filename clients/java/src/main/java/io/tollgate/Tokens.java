package io.tollgate;

import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;

/** An estimate of the tokens of a text, for the check that comes before the provider's figures. */
public final class Tokens {

  /** What holds no text that the model reads as such. */
  private static final Set<String> NO_TEXT =
      Set.of(
          "data", "url", "image_url", "file_data", "input_audio", "source", "type", "role", "id");

  private Tokens() {}

  /**
   * Estimates the tokens of a text, or of all texts in messages: a quarter of the characters,
   * rounded up.
   *
   * <p>Only an estimate: off by a third for prose, by more for code and for other scripts, and
   * blind to images and audio. A tokenizer makes it better. It matters for the hold alone: the
   * record that follows has the provider's figures.
   *
   * @param content a text, a map, a list of these, or an object that prints what it says
   */
  public static long estimate(Object content) {
    return estimate(content, null);
  }

  /**
   * Counts with a tokenizer instead.
   *
   * @param content as above
   * @param tokenizer counts the tokens of one text; null for the estimate
   */
  public static long estimate(Object content, ToLongFunction<String> tokenizer) {
    long[] sum = new long[1];
    ToLongFunction<String> count =
        tokenizer == null ? text -> text.codePointCount(0, text.length()) : tokenizer;
    visit(content, text -> sum[0] += count.applyAsLong(text));
    return tokenizer == null ? (sum[0] + 3) / 4 : sum[0];
  }

  private static void visit(Object content, Consumer<String> reader) {
    if (content instanceof CharSequence text) {
      reader.accept(text.toString());
      return;
    }
    Object value = Fields.parsed(content);
    if (value instanceof Map<?, ?> map) {
      map.forEach(
          (name, inner) -> {
            if (!NO_TEXT.contains(String.valueOf(name))) {
              visit(inner, reader);
            }
          });
    } else if (value instanceof Iterable<?> list) {
      list.forEach(inner -> visit(inner, reader));
    } else if (value != null && !(value instanceof Number) && !(value instanceof Boolean)) {
      reader.accept(value.toString());
    }
  }
}
