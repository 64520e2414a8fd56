package tollgate

import (
	"encoding/json"
	"slices"
)

// How input is estimated: the lists of clients/conformance/estimate.json, which a test compares
// with these.

const (
	asciiPerToken = 4
	otherPerToken = 2
)

// itemTokens are those of an image, a file or a recording, whatever its size.
var itemTokens = map[string]int64{
	"openai_image":     1105,
	"openai_image_low": 85,
	"other":            1600,
}

var (
	// wholeTokens are the first and the last characters of scripts in which each is a token.
	wholeTokens = [][2]rune{
		{0x1100, 0x11FF}, {0x2E80, 0xA4CF}, {0xA960, 0xA97F}, {0xAC00, 0xD7FF},
		{0xF900, 0xFAFF}, {0xFE30, 0xFE4F}, {0xFF00, 0xFFEF}, {0x1B000, 0x1B16F},
		{0x1F000, 0x1FAFF}, {0x20000, 0x3FFFF},
	}
	// openaiImageTypes are types of images of OpenAI.
	openaiImageTypes = []string{
		"image_url", "input_image",
	}
	// itemTypes are types of other items.
	itemTypes = []string{
		"audio", "computer_screenshot", "document", "file", "image", "image_file",
		"input_audio", "input_file", "video",
	}
	// itemMembers are names of the objects that make an item of what they are in.
	itemMembers = []string{
		"audio", "document", "file_data", "image", "inline_data", "video",
	}
	// definitions are members of which the model reads the names, too.
	definitions = []string{
		"args", "arguments", "function_declarations", "functions", "response_format", "text",
		"tool_config", "tools",
	}
	// skipped are members that hold no text which the model reads as such.
	skipped = []string{
		"cache_control", "call_id", "data", "encrypted_content", "file_data", "id",
		"image_url", "input_audio", "role", "signature", "source", "status",
		"thought_signature", "tool_call_id", "tool_use_id", "type", "url",
	}
)

var (
	imageTypeSet  = foldedSet(openaiImageTypes)
	itemTypeSet   = foldedSet(itemTypes)
	definitionSet = foldedSet(definitions)
	skippedSet    = foldedSet(skipped)
)

// EstimateTokens estimates the tokens of a text, or of what is sent to a provider: messages, or all
// parameters of a call, with system instructions and tools, as anything that marshals to JSON. Four
// ASCII characters are a token, as is one of Chinese, Japanese or Korean, or two of another script.
// An image or a file is a constant.
//
// It is only an estimate. A tokenizer counts texts better; nil for none. The record that follows
// has the provider's figures.
func EstimateTokens(content any, tokenizer func(text string) int) int64 {
	estimate := estimate{tokenizer: tokenizer}
	estimate.walk(textual(content))
	return estimate.tokens + (estimate.quarters+3)/4
}

type estimate struct {
	tokenizer func(text string) int
	tokens    int64
	// quarters of a token, which are rounded up in the end.
	quarters int64
}

func (e *estimate) text(text string) {
	if e.tokenizer != nil {
		e.tokens += int64(e.tokenizer(text))
		return
	}
	for _, char := range text {
		switch {
		case char < 0x80:
			e.quarters += 4 / asciiPerToken
		case isWholeToken(char):
			e.quarters += 4
		default:
			e.quarters += 4 / otherPerToken
		}
	}
}

func isWholeToken(char rune) bool {
	return slices.ContainsFunc(wholeTokens, func(ends [2]rune) bool {
		return ends[0] <= char && char <= ends[1]
	})
}

// walk counts texts and items.
func (e *estimate) walk(value any) {
	switch value := value.(type) {
	case string:
		e.text(value)
	case []any:
		for _, item := range value {
			e.walk(item)
		}
	case map[string]any:
		if quoted := quotedIn(value); quoted != nil {
			e.walk(quoted)
			return
		}
		if tokens := itemIn(value); tokens > 0 {
			e.tokens += tokens
			return
		}
		for name, inner := range value {
			switch folded := fold(name); {
			case definitionSet[folded]:
				e.define(inner)
			case !skippedSet[folded]:
				e.walk(inner)
			}
		}
	}
}

// define counts names and values: each name, number and boolean is a token at least.
func (e *estimate) define(value any) {
	switch value := value.(type) {
	case string:
		e.text(value)
	case bool, json.Number:
		e.tokens++
	case []any:
		for _, item := range value {
			e.define(item)
		}
	case map[string]any:
		for name, inner := range value {
			if inner != nil {
				e.text(name)
				e.tokens++
				e.define(inner)
			}
		}
	}
}

// quotedIn gives the text of a document that is text; nil if it is none.
func quotedIn(fields map[string]any) any {
	if member(fields, "type") != "document" {
		return nil
	}
	source := member(fields, "source")
	switch member(source, "type") {
	case "text":
		return member(source, "data")
	case "content":
		return member(source, "content")
	}
	return nil
}

// itemIn gives the tokens of an image or a file; 0 if it is none.
func itemIn(fields map[string]any) int64 {
	said, _ := member(fields, "type").(string)
	kind := fold(said)
	if imageTypeSet[kind] {
		detail := member(member(fields, "imageurl"), "detail")
		if detail == nil {
			detail = member(fields, "detail")
		}
		if detail == "low" {
			return itemTokens["openai_image_low"]
		}
		return itemTokens["openai_image"]
	}
	isItem := itemTypeSet[kind] || slices.ContainsFunc(itemMembers, func(name string) bool {
		_, isObject := member(fields, fold(name)).(map[string]any)
		return isObject
	})
	if isItem {
		return itemTokens["other"]
	}
	return 0
}

// textual makes of content what is walked through: text is text, also where it is bytes.
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
