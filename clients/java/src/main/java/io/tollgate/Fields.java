package io.tollgate;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import com.google.gson.ToNumberPolicy;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Reads the fields of maps, of JSON, and of the objects of SDKs, without knowing their classes. */
final class Fields {

  private static final Gson GSON =
      new GsonBuilder().setObjectToNumberStrategy(ToNumberPolicy.LONG_OR_DOUBLE).create();

  private static final Pattern WORD = Pattern.compile("[\\w.:/-]+");

  /** Looking for a method that is not there is slow, and every event of a stream is looked at. */
  private static final ClassValue<Map<String, Optional<Method>>> ACCESSORS =
      new ClassValue<>() {
        @Override
        protected Map<String, Optional<Method>> computeValue(Class<?> type) {
          return new ConcurrentHashMap<>();
        }
      };

  private Fields() {}

  /** Gives what a JSON text, or the tree of a JSON library, holds: anything else is left alone. */
  static Object parsed(Object value) {
    if (value instanceof CharSequence text) {
      return parse(text.toString());
    }
    if (value instanceof byte[] bytes) {
      return parse(new String(bytes, StandardCharsets.UTF_8));
    }
    if (value == null || value instanceof Map) {
      return value;
    }
    // Gson's, Jackson's and other trees print themselves as JSON.
    String text = value.toString();
    if (text != null && (text.startsWith("{\"") || text.startsWith("[{\""))) {
      try {
        return parse(text);
      } catch (IllegalArgumentException error) {
        return value;
      }
    }
    return value;
  }

  /** Reads a field by its name, in camel or in snake case; null if there is none. */
  static Object get(Object holder, String name) {
    if (holder instanceof Map<?, ?> map) {
      Object value = map.get(name);
      return value != null ? value : map.get(snake(name));
    }
    if (holder == null || holder instanceof CharSequence || holder instanceof Number) {
      return null;
    }
    String camel = camel(name);
    String getter = "get" + Character.toUpperCase(camel.charAt(0)) + camel.substring(1);
    // What a constant tells them apart by is hidden by an underscore.
    String constant = name.equals("type") ? "_type" : camel;
    for (String accessor : List.of(camel, getter, constant)) {
      Object value = call(holder, accessor);
      if (value != null) {
        return value;
      }
    }
    return null;
  }

  private static Object call(Object holder, String accessor) {
    Class<?> type = holder.getClass();
    Optional<Method> method =
        ACCESSORS.get(type).computeIfAbsent(accessor, name -> accessor(type, name));
    try {
      return method.isPresent() ? unwrapped(method.get().invoke(holder)) : null;
    } catch (ReflectiveOperationException | RuntimeException error) {
      return null;
    }
  }

  private static Optional<Method> accessor(Class<?> type, String name) {
    try {
      Method method = type.getMethod(name);
      return method.trySetAccessible() ? Optional.of(method) : Optional.empty();
    } catch (NoSuchMethodException | SecurityException error) {
      return Optional.empty();
    }
  }

  /** SDKs wrap the events of a stream in a class with an accessor for each kind of event. */
  static Object variant(Object event) {
    if (event instanceof Map || event instanceof Iterable) {
      return event;
    }
    return Stream.of("completed", "incomplete", "failed", "messageStart", "messageDelta")
        .map(name -> get(event, name))
        .filter(Objects::nonNull)
        .findFirst()
        .orElse(event);
  }

  /** Follows a path; a name in capitals picks that modality of a list. */
  static Object at(Object holder, String path) {
    Object value = holder;
    for (String name : path.split("\\.", -1)) {
      boolean modality = name.equals(name.toUpperCase(Locale.ROOT));
      value = modality ? modality(value, name) : get(value, name);
    }
    return value;
  }

  /**
   * Gives a text, or what an SDK's class in the place of one says, by {@code asString} or, if that
   * is a word, by {@code toString}; empty if it is neither.
   */
  static String text(Object value) {
    if (value == null || value instanceof Number || value instanceof Boolean) {
      return "";
    }
    Object inside = value instanceof CharSequence ? value : get(value, "asString");
    String text = inside instanceof CharSequence ? inside.toString() : value.toString();
    return inside instanceof CharSequence || WORD.matcher(text).matches() ? text : "";
  }

  /** What is not a whole number of tokens counts as zero. */
  static long natural(Object value) {
    return value instanceof Number number && Double.isFinite(number.doubleValue())
        ? Math.max(0, number.longValue())
        : 0;
  }

  private static Object modality(Object entries, String name) {
    if (!(entries instanceof Iterable<?> list)) {
      return null;
    }
    Long sum = null;
    for (Object entry : list) {
      if (text(get(entry, "modality")).equalsIgnoreCase(name)) {
        sum = (sum == null ? 0 : sum) + natural(get(entry, "tokenCount"));
      }
    }
    return sum;
  }

  private static Object parse(String text) {
    try {
      return GSON.fromJson(text, Object.class);
    } catch (JsonParseException error) {
      throw new IllegalArgumentException("not JSON: " + error.getMessage(), error);
    }
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
    return value;
  }

  private static String snake(String camel) {
    return camel.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }

  private static String camel(String snake) {
    StringBuilder text = new StringBuilder();
    for (String word : snake.split("_", -1)) {
      boolean first = text.length() == 0 || word.isEmpty();
      text.append(first ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
    }
    return text.toString();
  }
}
