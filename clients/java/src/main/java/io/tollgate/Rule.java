package io.tollgate;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What of a provider answer may leave the caller, and where it says what: the lists of
 * clients/conformance/provider_answer.json, which a test compares with these.
 */
final class Rule {

  static final int PARTS_MAX = 16;
  static final int BYTES_MAX = 64 * 1024;
  static final int DEPTH_MAX = 64;
  static final int NAME_BYTES_MAX = 64;
  static final int TEXT_CHARACTERS_MAX = 128;
  static final int NUMBER_BYTES_MAX = 24;

  /** Members whose texts are kept. */
  static final List<String> TEXTS =
      List.of(
          "currency", "id", "inference_geo", "invoked_model_id", "latency", "modality", "model",
          "model_id", "model_name", "model_version", "object", "provider", "quality",
          "response_id", "search_context_size", "seconds", "service_tier", "size", "speed",
          "status", "task", "traffic_type", "ttl", "type");

  /** Members that are entered on the way to the usage: with numbers and texts. */
  static final List<String> WRAPPERS =
      List.of(
          "body", "data", "interaction", "kwargs", "llm_output", "message", "meta", "metrics",
          "model_output", "performance_config", "prompt_router", "response", "response_metadata",
          "result", "service_tier", "session", "trace", "usage_info", "x_groq");

  /** Members that are entered on the way to the usage, with content beside it. */
  static final List<String> NARROW =
      List.of(
          "_hidden_params", "action", "candidates", "choices", "delta", "details", "embeddings",
          "gateway", "grounding_metadata", "metadata", "output", "predictions",
          "prompt_feedback", "provider_metadata", "results", "statistics");

  /** Lists of which only the number of elements is kept. */
  static final List<String> COUNTED = List.of("data", "web_search_queries");

  /** A name that has one of these in it is a usage name. */
  static final List<String> USAGE_WORDS = List.of("bill", "cache", "cost", "token", "usage");

  /** Names that are usage names, too. */
  static final List<String> USAGE_NAMES =
      List.of(
          "amazon_bedrock_invocation_metrics", "connectors", "grounding_tool_count",
          "iterations", "server_tool_use");

  /** Names of numbers that are figures without being usage names. */
  static final List<String> FIGURE_NAMES = List.of("duration", "seconds");

  /** Where an answer names its model, the first being the surest. */
  static final List<String> MODELS =
      List.of(
          "model", "model_version", "model_name", "model_id", "response.model",
          "response.model_id", "message.model", "response.body.model", "result.message.model",
          "result.model", "interaction.model", "body.model", "data.model", "model_output.model",
          "session.model", "response_metadata.model_name", "response_metadata.model",
          "message.response_metadata.model_name", "kwargs.response_metadata.model_name",
          "llm_output.model_name", "trace.prompt_router.invoked_model_id",
          "response.model_version");

  /** Where an answer says how far it is. */
  static final List<String> STATUSES =
      List.of(
          "status", "response.status", "interaction.status", "response.body.status");

  /** Statuses of an answer that will have usage later. */
  static final List<String> UNFINISHED = List.of("queued", "in_progress", "pending", "running");

  /** Statuses of an answer that has no usage and will have none. */
  static final List<String> FAILED = List.of("failed");

  /** Statuses of one that was cancelled. */
  static final List<String> CANCELLED = List.of("cancelled", "canceled");

  /** Objects and types of answers that are no events of a stream. */
  static final List<String> WHOLE =
      List.of(
          "chat.completion", "text_completion", "response", "message");

  /** Names under which an answer says which tier served it. */
  static final List<String> TIERS = List.of("service_tier", "traffic_type", "speed");

  /** Texts there that say nothing. */
  static final List<String> TIERS_UNSAID = List.of("", "auto");

  /** Ends the names of numbers that are figures without being usage names. */
  static final String FIGURE_ENDING = "count";

  /** Type of the first event of a stream whose output is still to come. */
  static final String BEGINNING = "message_start";

  private Rule() {}

  /** Gives a name without {@code _}, {@code -} and capitals, as names are compared. */
  static String fold(String name) {
    return name.replace("_", "").replace("-", "").toLowerCase(Locale.ROOT);
  }

  /** Names as they are compared. */
  static Set<String> folded(List<String> names) {
    return names.stream().map(Rule::fold).collect(Collectors.toUnmodifiableSet());
  }
}
