package tollgate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Provider says whose answers a [UsageReader] reads.
type Provider string

// The providers whose answers are known.
const (
	AnyProvider Provider = ""
	OpenAI      Provider = "openai"
	Anthropic   Provider = "anthropic"
	Gemini      Provider = "gemini"
)

// UsageReader reads what a provider reports, at once or event by event. Of a stream a later
// event's figures replace an earlier one's, field by field. The zero value finds out whose
// answers they are.
//
// Of a whole that a provider gives, the parts are taken out in a fixed order, each at most what
// is left. So nothing is negative, nothing is counted twice, and the sum is the provider's.
type UsageReader struct {
	// Provider is the only one whose answers are read; AnyProvider for all.
	Provider Provider
	// Model is the model that answered, once an answer has named it.
	Model string
	// ServiceTier is the one that served the request, once an answer has named one that is known.
	ServiceTier ServiceTier

	rules   []rule
	figures map[string]any
	// Whether the figures are those of a stream's beginning: its output is still to come.
	partial bool
}

// Feed reads an answer, an event, usage alone, or a list of these, and says whether there was
// usage. It takes JSON as string, []byte or json.RawMessage, the types of the providers' SDKs, and
// whatever else marshals to JSON. What carries no usage is passed over, so that all events of a
// stream can be fed.
func (r *UsageReader) Feed(answer any) (bool, error) {
	if text, ok := answer.(string); ok {
		answer = []byte(text)
	}
	decoded, err := decode(answer)
	if err != nil {
		return false, fmt.Errorf("tollgate: usage cannot be read: %w", err)
	}
	return r.feed(decoded), nil
}

// Usage is what is known by now; false before there were figures.
func (r *UsageReader) Usage() (Usage, bool) {
	var usage Usage
	for _, rule := range r.rules {
		left := r.count(rule.whole)
		for _, part := range rule.parts {
			count := min(r.count(part.path), left)
			*part.to(&usage) += count
			left -= count
		}
		*rule.rest(&usage) += left
	}
	return usage, r.rules != nil
}

func (r *UsageReader) feed(answer any) bool {
	if list, ok := answer.([]any); ok {
		fed := false
		for _, item := range list {
			fed = r.feed(item) || fed
		}
		return fed
	}
	inner, isEvent := answer, false
	for _, name := range []string{"message", "response"} {
		if held, ok := get(answer, name).(map[string]any); ok && len(held) > 0 {
			inner, isEvent = held, true
		}
	}
	usage := get(inner, "usage")
	if usage == nil {
		usage = get(inner, "usageMetadata")
	}
	if usage == nil && !isEvent && r.rulesOf(answer, answer) != nil {
		usage = answer
	} else {
		r.readNames(inner, usage)
	}
	rules := r.rulesOf(inner, usage)
	if rules == nil {
		return false
	}
	// OpenAI reports once, so its figures are never added to those of another answer.
	if rules[0].once || get(answer, "type") == "message" || r.figures == nil {
		r.figures = map[string]any{}
	}
	r.rules = rules
	r.partial = isEvent && get(answer, "type") == "message_start"
	for _, path := range paths(rules) {
		if value := figureAt(usage, path); value != nil {
			r.figures[path] = value
		}
	}
	return true
}

func (r *UsageReader) count(path string) int64 {
	if _, ok := r.figures[path]; path == written && !ok {
		return r.count(writtenParts[0]) + r.count(writtenParts[1])
	}
	count := natural(r.figures[path])
	if inside, ok := less[path]; ok {
		count = max(0, count-r.count(inside))
	}
	return count
}

func (r *UsageReader) rulesOf(answer, usage any) []rule {
	has := func(names ...string) bool {
		for _, name := range names {
			if get(usage, name) != nil {
				return true
			}
		}
		return false
	}
	is := func(provider Provider) bool { return r.Provider == provider || r.Provider == AnyProvider }
	switch {
	case is(Gemini) && has("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount",
		"totalTokenCount"):
		return geminiRules
	case is(OpenAI) && has("prompt_tokens", "completion_tokens"):
		return chatRules
	case !has("input_tokens", "output_tokens"):
		return nil
	}
	provider := r.Provider
	if provider == AnyProvider {
		provider = OpenAI
		kind := get(answer, "type")
		if kind == "message" || kind == "message_delta" ||
			has(written, "cache_read_input_tokens", "cache_creation") {
			provider = Anthropic
		}
	}
	return map[Provider][]rule{OpenAI: responsesRules, Anthropic: anthropicRules}[provider]
}

func (r *UsageReader) readNames(answer, usage any) {
	for _, name := range []string{"modelVersion", "model"} {
		if model, ok := get(answer, name).(string); ok && model != "" {
			r.Model = strings.TrimPrefix(model, "models/")
		}
	}
	for _, said := range []any{
		get(usage, "trafficType"), get(usage, "serviceTier"), get(answer, "service_tier"),
		get(usage, "speed"),
	} {
		if name, ok := said.(string); ok {
			r.ServiceTier = firstOf(tiers[strings.ToLower(name)], r.ServiceTier)
		}
	}
}

var tiers = map[string]ServiceTier{
	"default":                Standard,
	"standard":               Standard,
	"scale":                  Standard,
	"on_demand":              Standard,
	"provisioned_throughput": Standard,
	"batch":                  Batch,
	"flex":                   Flex,
	"on_demand_flex":         Flex,
	"priority":               Priority,
	"fast":                   Priority,
	"ultrafast":              Priority,
	"on_demand_priority":     Priority,
}

// decode gives any value as its JSON would be decoded. The types of the SDKs know what they were
// made of, which says more than their fields: there, what was absent is zero.
func decode(value any) (decoded any, err error) {
	defer func() {
		// As the methods of a nil pointer to one of their types do.
		if broken := recover(); broken != nil {
			err = fmt.Errorf("%T: %v", value, broken)
		}
	}()
	var text []byte
	switch value := value.(type) {
	case []byte:
		text = value
	case json.RawMessage:
		text = value
	case proto.Message:
		text, err = protojson.Marshal(value)
	case interface{ RawJSON() string }:
		text = []byte(value.RawJSON())
	}
	if len(text) == 0 && err == nil {
		text, err = json.Marshal(value)
	}
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&decoded); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("there is more than one value in it")
	}
	return decoded, nil
}

// get reads a field in camel or snake case; nil where there is none.
func get(holder any, name string) any {
	fields, ok := holder.(map[string]any)
	if !ok {
		return nil
	}
	if value := fields[name]; value != nil {
		return value
	}
	return fields[snake(name)]
}

func snake(name string) string {
	var text strings.Builder
	for _, char := range name {
		if unicode.IsUpper(char) {
			text.WriteByte('_')
		}
		text.WriteRune(unicode.ToLower(char))
	}
	return text.String()
}

// figureAt follows a path; a modality in capitals picks that entry of a list.
func figureAt(usage any, path string) any {
	value := usage
	for name := range strings.SplitSeq(path, ".") {
		if name == strings.ToUpper(name) {
			value = modality(value, name)
		} else {
			value = get(value, name)
		}
	}
	return value
}

func modality(entries any, name string) any {
	list, _ := entries.([]any)
	var sum int64
	found := false
	for _, entry := range list {
		if said, ok := get(entry, "modality").(string); ok && strings.EqualFold(said, name) {
			sum += natural(get(entry, "tokenCount"))
			found = true
		}
	}
	if !found {
		return nil
	}
	return sum
}

// natural gives a count, 0 for what is none. Beyond any real one it does not overflow.
func natural(value any) int64 {
	if count, ok := value.(int64); ok {
		return count
	}
	number, ok := value.(json.Number)
	if !ok {
		return 0
	}
	count, err := number.Float64()
	if err != nil || count < 0 {
		return 0
	}
	return int64(math.Min(count, 1<<53))
}
