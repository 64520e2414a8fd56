package io.tollgate;

import static io.tollgate.Fields.get;
import static io.tollgate.Fields.natural;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Reads what a provider reports, at once or event by event. Not for several threads at once.
 *
 * <p>Of a stream a later event's figures replace an earlier one's, field by field.
 */
public final class UsageReader {

  private final Provider provider;
  private final Map<String, Object> figures = new HashMap<>();
  private List<Rule> rules = List.of();
  private String model = "";
  private ServiceTier serviceTier;
  private boolean partial;

  /** Reads answers of this provider, or finds out whose they are. */
  public UsageReader(Provider provider) {
    this.provider = provider;
  }

  /**
   * Reads an answer, an event, usage alone, or a list of these; says if there was usage. What
   * carries none is passed over, so that all events of a stream can be fed.
   *
   * @param answer JSON (a string, bytes, or a tree of a JSON library), a map, or an object of an
   *     SDK, which is read by its accessors
   * @throws IllegalArgumentException if a text is not JSON
   */
  public boolean feed(Object answer) {
    Object event = Fields.variant(Fields.parsed(answer));
    if (event instanceof Iterable<?> events) {
      boolean fed = false;
      for (Object one : events) {
        fed |= feed(one);
      }
      return fed;
    }
    Object inner = event;
    for (String name : List.of("message", "response")) {
      Object value = get(event, name);
      inner = value == null || value instanceof String ? inner : value;
    }
    String type = Fields.text(get(event, "type"));
    Object usage = get(inner, "usage");
    usage = usage == null ? get(inner, "usageMetadata") : usage;
    if (usage == null && inner == event && rulesOf(type, event) != null) {
      usage = event;
    } else {
      readNames(inner, usage);
    }
    List<Rule> found = usage == null ? null : rulesOf(Fields.text(get(inner, "type")), usage);
    if (found == null) {
      return false;
    }
    keep(found, usage, type);
    return true;
  }

  /** What is known by now; empty before there were figures. */
  public Optional<Usage> usage() {
    if (rules.isEmpty()) {
      return Optional.empty();
    }
    Map<Rule.Kind, Long> counts = new EnumMap<>(Rule.Kind.class);
    for (Rule rule : rules) {
      long left = whole(rule);
      for (Rule.Part part : rule.parts()) {
        long inside = natural(figures.get(part.path())) - natural(figures.get(part.less()));
        long taken = Math.min(Math.max(0, inside), left);
        counts.merge(part.kind(), taken, Long::sum);
        left -= taken;
      }
      counts.merge(rule.rest(), left, Long::sum);
    }
    return Optional.of(
        new Usage(
            counts.getOrDefault(Rule.Kind.INPUT, 0L),
            counts.getOrDefault(Rule.Kind.CACHE_READ, 0L),
            counts.getOrDefault(Rule.Kind.CACHE_WRITE_5M, 0L),
            counts.getOrDefault(Rule.Kind.CACHE_WRITE_1H, 0L),
            counts.getOrDefault(Rule.Kind.OUTPUT, 0L),
            counts.getOrDefault(Rule.Kind.REASONING, 0L),
            counts.getOrDefault(Rule.Kind.AUDIO_IN, 0L),
            counts.getOrDefault(Rule.Kind.AUDIO_OUT, 0L),
            counts.getOrDefault(Rule.Kind.IMAGE_IN, 0L),
            counts.getOrDefault(Rule.Kind.IMAGE_OUT, 0L)));
  }

  /** The model that answered; empty as long as none was named. */
  public String model() {
    return model;
  }

  /** The tier that served; empty if none was named, or one that is not known. */
  public Optional<ServiceTier> serviceTier() {
    return Optional.ofNullable(serviceTier);
  }

  /** Whether the figures are those of a stream's beginning: its output is still to come. */
  boolean isPartial() {
    return partial;
  }

  private void keep(List<Rule> found, Object usage, String type) {
    // OpenAI reports once, so its figures are never added to those of another answer.
    if (found == Rule.OPENAI_CHAT || found == Rule.OPENAI_RESPONSES || type.equals("message")) {
      figures.clear();
    }
    rules = found;
    partial = type.equals("message_start");
    Rule.paths(found)
        .forEach(
            path -> {
              Object value = Fields.at(usage, path);
              if (value != null) {
                figures.put(path, value);
              }
            });
  }

  private long whole(Rule rule) {
    if (rule.whole().equals(Rule.CACHE_WRITTEN) && !figures.containsKey(rule.whole())) {
      return Rule.CACHE_WRITTEN_PARTS.stream().mapToLong(part -> natural(figures.get(part))).sum();
    }
    return natural(figures.get(rule.whole()));
  }

  /** Whose figures these are; null if nobody's. */
  private List<Rule> rulesOf(String type, Object usage) {
    boolean any = provider == Provider.ANY;
    if ((any || provider == Provider.GEMINI)
        && has(
            usage,
            "promptTokenCount",
            "candidatesTokenCount",
            "thoughtsTokenCount",
            "totalTokenCount")) {
      return Rule.GEMINI;
    }
    if ((any || provider == Provider.OPENAI) && has(usage, "prompt_tokens", "completion_tokens")) {
      return Rule.OPENAI_CHAT;
    }
    if (provider == Provider.GEMINI || !has(usage, "input_tokens", "output_tokens")) {
      return null;
    }
    boolean anthropic =
        type.equals("message")
            || type.equals("message_delta")
            || has(usage, Rule.CACHE_WRITTEN, "cache_read_input_tokens", "cache_creation");
    return provider == Provider.ANTHROPIC || (any && anthropic)
        ? Rule.ANTHROPIC
        : Rule.OPENAI_RESPONSES;
  }

  private static boolean has(Object usage, String... names) {
    return Stream.of(names).anyMatch(name -> get(usage, name) != null);
  }

  private void readNames(Object answer, Object usage) {
    Object named = get(answer, "model");
    String name = Fields.text(named == null ? get(answer, "modelVersion") : named);
    if (!name.isEmpty()) {
      model = name.startsWith("models/") ? name.substring("models/".length()) : name;
    }
    Stream.of(
            get(usage, "trafficType"),
            get(usage, "serviceTier"),
            get(answer, "service_tier"),
            get(usage, "speed"))
        .flatMap(tier -> ServiceTier.of(Fields.text(tier)).stream())
        .forEach(tier -> serviceTier = tier);
  }
}
