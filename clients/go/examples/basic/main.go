// Command basic makes one LLM call behind Tollgate.
//
// TOLLGATE_ADDRESS names the server; OPENAI_API_KEY and OPENAI_BASE_URL are those of the SDK.
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
	// Go runs nothing at the end of a process, so the client is closed before it.
	if err := errors.Join(err, client.Close()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, client *tollgate.Client, workspace string) error {
	llm := openai.NewClient()
	const question = "Why is the sky blue?"
	request := tollgate.Request{
		Workspace: workspace, Model: "gpt-4.1", Prompt: question, MaxOutputTokens: 500,
		User: "ada", Wait: true,
	}
	var made *tollgate.Call
	err := client.Guard(ctx, request, func(ctx context.Context, call *tollgate.Call) error {
		made = call
		answer, err := llm.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{
			Model:               call.Model(),
			Messages:            []openai.ChatCompletionMessageParamUnion{openai.UserMessage(question)},
			MaxCompletionTokens: openai.Int(request.MaxOutputTokens),
		})
		if err != nil {
			return err
		}
		call.Record(answer)
		fmt.Println(answer.Choices[0].Message.Content)
		return nil
	})
	var blocked *tollgate.Blocked
	if errors.As(err, &blocked) {
		fmt.Println(blocked)
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Println(made.Model(), "cost", made.Recorded.Cost)
	return nil
}
