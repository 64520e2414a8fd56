package tollgate_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	tollgate "tollgate/clients/go"
	pb "tollgate/clients/go/gen/tollgate/v1"
)

// raw is a type as those of the SDKs of OpenAI and Anthropic, which know what they were made of.
type raw struct {
	Usage struct {
		PromptTokens int64 `json:"prompt_tokens"`
	} `json:"usage"`
	text string
}

func (r raw) RawJSON() string { return r.text }

func TestRecordedAnswers(t *testing.T) {
	files, err := filepath.Glob("../conformance/usage/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("there are %d recorded answers, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var recorded struct {
			Provider tollgate.Provider
			Input    json.RawMessage
			Expected struct {
				Usage       map[string]int64
				Model       string
				ServiceTier tollgate.ServiceTier `json:"service_tier"`
			}
		}
		if err := json.Unmarshal(text, &recorded); err != nil {
			t.Fatal(err)
		}
		for _, provider := range []tollgate.Provider{recorded.Provider, tollgate.AnyProvider} {
			t.Run(filepath.Base(file)+" as "+string(provider), func(t *testing.T) {
				reader := tollgate.UsageReader{Provider: provider}
				found, err := reader.Feed(recorded.Input)
				expect(t, "error", err, nil)
				expect(t, "found", found, true)
				usage, _ := reader.Usage()
				message := usage.Proto().ProtoReflect()
				fields := message.Descriptor().Fields()
				for n := range fields.Len() {
					name := string(fields.Get(n).Name())
					got := message.Get(fields.Get(n)).Int()
					expect(t, name, got, recorded.Expected.Usage[name])
				}
				expect(t, "model", reader.Model, recorded.Expected.Model)
				expect(t, "tier", reader.ServiceTier, recorded.Expected.ServiceTier)
			})
		}
	}
}

func TestWhatUsageIsReadFrom(t *testing.T) {
	const text = `{"usage": {
		"prompt_tokens": 100, "completion_tokens": 20,
		"prompt_tokens_details": {"cached_tokens": 40}
	}}`
	type details struct {
		CachedTokens int `json:"cached_tokens"`
	}
	type usage struct {
		PromptTokens        int     `json:"prompt_tokens"`
		CompletionTokens    int     `json:"completion_tokens"`
		PromptTokensDetails details `json:"prompt_tokens_details"`
	}
	fields := usage{100, 20, details{40}}
	want := tollgate.Usage{InputTokens: 60, CacheReadTokens: 40, OutputTokens: 20}
	for _, answer := range []any{
		text, []byte(text), json.RawMessage(text), raw{text: text}, &raw{text: text},
		fields, &fields, map[string]any{"usage": fields}, []any{map[string]any{"usage": &fields}},
	} {
		for _, convert := range []func(any) (tollgate.Usage, error){
			tollgate.UsageFromOpenAI, tollgate.UsageFromAny,
		} {
			got, err := convert(answer)
			expect(t, "error", err, nil)
			expect(t, "usage", got, want)
		}
	}
}

func TestAChunkOfAnSDKWithoutUsageHasNone(t *testing.T) {
	reader := tollgate.UsageReader{}
	found, err := reader.Feed(raw{text: `{"object": "chat.completion.chunk", "usage": null}`})
	expect(t, "error", err, nil)
	expect(t, "found", found, false)
	_, ok := reader.Usage()
	expect(t, "usage", ok, false)
}

func TestWhatHasNoUsageIsRefused(t *testing.T) {
	for _, nothing := range []any{
		nil, map[string]any{}, `{"usage": null}`, []any{}, 7, "{}", `{"choices": []}`, "{} {}",
	} {
		for _, convert := range []func(any) (tollgate.Usage, error){
			tollgate.UsageFromAny, tollgate.UsageFromOpenAI, tollgate.UsageFromAnthropic,
			tollgate.UsageFromGemini,
		} {
			if usage, err := convert(nothing); err == nil {
				t.Errorf("%v has %v", nothing, usage)
			}
		}
	}
}

func TestFiguresThatAreNoneCountAsZero(t *testing.T) {
	for _, odd := range []string{
		`{"prompt_tokens": -5, "completion_tokens": "many", "prompt_tokens_details": 3}`,
		`{"prompt_tokens": 1e999, "completion_tokens": true}`,
	} {
		got, err := tollgate.UsageFromOpenAI(odd)
		expect(t, "error", err, nil)
		expect(t, "usage", got, tollgate.Usage{})
	}
	got, err := tollgate.UsageFromOpenAI(`{"prompt_tokens": 1e300, "completion_tokens": 2.0}`)
	expect(t, "error", err, nil)
	expect(t, "does not overflow", got.InputTokens > 0, true)
	expect(t, "whole", got.OutputTokens, 2)
}

func TestTheEstimate(t *testing.T) {
	expect(t, "nothing", tollgate.EstimateTokens("", nil), 0)
	expect(t, "text", tollgate.EstimateTokens(strings.Repeat("ß", 9), nil), 3)
	expect(t, "bytes", tollgate.EstimateTokens([]byte("not JSON"), nil), 2)
	type part struct {
		Type string `json:"type"`
		Text string `json:"text,omitempty"`
	}
	messages := []any{
		map[string]string{"role": "system", "content": strings.Repeat("x", 8)},
		map[string]any{"role": "user", "content": []part{
			{Type: "text", Text: strings.Repeat("y", 8)}, {Type: "image_url"},
		}},
	}
	expect(t, "messages", tollgate.EstimateTokens(messages, nil), 4)
	count := func(text string) int { return len(text) }
	expect(t, "tokenizer", tollgate.EstimateTokens(messages, count), 16)
}

func TestMoney(t *testing.T) {
	money, err := tollgate.MoneyFromProto(&pb.Money{CurrencyCode: "EUR", Amount: "12.50"})
	expect(t, "error", err, nil)
	expect(t, "text", money.String(), "12.50 EUR")
	back, err := money.Proto()
	expect(t, "error", err, nil)
	expect(t, "amount", back.Amount, "12.50")
	zero, err := tollgate.MoneyFromProto(nil)
	expect(t, "error", err, nil)
	expect(t, "nothing", zero.Amount.IsZero(), true)
	_, err = tollgate.MoneyFromProto(&pb.Money{Amount: "much"})
	expect(t, "not an amount", err != nil, true)
	fine := tollgate.Money{Amount: decimal.RequireFromString("0.123456789")}
	_, err = fine.Proto()
	expect(t, "nine digits", err, nil)
	fine.Amount = decimal.RequireFromString("0.1234567891")
	_, err = fine.Proto()
	expect(t, "ten digits", err != nil, true)
	large := tollgate.Money{Amount: decimal.New(12, 3)}
	back, err = large.Proto()
	expect(t, "error", err, nil)
	expect(t, "no exponent", back.Amount, "12000")
}
