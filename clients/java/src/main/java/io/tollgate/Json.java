package io.tollgate;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import java.io.IOException;
import java.io.StringReader;
import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Makes trees of maps, lists, texts, numbers and booleans of JSON, and of what knows how to become
 * JSON. No error has any of the content in it.
 */
final class Json {

  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();
  private static final int NESTING_MAX = 1000;
  private static final int NUMBER_LENGTH_MAX = 100;

  private Json() {}

  /**
   * Reads one JSON text.
   *
   * @throws IllegalArgumentException if it is none, or if an object has one name twice
   */
  static Object parse(String text) {
    try (JsonReader reader = new JsonReader(new StringReader(text))) {
      reader.setStrictness(Strictness.STRICT);
      reader.setNestingLimit(NESTING_MAX);
      Object value = read(reader);
      if (reader.peek() != JsonToken.END_DOCUMENT) {
        throw new IllegalArgumentException("there is more than one value in it");
      }
      return value;
    } catch (IOException | IllegalStateException | NumberFormatException error) {
      // Without its cause, which shows a piece of it.
      throw new IllegalArgumentException("it is not JSON");
    }
  }

  private static Object read(JsonReader reader) throws IOException {
    switch (reader.peek()) {
      case BEGIN_OBJECT -> {
        return readObject(reader);
      }
      case BEGIN_ARRAY -> {
        List<Object> list = new ArrayList<>();
        reader.beginArray();
        while (reader.hasNext()) {
          list.add(read(reader));
        }
        reader.endArray();
        return list;
      }
      case STRING -> {
        return reader.nextString();
      }
      case NUMBER -> {
        return number(reader.nextString());
      }
      case BOOLEAN -> {
        return reader.nextBoolean();
      }
      default -> {
        reader.nextNull();
        return null;
      }
    }
  }

  private static Map<String, Object> readObject(JsonReader reader) throws IOException {
    Map<String, Object> map = new LinkedHashMap<>();
    reader.beginObject();
    while (reader.hasNext()) {
      String name = reader.nextName();
      if (map.containsKey(name)) {
        throw new IllegalArgumentException("a name is there twice in one object");
      }
      map.put(name, read(reader));
    }
    reader.endObject();
    return map;
  }

  /** As it is written, unless that is longer than any figure. */
  private static BigDecimal number(String text) {
    return text.length() > NUMBER_LENGTH_MAX
        ? BigDecimal.valueOf(Double.parseDouble(text))
        : new BigDecimal(text);
  }

  /** Writes a tree. */
  static String write(Object tree) {
    return GSON.toJson(tree);
  }

  /**
   * Makes a tree of a part of an answer: JSON (a string, bytes, or a tree of a JSON library), a map,
   * a list of these, or an object of an SDK.
   *
   * @throws IllegalArgumentException if it is none of these
   */
  static Object tree(Object part) {
    if (part instanceof CharSequence text) {
      return parse(text.toString());
    }
    if (part instanceof byte[] bytes) {
      return parse(new String(bytes, StandardCharsets.UTF_8));
    }
    if (part instanceof Iterable<?> items && !(part instanceof JsonElement)) {
      List<Object> list = new ArrayList<>();
      items.forEach(item -> list.add(tree(item)));
      return list;
    }
    Object value = value(part);
    if (value instanceof Map || value instanceof List) {
      return value;
    }
    String kind = part == null ? "null" : part.getClass().getName();
    throw new IllegalArgumentException("it is JSON, a map or an object of an SDK, not " + kind);
  }

  /** Makes a tree of what is sent to a provider: a text is a text, whatever is in it. */
  static Object content(Object content) {
    if (content instanceof byte[] bytes) {
      return new String(bytes, StandardCharsets.UTF_8);
    }
    try {
      return value(content);
    } catch (IllegalArgumentException | StackOverflowError error) {
      return String.valueOf(content);
    }
  }

  /** Makes a tree of any value; texts are texts. */
  private static Object value(Object raw) {
    Object value = unwrapped(raw);
    if (value == null || value instanceof Boolean) {
      return value;
    }
    if (value instanceof CharSequence || value instanceof Character) {
      return value.toString();
    }
    if (value instanceof Number number) {
      return finite(number);
    }
    if (value instanceof Enum<?> member) {
      return member.name();
    }
    if (value instanceof JsonElement element) {
      return parse(element.toString());
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, Object> made = new LinkedHashMap<>();
      map.forEach((name, inner) -> made.put(String.valueOf(name), value(inner)));
      return made;
    }
    if (value.getClass().isArray()) {
      List<Object> list = new ArrayList<>();
      for (int at = 0; at < Array.getLength(value); at++) {
        list.add(value(Array.get(value, at)));
      }
      return list;
    }
    String text = asJson(value);
    if (text != null) {
      return parse(text);
    }
    if (value instanceof Iterable<?> items) {
      List<Object> list = new ArrayList<>();
      items.forEach(item -> list.add(value(item)));
      return list;
    }
    return Accessors.read(value, Json::value);
  }

  /** Gives the JSON of an object that knows how to become it; null if it does not. */
  private static String asJson(Object value) {
    if (value instanceof Message message) {
      try {
        return JsonFormat.printer().omittingInsignificantWhitespace().print(message);
      } catch (IOException error) {
        throw new IllegalArgumentException("it is not JSON");
      }
    }
    String text = Accessors.toJson(value);
    if (text != null) {
      return text;
    }
    // Gson's, Jackson's and other trees print themselves as JSON.
    String printed = value.toString();
    boolean isTree =
        printed != null
            && (printed.equals("{}") || printed.startsWith("{\"") || printed.startsWith("[{\""));
    return isTree ? printed : null;
  }

  private static Number finite(Number number) {
    double close = number.doubleValue();
    if (Double.isNaN(close) || Double.isInfinite(close)) {
      throw new IllegalArgumentException("a number in it is not finite");
    }
    return number;
  }

  private static Object unwrapped(Object value) {
    if (value instanceof Optional<?> optional) {
      return optional.orElse(null);
    }
    if (value instanceof OptionalLong optional) {
      return optional.isPresent() ? optional.getAsLong() : null;
    }
    if (value instanceof OptionalInt optional) {
      return optional.isPresent() ? optional.getAsInt() : null;
    }
    if (value instanceof OptionalDouble optional) {
      return optional.isPresent() ? optional.getAsDouble() : null;
    }
    return value;
  }

  /** Gives the member of a name as names are compared; null if there is none. */
  static Object member(Object holder, String folded) {
    if (!(holder instanceof Map<?, ?> map)) {
      return null;
    }
    Object direct = map.get(folded);
    if (direct != null) {
      return direct;
    }
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      if (Rule.fold(String.valueOf(entry.getKey())).equals(folded)) {
        return entry.getValue();
      }
    }
    return null;
  }
}
