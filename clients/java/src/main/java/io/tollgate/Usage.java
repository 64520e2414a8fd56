package io.tollgate;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.tollgate.v1.UnitKind;
import io.tollgate.v1.UsageUnit;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Tokens of one attempt by class, a token being counted in exactly one of them; and what was used
 * beside tokens.
 *
 * @param inputTokens input neither read from nor written to a cache
 * @param cacheReadTokens input read from the provider's cache
 * @param cacheWrite5mTokens input written to a cache of five minutes
 * @param cacheWrite1hTokens input written to a cache of one hour
 * @param outputTokens output without reasoning
 * @param reasoningTokens output spent on reasoning
 * @param audioInputTokens audio of the input
 * @param audioOutputTokens audio of the output
 * @param imageInputTokens images of the input
 * @param imageOutputTokens images of the output
 * @param units what was used beside tokens, by kind
 * @param factors names of the price's factors that applied, such as {@code us} or {@code fast}
 */
public record Usage(
    long inputTokens,
    long cacheReadTokens,
    long cacheWrite5mTokens,
    long cacheWrite1hTokens,
    long outputTokens,
    long reasoningTokens,
    long audioInputTokens,
    long audioOutputTokens,
    long imageInputTokens,
    long imageOutputTokens,
    Map<UnitKind, Long> units,
    List<String> factors) {

  /** Above it numbers of JSON, and of JavaScript, are not exact. */
  private static final long COUNT_MAX = 1L << 53;

  /** Copies what is given, in the order of the kinds. */
  public Usage {
    units = Collections.unmodifiableSortedMap(new TreeMap<>(units));
    factors = List.copyOf(factors);
  }

  /** Makes the usage of an attempt that used nothing beside tokens. */
  public Usage(
      long inputTokens,
      long cacheReadTokens,
      long cacheWrite5mTokens,
      long cacheWrite1hTokens,
      long outputTokens,
      long reasoningTokens,
      long audioInputTokens,
      long audioOutputTokens,
      long imageInputTokens,
      long imageOutputTokens) {
    this(
        inputTokens,
        cacheReadTokens,
        cacheWrite5mTokens,
        cacheWrite1hTokens,
        outputTokens,
        reasoningTokens,
        audioInputTokens,
        audioOutputTokens,
        imageInputTokens,
        imageOutputTokens,
        Map.of(),
        List.of());
  }

  /** Makes the usage of an attempt that has input and output alone. */
  public static Usage of(long inputTokens, long outputTokens) {
    return new Usage(inputTokens, 0, 0, 0, outputTokens, 0, 0, 0, 0, 0);
  }

  /** The same with what was used beside tokens. */
  public Usage withUnits(Map<UnitKind, Long> units) {
    return new Usage(
        inputTokens,
        cacheReadTokens,
        cacheWrite5mTokens,
        cacheWrite1hTokens,
        outputTokens,
        reasoningTokens,
        audioInputTokens,
        audioOutputTokens,
        imageInputTokens,
        imageOutputTokens,
        units,
        factors);
  }

  /** The same with the factors that applied. */
  public Usage withFactors(List<String> factors) {
    return new Usage(
        inputTokens,
        cacheReadTokens,
        cacheWrite5mTokens,
        cacheWrite1hTokens,
        outputTokens,
        reasoningTokens,
        audioInputTokens,
        audioOutputTokens,
        imageInputTokens,
        imageOutputTokens,
        units,
        factors);
  }

  /** Takes over the usage of a record, without factors: the record has them beside it. */
  public static Usage fromProto(io.tollgate.v1.Usage usage) {
    Map<UnitKind, Long> units = new TreeMap<>();
    usage.getUnitsList().forEach(unit -> units.put(unit.getKind(), unit.getCount()));
    return new Usage(
        usage.getInputTokenCount(),
        usage.getCacheReadTokenCount(),
        usage.getCacheWrite5MTokenCount(),
        usage.getCacheWrite1HTokenCount(),
        usage.getOutputTokenCount(),
        usage.getReasoningTokenCount(),
        usage.getAudioInputTokenCount(),
        usage.getAudioOutputTokenCount(),
        usage.getImageInputTokenCount(),
        usage.getImageOutputTokenCount(),
        units,
        List.of());
  }

  /** Makes the message of the API, which has no factors: the record has them beside it. */
  public io.tollgate.v1.Usage toProto() {
    return io.tollgate.v1.Usage.newBuilder()
        .setInputTokenCount(inputTokens)
        .setCacheReadTokenCount(cacheReadTokens)
        .setCacheWrite5MTokenCount(cacheWrite5mTokens)
        .setCacheWrite1HTokenCount(cacheWrite1hTokens)
        .setOutputTokenCount(outputTokens)
        .setReasoningTokenCount(reasoningTokens)
        .setAudioInputTokenCount(audioInputTokens)
        .setAudioOutputTokenCount(audioOutputTokens)
        .setImageInputTokenCount(imageInputTokens)
        .setImageOutputTokenCount(imageOutputTokens)
        .addAllUnits(unitsToProto(units))
        .build();
  }

  /**
   * Refuses counts that can be none, as the server would.
   *
   * @throws StatusRuntimeException INVALID_ARGUMENT
   */
  void check() {
    toProto()
        .getAllFields()
        .forEach(
            (field, count) -> {
              if (count instanceof Long number) {
                check(field.getName().replace("_count", "s"), number);
              }
            });
    units.forEach((kind, count) -> check(kind.name().replace("UNIT_KIND_", ""), count));
  }

  private static void check(String name, long count) {
    if (count < 0 || count > COUNT_MAX) {
      throw Status.INVALID_ARGUMENT
          .withDescription(name + " is " + count + "; expected a whole number from 0 to 2^53")
          .asRuntimeException();
    }
  }

  static List<UsageUnit> unitsToProto(Map<UnitKind, Long> units) {
    return units.entrySet().stream()
        .map(
            unit ->
                UsageUnit.newBuilder().setKind(unit.getKey()).setCount(unit.getValue()).build())
        .toList();
  }
}
