package tollgate_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	tollgate "tollgate.example/go"
)

func ExampleClient_Guard() {
	// The address is that of the environment's TOLLGATE_ADDRESS.
	client, err := tollgate.New(tollgate.Options{FlushTimeout: time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	request := tollgate.Request{
		Workspace: "acme", Model: "gpt-4.1", Prompt: "Why is the sky blue?", MaxOutputTokens: 500,
	}
	err = client.Guard(context.Background(), request,
		func(ctx context.Context, call *tollgate.Call) error {
			// Here the provider is asked, for call.Model(). This is what it answers.
			answer := fmt.Sprintf(`{"model": %q, "usage": {
				"prompt_tokens": 6, "completion_tokens": 80, "total_tokens": 86
			}}`, call.Model())
			call.Record(answer)
			fmt.Println("ran on", call.Model())
			return nil
		})
	var blocked *tollgate.Blocked
	if errors.As(err, &blocked) {
		fmt.Println("come back in", blocked.RetryAfter)
	}
	if err := errors.Join(err, client.Close()); err != nil {
		log.Fatal(err)
	}
	// Output: ran on gpt-4.1
}

func ExampleNewProviderAnswer() {
	answer, err := tollgate.NewProviderAnswer("openai", `{
		"model": "gpt-4.1", "choices": [{"message": {"content": "Because."}}],
		"usage": {"prompt_tokens": 6, "completion_tokens": 3}
	}`)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.JSON()[0])
	// Output: {"model":"gpt-4.1","usage":{"completion_tokens":3,"prompt_tokens":6}}
}

func ExampleEstimateTokens() {
	fmt.Println(tollgate.EstimateTokens("Why is the sky blue?", nil))
	// Output: 5
}
