package examples

import (
	"encoding/json"
	"fmt"
	"net/http"
)

var words = []string{"Tollgate ", "keeps ", "spend ", "inside."}

const chatUsage = `{
	"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200,
	"prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 0},
	"completion_tokens_details": {"reasoning_tokens": 50, "audio_tokens": 0}
}`

// answerChat is a fake of the chat completions of OpenAI, with usage in the shape that it
// documents.
func answerChat(response http.ResponseWriter, request *http.Request) {
	var asked struct {
		Model         string
		Stream        bool
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	if err := json.NewDecoder(request.Body).Decode(&asked); err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	head := fmt.Sprintf(`{"id": "chatcmpl-1", "created": 1, "model": "%s-2025-04-14"`, asked.Model)
	if !asked.Stream {
		response.Header().Set("Content-Type", "application/json")
		text := words[0] + words[1] + words[2] + words[3]
		fmt.Fprintf(response, `%s, "object": "chat.completion", "choices": [{"index": 0,
			"message": {"role": "assistant", "content": %q}, "finish_reason": "stop"
		}], "usage": %s}`, head, text, chatUsage)
		return
	}
	response.Header().Set("Content-Type", "text/event-stream")
	send := func(choices, usage string) {
		fmt.Fprintf(response, "data: %s, \"object\": \"chat.completion.chunk\", \"choices\": [%s], "+
			"\"usage\": %s}\n\n", head, choices, usage)
		response.(http.Flusher).Flush()
	}
	for _, word := range words {
		send(fmt.Sprintf(`{"index": 0, "delta": {"content": %q}}`, word), "null")
	}
	send(`{"index": 0, "delta": {}, "finish_reason": "stop"}`, "null")
	if asked.StreamOptions.IncludeUsage {
		var usage map[string]any
		_ = json.Unmarshal([]byte(chatUsage), &usage)
		line, _ := json.Marshal(usage)
		send("", string(line))
	}
	fmt.Fprint(response, "data: [DONE]\n\n")
}
