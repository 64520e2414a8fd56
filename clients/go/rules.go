package tollgate

// class picks one class of tokens.
type class func(*Usage) *int64

// rule takes a whole apart: its parts in their order, and the class of the rest. Names are paths
// into the provider's usage.
type rule struct {
	whole string
	parts []part
	rest  class
	// Whether an answer's figures replace all earlier ones.
	once bool
}

type part struct {
	path string
	to   class
}

func input(u *Usage) *int64        { return &u.InputTokens }
func cacheRead(u *Usage) *int64    { return &u.CacheReadTokens }
func cacheWrite5m(u *Usage) *int64 { return &u.CacheWrite5mTokens }
func cacheWrite1h(u *Usage) *int64 { return &u.CacheWrite1hTokens }
func output(u *Usage) *int64       { return &u.OutputTokens }
func reasoning(u *Usage) *int64    { return &u.ReasoningTokens }
func audioInput(u *Usage) *int64   { return &u.AudioInputTokens }
func audioOutput(u *Usage) *int64  { return &u.AudioOutputTokens }
func imageInput(u *Usage) *int64   { return &u.ImageInputTokens }
func imageOutput(u *Usage) *int64  { return &u.ImageOutputTokens }

const (
	longWritten = ".cache_write_tokens_details.ttl_12h_tokens"
	anyWritten  = ".cache_write_tokens"
	// Summed from its parts where it is missing.
	written = "cache_creation_input_tokens"
)

var (
	chatRules      = openaiRules("prompt_tokens", "completion_tokens")
	responsesRules = openaiRules("input_tokens", "output_tokens")

	anthropicRules = []rule{
		{whole: "input_tokens", rest: input},
		{whole: "cache_read_input_tokens", rest: cacheRead},
		{
			whole: written,
			parts: []part{{"cache_creation.ephemeral_1h_input_tokens", cacheWrite1h}},
			rest:  cacheWrite5m,
		},
		{
			whole: "output_tokens",
			parts: []part{{"output_tokens_details.thinking_tokens", reasoning}},
			rest:  output,
		},
	}

	geminiRules = []rule{
		{
			whole: "promptTokenCount",
			parts: []part{
				{"cachedContentTokenCount", cacheRead},
				{"promptTokensDetails.AUDIO", audioInput},
				{"promptTokensDetails.IMAGE", imageInput},
			},
			rest: input,
		},
		{
			whole: "toolUsePromptTokenCount",
			parts: []part{
				{"toolUsePromptTokensDetails.AUDIO", audioInput},
				{"toolUsePromptTokensDetails.IMAGE", imageInput},
			},
			rest: input,
		},
		{
			whole: "candidatesTokenCount",
			parts: []part{
				{"candidatesTokensDetails.AUDIO", audioOutput},
				{"candidatesTokensDetails.IMAGE", imageOutput},
			},
			rest: output,
		},
		{whole: "thoughtsTokenCount", rest: reasoning},
	}

	// Figures that are counted inside another part, and are taken off it.
	less = map[string]string{
		"prompt_tokens_details" + anyWritten: "prompt_tokens_details" + longWritten,
		"input_tokens_details" + anyWritten:  "input_tokens_details" + longWritten,
		"promptTokensDetails.AUDIO":          "cacheTokensDetails.AUDIO",
		"promptTokensDetails.IMAGE":          "cacheTokensDetails.IMAGE",
	}

	writtenParts = [2]string{
		"cache_creation.ephemeral_5m_input_tokens", "cache_creation.ephemeral_1h_input_tokens",
	}
)

func openaiRules(in, out string) []rule {
	return []rule{
		{
			whole: in,
			parts: []part{
				{in + "_details.cached_tokens", cacheRead},
				{in + "_details" + longWritten, cacheWrite1h},
				{in + "_details" + anyWritten, cacheWrite5m},
				{in + "_details.audio_tokens", audioInput},
				{in + "_details.image_tokens", imageInput},
			},
			rest: input,
			once: true,
		},
		{
			whole: out,
			parts: []part{
				{out + "_details.reasoning_tokens", reasoning},
				{out + "_details.audio_tokens", audioOutput},
				{out + "_details.image_tokens", imageOutput},
			},
			rest: output,
			once: true,
		},
	}
}

// paths are all figures that the rules need.
func paths(rules []rule) []string {
	all := append([]string{}, writtenParts[:]...)
	for _, rule := range rules {
		all = append(all, rule.whole)
		for _, part := range rule.parts {
			all = append(all, part.path)
			if inside, ok := less[part.path]; ok {
				all = append(all, inside)
			}
		}
	}
	return all
}
