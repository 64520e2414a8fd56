/**
 * What of a provider answer leaves the caller: the lists of the rule, as data.
 *
 * They are those of clients/conformance/provider_answer.json, which a test holds them against;
 * docs/provider-answers.md, "What is kept", describes the rule.
 */

/** Limits of what is sent. */
export const LIMITS = {
  parts: 16,
  bytes: 65_536,
  depth: 64,
  nameBytes: 64,
  textCharacters: 128,
  numberBytes: 24,
} as const;

/** What of an answer is kept. */
export const RULE = {
  /** Members whose texts are kept. */
  texts: [
    "currency",
    "id",
    "inference_geo",
    "invoked_model_id",
    "latency",
    "modality",
    "model",
    "model_id",
    "model_name",
    "model_version",
    "object",
    "provider",
    "quality",
    "response_id",
    "search_context_size",
    "seconds",
    "service_tier",
    "size",
    "speed",
    "status",
    "task",
    "traffic_type",
    "ttl",
    "type",
  ],
  /** Members that are entered on the way to the usage: with their numbers and texts. */
  wrappers: [
    "body",
    "data",
    "interaction",
    "kwargs",
    "llm_output",
    "message",
    "meta",
    "metrics",
    "model_output",
    "performance_config",
    "prompt_router",
    "response",
    "response_metadata",
    "result",
    "service_tier",
    "session",
    "trace",
    "usage_info",
    "x_groq",
  ],
  /** Members that are entered on the way to the usage, but have content beside it. */
  narrow: [
    "_hidden_params",
    "action",
    "candidates",
    "choices",
    "delta",
    "details",
    "embeddings",
    "gateway",
    "grounding_metadata",
    "metadata",
    "output",
    "predictions",
    "prompt_feedback",
    "provider_metadata",
    "results",
    "statistics",
  ],
  /** Lists of which only the number of elements is kept. */
  counted: ["data", "web_search_queries"],
  /** A member whose name has one of these words is usage. */
  usageWords: ["bill", "cache", "cost", "token", "usage"],
  /** Members that are usage, too. */
  usageNames: [
    "amazon_bedrock_invocation_metrics",
    "connectors",
    "grounding_tool_count",
    "iterations",
    "server_tool_use",
  ],
} as const;

/** What a client has to find in it. */
export const READING = {
  /** Numbers that say usage in names that do not: those that end so. */
  figureEnding: "count",
  /** And these. */
  figureNames: ["duration", "seconds"],
  /** Where an answer names its model, the first of these. */
  models: [
    "model",
    "model_version",
    "model_name",
    "model_id",
    "response.model",
    "response.model_id",
    "message.model",
    "response.body.model",
    "result.message.model",
    "result.model",
    "interaction.model",
    "body.model",
    "data.model",
    "model_output.model",
    "session.model",
    "response_metadata.model_name",
    "response_metadata.model",
    "message.response_metadata.model_name",
    "kwargs.response_metadata.model_name",
    "llm_output.model_name",
    "trace.prompt_router.invoked_model_id",
    "response.model_version",
  ],
  /** Where it says how far it is. */
  statuses: ["status", "response.status", "interaction.status", "response.body.status"],
  /** States of an answer that will have usage. */
  unfinished: ["queued", "in_progress", "pending", "running"],
  /** States of one that has none, and was not billed. */
  failed: ["failed"],
  /** Type of the event whose output is still to come. */
  beginning: "message_start",
  /** The same, of one that was cancelled. */
  cancelled: ["cancelled", "canceled"],
  /** Objects or types of whole answers: a later one takes the place of all that came before. */
  whole: ["chat.completion", "text_completion", "response", "message"],
  /** Where an answer names its tier. */
  tiers: ["service_tier", "traffic_type", "speed"],
  /** What is no tier there. */
  tiersUnsaid: ["", "auto"],
} as const;
