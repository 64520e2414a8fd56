// Command fallback shows what happens at a cap: a cheaper model answers, and without fallback
// nobody does. The workspace has a small cap on gpt-4.1, with gpt-4.1-mini behind it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/openai/openai-go/v3"

	tollgate "tollgate.example/go"
	tollgatev1 "tollgate.example/go/gen/tollgate/v1"
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
	for _, enabled := range []bool{true, false} {
		_, err := client.Budget.SetAutomaticFallback(ctx,
			&tollgatev1.SetAutomaticFallbackRequest{WorkspaceId: workspace, Enabled: enabled})
		if err != nil {
			return err
		}
		model, err := summarise(ctx, client, workspace)
		var blocked *tollgate.Blocked
		switch {
		case errors.As(err, &blocked):
			fmt.Printf("fallback %t: %v\n", enabled, blocked)
			if blocked.RetryAfter == 0 {
				fmt.Println("waiting does not help")
			}
		case err != nil:
			return err
		default:
			fmt.Printf("fallback %t: answered by %s\n", enabled, model)
		}
	}
	return nil
}

// summarise gives the name of the model that did it.
func summarise(ctx context.Context, client *tollgate.Client, workspace string) (string, error) {
	llm := openai.NewClient()
	params := openai.ChatCompletionNewParams{
		Messages: []openai.ChatCompletionMessageParamUnion{
			openai.UserMessage("Summarise " + strings.Repeat("the report ", 400)),
		},
		MaxCompletionTokens: openai.Int(500),
	}
	request := tollgate.Request{
		Workspace: workspace, Model: "gpt-4.1", Messages: params.Messages, MaxOutputTokens: 500,
	}
	var model string
	err := client.Guard(ctx, request, func(ctx context.Context, call *tollgate.Call) error {
		params.Model = call.Model()
		answer, err := llm.Chat.Completions.New(ctx, params)
		if err != nil {
			return err
		}
		call.Record(answer)
		model = answer.Model
		return nil
	})
	return model, err
}
