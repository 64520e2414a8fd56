package io.tollgate;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Leaves out of a provider answer all that is content, by the rule of docs/provider-answers.md.
 * Names are compared without regard to case, {@code _} and {@code -}.
 */
final class Reduction {

  /** Where in an answer a member is: the answer itself, beside content, or inside of usage. */
  private enum Region {
    OPEN,
    NARROW,
    USAGE
  }

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.:/@$-]+");
  private static final Pattern NUMBER =
      Pattern.compile("-?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?");

  private static final Set<String> TEXTS = Rule.folded(Rule.TEXTS);
  private static final Set<String> WRAPPERS = Rule.folded(Rule.WRAPPERS);
  private static final Set<String> NARROW = Rule.folded(Rule.NARROW);
  private static final Set<String> COUNTED = Rule.folded(Rule.COUNTED);
  private static final Set<String> USAGE_NAMES = Rule.folded(Rule.USAGE_NAMES);
  private static final Set<String> FIGURE_NAMES = Rule.folded(Rule.FIGURE_NAMES);
  private static final Set<String> TIERS = Rule.folded(Rule.TIERS);

  private Reduction() {}

  /** Whether anything may be kept of a member of this name, apart from a number. */
  static boolean mayKeep(String name) {
    String folded = Rule.fold(name);
    return isUsage(folded)
        || TEXTS.contains(folded)
        || WRAPPERS.contains(folded)
        || NARROW.contains(folded)
        || COUNTED.contains(folded);
  }

  /**
   * Gives the events of a part, reduced: of an object itself, of a list all in it.
   *
   * @param part a tree
   * @throws IllegalArgumentException if it is nested too deeply
   */
  static List<Map<String, Object>> events(Object part) {
    List<Map<String, Object>> events = new ArrayList<>();
    addEvents(part, 0, events);
    return events;
  }

  private static void addEvents(Object part, int depth, List<Map<String, Object>> events) {
    if (part instanceof Map<?, ?> map) {
      events.add(reduce(map, Region.OPEN, depth));
    } else if (part instanceof List<?> list) {
      list.forEach(item -> addEvents(item, depth + 1, events));
    }
  }

  private static Map<String, Object> reduce(Map<?, ?> map, Region region, int depth) {
    if (depth >= Rule.DEPTH_MAX) {
      throw new IllegalArgumentException(
          "it is nested deeper than " + Rule.DEPTH_MAX + " levels");
    }
    // In the order of the names, so that the same answer is the same text wherever it is made.
    Map<String, Object> kept = new TreeMap<>();
    map.forEach(
        (key, value) -> {
          String name = String.valueOf(key);
          if (name.length() <= Rule.NAME_BYTES_MAX && NAME.matcher(name).matches()) {
            Object reduced = reduceMember(Rule.fold(name), value, region, depth);
            if (reduced != null) {
              kept.put(name, reduced);
            }
          }
        });
    return kept;
  }

  /** What is kept of a member; null for nothing. */
  private static Object reduceMember(String name, Object value, Region region, int depth) {
    boolean counted = COUNTED.contains(name);
    if (value instanceof Boolean || value instanceof Number) {
      boolean here = region != Region.NARROW || isUsage(name) || counted;
      return here && !name.equals("id") ? finite(value) : null;
    }
    if (value instanceof String text) {
      return keepsText(name, text, region) ? text : null;
    }
    if (value instanceof List<?> list) {
      if (counted && region != Region.USAGE) {
        return list.size();
      }
      Region inside = inside(name, region, true);
      List<Object> kept = inside == null ? List.of() : reduceList(list, inside, depth + 1);
      return kept.isEmpty() ? null : kept;
    }
    if (value instanceof Map<?, ?> map) {
      Region inside = inside(name, region, false);
      Map<String, Object> kept = inside == null ? Map.of() : reduce(map, inside, depth + 1);
      return kept.isEmpty() ? null : kept;
    }
    return null;
  }

  private static List<Object> reduceList(List<?> items, Region region, int depth) {
    List<Object> kept = new ArrayList<>();
    for (Object item : items) {
      if (item instanceof Map<?, ?> map) {
        Map<String, Object> reduced = reduce(map, region, depth + 1);
        if (!reduced.isEmpty()) {
          kept.add(reduced);
        }
      }
    }
    return kept;
  }

  /** Beyond what a double can hold it is no number to most readers of JSON. */
  private static Object finite(Object value) {
    if (value instanceof BigDecimal number && Double.isInfinite(number.doubleValue())) {
      throw new IllegalArgumentException("it is not JSON: a number in it is not finite");
    }
    return value;
  }

  /** The region inside of an object or a list of this name; null if it is not entered. */
  private static Region inside(String name, Region region, boolean isList) {
    if (region == Region.USAGE || isUsage(name)) {
      return Region.USAGE;
    }
    boolean wrapper = WRAPPERS.contains(name);
    if (NARROW.contains(name) || (wrapper && (isList || region == Region.NARROW))) {
      return Region.NARROW;
    }
    return wrapper ? Region.OPEN : null;
  }

  private static boolean keepsText(String name, String text, Region region) {
    if ((region == Region.USAGE || isUsage(name)) && !name.equals("id") && isNumber(text)) {
      return true;
    }
    boolean named = region == Region.NARROW ? name.equals("type") : TEXTS.contains(name);
    // Half of a surrogate pair is no Unicode.
    return named
        && text.codePointCount(0, text.length()) <= Rule.TEXT_CHARACTERS_MAX
        && text.codePoints()
            .noneMatch(code -> Character.isISOControl(code) || (code >= 0xD800 && code < 0xE000));
  }

  private static boolean isNumber(String text) {
    return text.length() <= Rule.NUMBER_BYTES_MAX && NUMBER.matcher(text).matches();
  }

  private static boolean isUsage(String folded) {
    return Rule.USAGE_WORDS.stream().anyMatch(folded::contains) || USAGE_NAMES.contains(folded);
  }

  /** Whether a reduced part has a number that is usage by its name or its place. */
  static boolean hasFigures(Object part) {
    return hasFigures(part, false);
  }

  private static boolean hasFigures(Object part, boolean inUsage) {
    if (part instanceof List<?> list) {
      return list.stream().anyMatch(item -> hasFigures(item, inUsage));
    }
    return part instanceof Map<?, ?> map
        && map.entrySet().stream()
            .anyMatch(
                entry -> isFigure((String) entry.getKey(), entry.getValue(), inUsage));
  }

  private static boolean isFigure(String key, Object value, boolean inUsage) {
    String name = Rule.fold(key);
    boolean usage = inUsage || isUsage(name);
    if (value instanceof Number) {
      return usage
          || name.endsWith(Rule.FIGURE_ENDING)
          || COUNTED.contains(name)
          || FIGURE_NAMES.contains(name);
    }
    return value instanceof String text ? usage && isNumber(text) : hasFigures(value, usage);
  }

  /** Whether a reduced part names the tier that served it. */
  static boolean namesTier(Object part) {
    if (part instanceof List<?> list) {
      return list.stream().anyMatch(Reduction::namesTier);
    }
    return part instanceof Map<?, ?> map
        && map.entrySet().stream()
            .anyMatch(
                entry -> {
                  boolean unsaid =
                      entry.getValue() instanceof String text && Rule.TIERS_UNSAID.contains(text);
                  boolean named = TIERS.contains(Rule.fold((String) entry.getKey()));
                  return (named && !unsaid) || namesTier(entry.getValue());
                });
  }

  /** Gives the first text that one of these paths leads to; empty if none does. */
  static String textAt(Object part, List<String> paths) {
    for (String path : paths) {
      Object value = part;
      for (String step : path.split("\\.", -1)) {
        value = Json.member(value, Rule.fold(step));
      }
      if (value instanceof String text && !text.isEmpty()) {
        return text;
      }
    }
    return "";
  }
}
