package io.tollgate;

/**
 * Tokens of one attempt by class; a token is counted in exactly one of them.
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
    long imageOutputTokens) {

  /** Makes the usage of an attempt that has input and output alone. */
  public static Usage of(long inputTokens, long outputTokens) {
    return new Usage(inputTokens, 0, 0, 0, outputTokens, 0, 0, 0, 0, 0);
  }

  /**
   * Reads a chat completion, a response, the events of a stream, or their usage alone.
   *
   * @param answer JSON, a map, a list of events, or an object of an SDK
   * @throws IllegalArgumentException where there is no usage
   */
  public static Usage fromOpenAi(Object answer) {
    return read(answer, Provider.OPENAI);
  }

  /**
   * Reads a message, the events of a stream, or their usage alone.
   *
   * @param answer JSON, a map, a list of events, or an object of an SDK
   * @throws IllegalArgumentException where there is no usage
   */
  public static Usage fromAnthropic(Object answer) {
    return read(answer, Provider.ANTHROPIC);
  }

  /**
   * Reads an answer of generateContent, the chunks of a stream, or their usage alone.
   *
   * @param answer JSON, a map, a list of chunks, or an object of an SDK
   * @throws IllegalArgumentException where there is no usage
   */
  public static Usage fromGemini(Object answer) {
    return read(answer, Provider.GEMINI);
  }

  /**
   * Recognises the provider by the names of the fields.
   *
   * @param answer JSON, a map, a list of events, or an object of an SDK
   * @throws IllegalArgumentException where there is no usage
   */
  public static Usage fromAny(Object answer) {
    return read(answer, Provider.ANY);
  }

  /** Takes over the usage of a record. */
  public static Usage fromProto(io.tollgate.v1.Usage usage) {
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
        usage.getImageOutputTokenCount());
  }

  /** Makes the message of the API. */
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
        .build();
  }

  private static Usage read(Object answer, Provider provider) {
    UsageReader reader = new UsageReader(provider);
    reader.feed(answer);
    return reader
        .usage()
        .orElseThrow(
            () -> new IllegalArgumentException("no usage that " + provider + " would report"));
  }
}
