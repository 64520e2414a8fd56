package tollgate

import "unicode/utf8"

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
