package tollgate

import (
	"fmt"
	"unicode/utf8"

	pb "tollgate/clients/go/gen/tollgate/v1"
)

// ServiceTier is the price class at which a provider serves a request.
type ServiceTier string

// The tiers that there are. The empty one is not known, and taken as Standard.
const (
	Standard ServiceTier = "STANDARD"
	Batch    ServiceTier = "BATCH"
	Flex     ServiceTier = "FLEX"
	Priority ServiceTier = "PRIORITY"
)

func (t ServiceTier) proto() (pb.ServiceTier, error) {
	number, ok := pb.ServiceTier_value["SERVICE_TIER_"+firstOf(string(t), "UNSPECIFIED")]
	if !ok {
		return 0, fmt.Errorf("tollgate: there is no service tier %q", string(t))
	}
	return pb.ServiceTier(number), nil
}

// Usage is the tokens of one attempt by class. A token is counted in exactly one of them.
type Usage struct {
	// InputTokens were neither read from nor written to a cache.
	InputTokens int64
	// CacheReadTokens were read from the provider's cache.
	CacheReadTokens int64
	// CacheWrite5mTokens were written to a cache that lives for five minutes.
	CacheWrite5mTokens int64
	// CacheWrite1hTokens were written to a cache that lives for one hour.
	CacheWrite1hTokens int64
	// OutputTokens are those without reasoning.
	OutputTokens int64
	// ReasoningTokens are output that was spent on reasoning.
	ReasoningTokens int64
	// The tokens of sound and images, of input and output.
	AudioInputTokens, AudioOutputTokens, ImageInputTokens, ImageOutputTokens int64
}

// UsageFromOpenAI reads a chat completion, a response, the events of a stream, or their usage
// alone. As all converters it takes what a [UsageReader] takes, and fails where that finds no
// usage.
func UsageFromOpenAI(answer any) (Usage, error) { return readUsage(OpenAI, answer) }

// UsageFromAnthropic reads a message, the events of a stream, or their usage alone.
func UsageFromAnthropic(answer any) (Usage, error) { return readUsage(Anthropic, answer) }

// UsageFromGemini reads an answer of generateContent, the chunks of a stream, or their usage
// alone.
func UsageFromGemini(answer any) (Usage, error) { return readUsage(Gemini, answer) }

// UsageFromAny recognises the provider by the names of the fields.
func UsageFromAny(answer any) (Usage, error) { return readUsage(AnyProvider, answer) }

func readUsage(provider Provider, answer any) (Usage, error) {
	reader := UsageReader{Provider: provider}
	if _, err := reader.Feed(answer); err != nil {
		return Usage{}, err
	}
	usage, ok := reader.Usage()
	if !ok {
		name := firstOf(string(provider), "a provider")
		return Usage{}, fmt.Errorf("tollgate: no usage that %s would report in %.200v", name, answer)
	}
	return usage, nil
}

// UsageFromProto takes over the usage of a record.
func UsageFromProto(usage *pb.Usage) Usage {
	return Usage{
		InputTokens:        usage.GetInputTokenCount(),
		CacheReadTokens:    usage.GetCacheReadTokenCount(),
		CacheWrite5mTokens: usage.GetCacheWrite_5MTokenCount(),
		CacheWrite1hTokens: usage.GetCacheWrite_1HTokenCount(),
		OutputTokens:       usage.GetOutputTokenCount(),
		ReasoningTokens:    usage.GetReasoningTokenCount(),
		AudioInputTokens:   usage.GetAudioInputTokenCount(),
		AudioOutputTokens:  usage.GetAudioOutputTokenCount(),
		ImageInputTokens:   usage.GetImageInputTokenCount(),
		ImageOutputTokens:  usage.GetImageOutputTokenCount(),
	}
}

// Proto makes the message of the API.
func (u Usage) Proto() *pb.Usage {
	return &pb.Usage{
		InputTokenCount:         u.InputTokens,
		CacheReadTokenCount:     u.CacheReadTokens,
		CacheWrite_5MTokenCount: u.CacheWrite5mTokens,
		CacheWrite_1HTokenCount: u.CacheWrite1hTokens,
		OutputTokenCount:        u.OutputTokens,
		ReasoningTokenCount:     u.ReasoningTokens,
		AudioInputTokenCount:    u.AudioInputTokens,
		AudioOutputTokenCount:   u.AudioOutputTokens,
		ImageInputTokenCount:    u.ImageInputTokens,
		ImageOutputTokenCount:   u.ImageOutputTokens,
	}
}

// EstimateTokens estimates the tokens of a text, or of all texts in messages (anything that
// marshals to JSON): a quarter of the characters, rounded up.
//
// It is only an estimate: off by a third for prose, by more for code and for other scripts, and
// blind to images and sound. A tokenizer makes it better; nil for none. The record that follows
// has the provider's figures.
func EstimateTokens(content any, tokenizer func(text string) int) int64 {
	var count int64
	each := func(text string) { count += int64(utf8.RuneCountInString(text)) }
	if tokenizer != nil {
		each = func(text string) { count += int64(tokenizer(text)) }
	}
	eachText(textual(content), each)
	if tokenizer != nil {
		return count
	}
	return (count + 3) / 4
}

// textual makes of content what eachText walks through: text is text, also where it is bytes.
func textual(content any) any {
	if text, ok := content.(string); ok {
		return text
	}
	decoded, err := decode(content)
	if bytes, ok := content.([]byte); ok && err != nil {
		return string(bytes)
	}
	return decoded
}

// What holds no text that the model reads as such.
var noText = map[string]bool{
	"data": true, "url": true, "image_url": true, "file_data": true, "input_audio": true,
	"source": true, "type": true, "role": true, "id": true,
}

func eachText(content any, each func(text string)) {
	switch content := content.(type) {
	case string:
		each(content)
	case []any:
		for _, item := range content {
			eachText(item, each)
		}
	case map[string]any:
		for key, value := range content {
			if !noText[key] {
				eachText(value, each)
			}
		}
	}
}
