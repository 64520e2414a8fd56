// Command streaming streams twice behind Tollgate. The second stream is cut after two words: what
// had come by then is recorded as cancelled.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/openai/openai-go/v3"

	tollgate "tollgate.example/go"
)

func main() {
	client, err := tollgate.New(tollgate.Options{})
	if err != nil {
		log.Fatal(err)
	}
	err = run(context.Background(), client, os.Args[1])
	if err := errors.Join(err, client.Close()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, client *tollgate.Client, workspace string) error {
	err := tell(ctx, client, workspace, func(word string) { fmt.Print(word) })
	fmt.Println()
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var heard []string
	err = tell(ctx, client, workspace, func(word string) {
		heard = append(heard, word)
		if len(heard) == 2 {
			cancel()
		}
	})
	if errors.Is(err, context.Canceled) {
		fmt.Printf("cut after: %q\n", heard)
		return nil
	}
	return err
}

// tell streams a story and hands over its words as they come.
func tell(
	ctx context.Context, client *tollgate.Client, workspace string, hear func(word string),
) error {
	llm := openai.NewClient()
	const wish = "Tell a story"
	request := tollgate.Request{
		Workspace: workspace, Model: "gpt-4.1", Prompt: wish, User: "ada",
	}
	return client.Guard(ctx, request, func(ctx context.Context, call *tollgate.Call) error {
		stream := llm.Chat.Completions.NewStreaming(ctx, openai.ChatCompletionNewParams{
			Model:    call.Model(),
			Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(wish)},
			// Without it OpenAI reports no usage of a stream.
			StreamOptions: openai.ChatCompletionStreamOptionsParam{
				IncludeUsage: openai.Bool(true),
			},
		})
		defer stream.Close()
		for ctx.Err() == nil && stream.Next() {
			chunk := stream.Current()
			call.Record(chunk)
			if len(chunk.Choices) > 0 && chunk.Choices[0].Delta.Content != "" {
				// What is estimated from, should the stream break off.
				call.OutputText += chunk.Choices[0].Delta.Content
				hear(chunk.Choices[0].Delta.Content)
			}
		}
		return errors.Join(stream.Err(), ctx.Err())
	})
}
