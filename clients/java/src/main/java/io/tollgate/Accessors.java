package io.tollgate;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * Reads the objects of SDKs without knowing their classes: by their own JSON where they have it,
 * else by those accessors whose names may be those of figures.
 */
final class Accessors {

  private static final Pattern WORD = Pattern.compile("[\\w.:/-]+");
  private static final Pattern GETTER = Pattern.compile("get[A-Z].*");

  /** Accessors that are none: they check, copy or count the object itself. */
  private static final Set<String> OTHERS =
      Set.of("hashCode", "ordinal", "size", "length", "validate", "isValid", "toBuilder", "clone");

  private static final ClassValue<List<Accessor>> ACCESSORS =
      new ClassValue<>() {
        @Override
        protected List<Accessor> computeValue(Class<?> type) {
          return accessors(type);
        }
      };

  private static final ClassValue<Optional<Object>> MAPPERS =
      new ClassValue<>() {
        @Override
        protected Optional<Object> computeValue(Class<?> type) {
          return mapper(type);
        }
      };

  /**
   * A method that reads something.
   *
   * @param name what it reads
   * @param method without parameters
   */
  private record Accessor(String name, Method method) {}

  private Accessors() {}

  /** Gives the JSON that an object's own SDK makes of it; null if there is no such thing. */
  static String toJson(Object value) {
    Class<?> type = value.getClass();
    Object mapper = MAPPERS.get(type).orElse(null);
    Object made = null;
    if (mapper != null) {
      made = callWith(mapper, "writeValueAsString", value);
    }
    if (made == null) {
      made = call(method(type, "toJson"), value);
    }
    return made instanceof String text ? text : null;
  }

  /**
   * Reads an object by its accessors: a map of what they give, or a text where the object is a class
   * in the place of one.
   *
   * @param plain makes a tree of each value
   */
  static Object read(Object value, UnaryOperator<Object> plain) {
    Object text = call(method(value.getClass(), "asString"), value);
    if (text instanceof CharSequence) {
      return text.toString();
    }
    Map<String, Object> map = new LinkedHashMap<>();
    for (Accessor accessor : ACCESSORS.get(value.getClass())) {
      Object inner = plain.apply(call(accessor.method, value));
      if (inner != null) {
        map.putIfAbsent(accessor.name, inner);
      }
    }
    String printed = value.toString();
    return map.isEmpty() && printed != null && WORD.matcher(printed).matches() ? printed : map;
  }

  private static List<Accessor> accessors(Class<?> type) {
    List<Accessor> found = new ArrayList<>();
    for (Method method : type.getMethods()) {
      String name = method.getName();
      boolean reads =
          method.getParameterCount() == 0
              && method.getDeclaringClass() != Object.class
              && !Modifier.isStatic(method.getModifiers())
              && !OTHERS.contains(name)
              && (isNumber(method.getReturnType()) || Reduction.mayKeep(read(name)));
      if (reads && method.trySetAccessible()) {
        found.add(new Accessor(read(name), method));
      }
    }
    return List.copyOf(found);
  }

  /** What an accessor of this name reads. */
  private static String read(String accessor) {
    if (GETTER.matcher(accessor).matches()) {
      return Character.toLowerCase(accessor.charAt(3)) + accessor.substring(4);
    }
    // What a constant tells them apart by is hidden by an underscore.
    return accessor.equals("_type") ? "type" : accessor;
  }

  private static boolean isNumber(Class<?> type) {
    return Number.class.isAssignableFrom(type)
        || type == long.class
        || type == int.class
        || type == double.class
        || type == OptionalLong.class
        || type == OptionalInt.class
        || type == OptionalDouble.class;
  }

  /** The mapper of the SDKs of OpenAI and Anthropic, which have each their own. */
  private static Optional<Object> mapper(Class<?> type) {
    String[] names = type.getName().split("\\.", 3);
    if (names.length < 3) {
      return Optional.empty();
    }
    String mappers = names[0] + "." + names[1] + ".core.ObjectMappers";
    try {
      Class<?> holder = Class.forName(mappers, true, type.getClassLoader());
      return Optional.ofNullable(call(method(holder, "jsonMapper"), null));
    } catch (ClassNotFoundException | LinkageError error) {
      return Optional.empty();
    }
  }

  private static Method method(Class<?> type, String name) {
    try {
      return type.getMethod(name);
    } catch (NoSuchMethodException error) {
      return null;
    }
  }

  private static Object call(Method method, Object holder) {
    if (method == null || (holder == null && !Modifier.isStatic(method.getModifiers()))) {
      return null;
    }
    try {
      return method.trySetAccessible() ? method.invoke(holder) : null;
    } catch (IllegalAccessException | InvocationTargetException | RuntimeException error) {
      return null;
    }
  }

  private static Object callWith(Object holder, String name, Object argument) {
    try {
      return holder.getClass().getMethod(name, Object.class).invoke(holder, argument);
    } catch (ReflectiveOperationException | RuntimeException error) {
      return null;
    }
  }
}
