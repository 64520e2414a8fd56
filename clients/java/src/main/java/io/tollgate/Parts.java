package io.tollgate;

import io.tollgate.v1.Outcome;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** The parts of one answer, as they come: bounded, however many there are. */
final class Parts {

  private final Ends all = new Ends();
  private final Ends figured = new Ends();
  // An answer that says no more than that it will come.
  private Map<String, Object> promise;
  // Whether the promise is an answer of its own, and no event of a stream.
  private boolean polled;
  // That of the last part.
  private String status = "";
  private boolean given;

  /** The first and the last events of many. */
  private static final class Ends {
    private final List<Map<String, Object>> events = new ArrayList<>();
    private int count;

    void add(Map<String, Object> event) {
      count++;
      if (events.size() == Rule.PARTS_MAX) {
        events.remove(1);
      }
      events.add(event);
    }
  }

  /** Keeps the events of a part, which are reduced. */
  void add(List<Map<String, Object>> events) {
    given = true;
    for (Map<String, Object> event : events) {
      if (!event.isEmpty()) {
        addEvent(event);
      }
    }
  }

  private void addEvent(Map<String, Object> event) {
    boolean figures = Reduction.hasFigures(event);
    String said = Reduction.textAt(event, Rule.STATUSES);
    if (!figures && Rule.UNFINISHED.contains(said)) {
      promise = event;
      polled |= isPolled(event);
      return;
    }
    status = said;
    all.add(event);
    if (figures) {
      figured.add(event);
    }
  }

  /**
   * Whether an answer that is not finished is asked for again. The first event of a stream says the
   * same, unless its answer is made in the background.
   */
  private static boolean isPolled(Map<String, Object> event) {
    return !Reduction.textAt(event, List.of("status")).isEmpty()
        || isBackground(Json.member(event, "response"))
        || isBackground(Json.member(event, "interaction"));
  }

  private static boolean isBackground(Object inner) {
    return Boolean.TRUE.equals(Json.member(inner, "background"));
  }

  /** Whether there was a part, also one of which nothing is left. */
  boolean isGiven() {
    return given;
  }

  boolean hasFigures() {
    return figured.count > 0;
  }

  /** Whether the provider has only promised an answer. */
  boolean isUnfinished() {
    return polled && all.count == 0;
  }

  /** Whether an event is an answer of its own with figures. */
  static boolean isWhole(Map<String, Object> event) {
    return (Rule.WHOLE.contains(Reduction.textAt(event, List.of("object")))
            || Rule.WHOLE.contains(Reduction.textAt(event, List.of("type"))))
        && Reduction.hasFigures(event);
  }

  /** How the provider says that the call ended, where it has no usage for that reason. */
  Optional<Outcome> outcome() {
    if (hasFigures()) {
      return Optional.empty();
    }
    if (Rule.FAILED.contains(status)) {
      return Optional.of(Outcome.OUTCOME_ERROR);
    }
    return Rule.CANCELLED.contains(status)
        ? Optional.of(Outcome.OUTCOME_CANCELLED)
        : Optional.empty();
  }

  /** What is sent. */
  List<Map<String, Object>> events() {
    if (all.count > Rule.PARTS_MAX && hasFigures()) {
      return figured.events;
    }
    if (all.count > 0) {
      return all.events;
    }
    return List.of(promise == null ? Map.of() : promise);
  }

  /** The model that the answer names; empty if it names none. */
  String model() {
    for (Map<String, Object> event : events()) {
      String model = Reduction.textAt(event, Rule.MODELS);
      if (!model.isEmpty()) {
        return model.startsWith("models/") ? model.substring("models/".length()) : model;
      }
    }
    return "";
  }

  boolean namesTier() {
    return events().stream().anyMatch(Reduction::namesTier);
  }

  /** The output that a stream began with, if its end did not come. */
  OptionalLong begunOutput() {
    if (!hasFigures()) {
      return OptionalLong.empty();
    }
    Map<String, Object> last = figured.events.get(figured.events.size() - 1);
    if (!Reduction.textAt(last, List.of("type")).equals(Rule.BEGINNING)) {
      return OptionalLong.empty();
    }
    Object usage = Json.member(Json.member(last, "message"), "usage");
    Object output = Json.member(usage, "outputtokens");
    return OptionalLong.of(output instanceof Number number ? number.longValue() : 0);
  }

  /** The events of a stream that broke off, ended with the output that has come. */
  List<Map<String, Object>> withOutput(long output) {
    List<Map<String, Object>> sent = events();
    List<Map<String, Object>> ended =
        new ArrayList<>(sent.subList(0, Math.min(sent.size(), Rule.PARTS_MAX - 1)));
    ended.add(Map.of("type", "message_delta", "usage", Map.of("output_tokens", output)));
    return ended;
  }

  /**
   * Writes events. Of those that are too large together the earlier ones are left out, but for the
   * first.
   *
   * @throws IllegalArgumentException if they are too large all the same
   */
  static List<String> toJson(List<Map<String, Object>> events) {
    List<String> texts = new ArrayList<>();
    int size = 0;
    for (Map<String, Object> event : events) {
      String text = Json.write(event);
      texts.add(text);
      size += bytes(text);
    }
    while (size > Rule.BYTES_MAX) {
      if (texts.size() <= 2) {
        throw new IllegalArgumentException(
            "it has " + size + " bytes without its content; at most " + Rule.BYTES_MAX);
      }
      size -= bytes(texts.remove(1));
    }
    return texts;
  }

  private static int bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }
}
