package tollgate

// What of a provider answer may leave the caller: the lists of
// clients/conformance/provider_answer.json, which a test compares with these.

const (
	partsMax          = 16
	answerBytesMax    = 64 << 10
	depthMax          = 64
	nameBytesMax      = 64
	textCharactersMax = 128
	numberBytesMax    = 24

	// figureEnding ends the names of numbers that are figures without being usage names.
	figureEnding = "count"
	// beginning is the type of the first event of a stream whose output is still to come.
	beginning = "message_start"
)

var (
	// ruleTexts are members whose texts are kept.
	ruleTexts = []string{
		"currency", "id", "inference_geo", "invoked_model_id", "latency", "modality", "model",
		"model_id", "model_name", "model_version", "object", "provider", "quality",
		"response_id", "search_context_size", "seconds", "service_tier", "size", "speed",
		"status", "task", "traffic_type", "ttl", "type",
	}
	// ruleWrappers are entered on the way to the usage: with their numbers and texts.
	ruleWrappers = []string{
		"body", "data", "interaction", "kwargs", "llm_output", "message", "meta", "metrics",
		"model_output", "performance_config", "prompt_router", "response", "response_metadata",
		"result", "service_tier", "session", "trace", "usage_info", "x_groq",
	}
	// ruleNarrow are entered on the way to the usage, but have content beside it.
	ruleNarrow = []string{
		"_hidden_params", "action", "candidates", "choices", "delta", "details", "embeddings",
		"gateway", "grounding_metadata", "metadata", "output", "predictions",
		"prompt_feedback", "provider_metadata", "results", "statistics",
	}
	// ruleCounted are lists of which only the number of elements is kept.
	ruleCounted = []string{
		"data", "web_search_queries",
	}
	// ruleUsageWords make a name that has one of them in it a usage name.
	ruleUsageWords = []string{
		"bill", "cache", "cost", "token", "usage",
	}
	// ruleUsageNames are usage names, too.
	ruleUsageNames = []string{
		"amazon_bedrock_invocation_metrics", "connectors", "grounding_tool_count",
		"iterations", "server_tool_use",
	}
	// figureNames are names of numbers that are figures without being usage names.
	figureNames = []string{
		"duration", "seconds",
	}
	// modelPaths are where an answer names its model, the first being the surest.
	modelPaths = []string{
		"model", "model_version", "model_name", "model_id", "response.model",
		"response.model_id", "message.model", "response.body.model", "result.message.model",
		"result.model", "interaction.model", "body.model", "data.model", "model_output.model",
		"session.model", "response_metadata.model_name", "response_metadata.model",
		"message.response_metadata.model_name", "kwargs.response_metadata.model_name",
		"llm_output.model_name", "trace.prompt_router.invoked_model_id",
		"response.model_version",
	}
	// statusPaths are where an answer says how far it is.
	statusPaths = []string{
		"status", "response.status", "interaction.status", "response.body.status",
	}
	// unfinished are the statuses of an answer that will have usage later.
	unfinished = []string{
		"queued", "in_progress", "pending", "running",
	}
	// failed are the statuses of an answer that has no usage and will have none.
	failed = []string{
		"failed",
	}
	// cancelled are those of one that was cancelled.
	cancelled = []string{
		"cancelled", "canceled",
	}
	// whole are objects and types of answers that are no events of a stream.
	whole = []string{
		"chat.completion", "text_completion", "response", "message",
	}
	// tiers are names under which an answer says which tier served it.
	tiers = []string{
		"service_tier", "traffic_type", "speed",
	}
	// tiersUnsaid are texts there that say nothing.
	tiersUnsaid = []string{
		"", "auto",
	}
)
