package tollgate_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	tollgate "tollgate.example/go"
)

// answerFile is what all clients share.
type answerFile struct {
	Limits  map[string]int
	Rule    map[string][]string
	Reading map[string]json.RawMessage
	Cases   []struct {
		Name           string
		Input, Reduced any
	}
	Selections []struct {
		Name        string
		Parts, Kept []any
	}
	Refusals []struct {
		Name string
		Part any
	}
}

// readShared reads a file that all clients share.
func readShared[T any](t *testing.T, name string) T {
	t.Helper()
	text, err := os.ReadFile("../conformance/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var file T
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheListsAreThoseOfAllClients(t *testing.T) {
	file := readShared[answerFile](t, "provider_answer.json")
	expect(t, "lists", reflect.DeepEqual(tollgate.RuleLists, file.Rule), true)
	expect(t, "limits", reflect.DeepEqual(tollgate.RuleLimits, file.Limits), true)
	reading := map[string]any{}
	for name, list := range tollgate.ReadingLists {
		reading[name] = list
	}
	for name, text := range tollgate.ReadingTexts {
		reading[name] = text
	}
	expectJSON(t, "reading", reading, file.Reading)
	estimate := readShared[map[string]any](t, "estimate.json")
	expectJSON(t, "estimate", tollgate.EstimateRule, estimate["rule"])
}

// expectJSON compares values by what they are in JSON.
func expectJSON(t *testing.T, what string, got, want any) {
	t.Helper()
	var decoded [2]any
	for n, value := range []any{got, want} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &decoded[n]); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(decoded[0], decoded[1]) {
		t.Errorf("%s: got %v, want %v", what, decoded[0], decoded[1])
	}
}

// sent are the texts of an answer, decoded.
func sent(t *testing.T, answer tollgate.ProviderAnswer) []any {
	t.Helper()
	all := []any{}
	for _, text := range answer.JSON() {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		all = append(all, value)
	}
	return all
}

func TestWhatIsKeptOfAnAnswer(t *testing.T) {
	file := readShared[answerFile](t, "provider_answer.json")
	if len(file.Cases) < 27 || len(file.Selections) < 8 || len(file.Refusals) < 5 {
		t.Fatal("there are too few cases")
	}
	for _, test := range file.Cases {
		text, err := json.Marshal(test.Input)
		expect(t, test.Name, err, nil)
		answer, err := tollgate.NewProviderAnswer("", text)
		expect(t, test.Name, err, nil)
		want, isList := test.Reduced.([]any)
		if !isList {
			want = []any{test.Reduced}
		}
		if len(want) == 0 {
			want = []any{map[string]any{}}
		}
		expectJSON(t, test.Name, sent(t, answer), want)
	}
	for _, test := range file.Selections {
		answer, err := tollgate.NewProviderAnswer("", test.Parts...)
		expect(t, test.Name, err, nil)
		expectJSON(t, test.Name, sent(t, answer), test.Kept)
	}
	for _, test := range file.Refusals {
		_, err := tollgate.NewProviderAnswer("", test.Part)
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", test.Name, err)
		}
	}
}

// raw is a type as those of the SDKs of OpenAI and Anthropic, which know what they were made of.
type raw struct {
	Usage struct {
		PromptTokens int64 `json:"prompt_tokens"`
	} `json:"usage"`
	text string
}

func (r raw) RawJSON() string { return r.text }

func TestWhatAPartMayBe(t *testing.T) {
	const text = `{"usage": {"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 40}}}`
	type details struct {
		CachedTokens int `json:"cached_tokens"`
	}
	type usage struct {
		PromptTokens        int     `json:"prompt_tokens"`
		PromptTokensDetails details `json:"prompt_tokens_details"`
	}
	fields := usage{100, details{40}}
	const want = `{"usage":{"prompt_tokens":100,"prompt_tokens_details":{"cached_tokens":40}}}`
	for _, part := range []any{
		text, []byte(text), json.RawMessage(text), raw{text: text}, &raw{text: text},
		map[string]any{"usage": fields, "content": "SECRET"}, map[string]any{"usage": &fields},
	} {
		answer, err := tollgate.NewProviderAnswer("OpenAI", part)
		expect(t, "error", err, nil)
		expect(t, "part", strings.Join(answer.JSON(), " "), want)
		expect(t, "provider", answer.Proto().Provider, "openai")
	}
	for _, list := range []any{[]any{text, raw{text: text}}, []string{text, text}} {
		answer, err := tollgate.NewProviderAnswer("", list)
		expect(t, "list", err, nil)
		expect(t, "list", strings.Join(answer.JSON(), " "), want+" "+want)
	}
}

func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	large := strings.Repeat(`{"a_tokens": 1},`, 5000)
	var none *raw
	for want, parts := range map[string][]any{
		"at least one part":    {},
		"part 0 of a provider": {"not JSON"},
		"part 1 of a provider": {`{}`, func() {}},
		"<nil> is not an obje": {nil},
		"more than one value":  {"{} {}"},
		"raw: ":                {none},
		"twice in one object":  {`{"usage": {"tokens": 1, "tokens": 2}}`},
		"part 0":               {`{"usage": {"tokens": 1e999}}`},
		"bytes without its":    {`{"usage": {"details": [` + large + `{}]}}`},
	} {
		_, err := tollgate.NewProviderAnswer("", parts...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	deepest := strings.Repeat(`{"usage":`, 63) + `{"tokens":1}` + strings.Repeat("}", 63)
	_, err := tollgate.NewProviderAnswer("", deepest)
	expect(t, "64 levels", err, nil)
	_, err = tollgate.NewProviderAnswer("", `{"usage":`+deepest+`}`)
	expect(t, "65 levels", err != nil, true)
}

func TestPartsThatAreTooLargeTogetherAreLeftOut(t *testing.T) {
	var parts []any
	for n := range 12 {
		details := []map[string]int{}
		for range 1000 {
			details = append(details, map[string]int{"n": n})
		}
		parts = append(parts, map[string]any{"usage": map[string]any{"details": details}})
	}
	answer, err := tollgate.NewProviderAnswer("", parts...)
	expect(t, "error", err, nil)
	texts := answer.JSON()
	size := len(strings.Join(texts, ""))
	expect(t, "fits", size <= 64<<10 && size > 56<<10, true)
	for n, at := range map[int]int{0: 0, 11: len(texts) - 1} {
		expect(t, "the first and the last", strings.Contains(texts[at], fmt.Sprintf(`"n":%d}`, n)), true)
	}
}

func TestTheEstimate(t *testing.T) {
	type testCase struct {
		Name    string
		Content any
		Tokens  int64
	}
	file := readShared[struct{ Cases []testCase }](t, "estimate.json")
	if len(file.Cases) < 27 {
		t.Fatalf("there are %d cases", len(file.Cases))
	}
	for _, test := range file.Cases {
		expect(t, test.Name, tollgate.EstimateTokens(test.Content, nil), test.Tokens)
	}
	expect(t, "bytes", tollgate.EstimateTokens([]byte("not JSON"), nil), 2)
	type part struct {
		Type string `json:"type"`
		Text string `json:"text,omitempty"`
	}
	messages := []any{
		map[string]string{"role": "system", "content": strings.Repeat("x", 8)},
		map[string]any{"role": "user", "content": []part{{Type: "text", Text: strings.Repeat("y", 8)}}},
	}
	expect(t, "messages", tollgate.EstimateTokens(messages, nil), 4)
	count := func(text string) int { return len(text) }
	expect(t, "tokenizer", tollgate.EstimateTokens(messages, count), 16)
}
