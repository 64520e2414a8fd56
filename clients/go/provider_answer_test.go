package tollgate_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	tollgate "tollgate/clients/go"
)

// ruleFile is what all clients share.
type ruleFile struct {
	Limits map[string]int
	Rule   map[string][]string
	Cases  []struct {
		Name           string
		Input, Reduced json.RawMessage
	}
}

func readRule(t *testing.T) ruleFile {
	t.Helper()
	text, err := os.ReadFile("../conformance/provider_answer.json")
	if err != nil {
		t.Fatal(err)
	}
	var file ruleFile
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheListsAreThoseOfAllClients(t *testing.T) {
	file := readRule(t)
	expect(t, "lists", reflect.DeepEqual(tollgate.RuleLists, file.Rule), true)
	expect(t, "limits", reflect.DeepEqual(tollgate.RuleLimits, file.Limits), true)
}

func TestWhatIsKeptOfAnAnswer(t *testing.T) {
	cases := readRule(t).Cases
	if len(cases) < 27 {
		t.Fatalf("there are %d cases", len(cases))
	}
	for _, test := range cases {
		answer, err := tollgate.NewProviderAnswer("", test.Input)
		expect(t, test.Name, err, nil)
		expect(t, test.Name, len(answer.JSON()), 1)
		var got, want any
		if err := json.Unmarshal([]byte(answer.JSON()[0]), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(test.Reduced, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", test.Name, got, want)
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
		answer, err := tollgate.NewProviderAnswer("openai", part)
		expect(t, "error", err, nil)
		expect(t, "part", answer.JSON()[0], want)
		expect(t, "provider", answer.Proto().Provider, "openai")
	}
	for _, list := range []any{[]any{text, raw{text: text}}, []string{text, text}} {
		answer, err := tollgate.NewProviderAnswer("", list)
		expect(t, "list", err, nil)
		expect(t, "list", answer.JSON()[0], "["+want+","+want+"]")
	}
}

func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	deep := strings.Repeat(`{"usage":`, 65) + `{"tokens":1}` + strings.Repeat("}", 65)
	large := strings.Repeat(`{"a_tokens": 1},`, 5000)
	var none *raw
	for want, parts := range map[string][]any{
		"at least one part":    {},
		"part 0 of a provider": {"not JSON"},
		"part 1 of a provider": {`{}`, func() {}},
		"more than one value":  {"{} {}"},
		"nil pointer":          {none},
		"nested deeper":        {deep},
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
	answer, err := tollgate.NewProviderAnswer("", `{"usage": {"tokens": 1e999, "cost": 1e9}}`)
	expect(t, "beyond a float", err, nil)
	expect(t, "beyond a float", answer.JSON()[0], `{"usage":{"cost":1e9}}`)
}

func TestOfManyPartsThoseWithUsageAreKept(t *testing.T) {
	var parts []any
	for n := range 40 {
		parts = append(parts, fmt.Sprintf(`{"index": %d}`, n))
	}
	parts[7] = `{"usage": {"tokens": 7}}`
	parts[33] = `{"response": {"n": 33}}`
	answer, err := tollgate.NewProviderAnswer("", parts...)
	expect(t, "error", err, nil)
	got := strings.Join(answer.JSON(), " ")
	expect(t, "two", got, `{"usage":{"tokens":7}} {"response":{"n":33}}`)
	for n := range parts {
		parts[n] = map[string]any{"usage": map[string]any{"tokens": n}}
	}
	for name, given := range map[string][]any{"parts": parts, "a list": {parts}} {
		answer, err = tollgate.NewProviderAnswer("", given...)
		expect(t, name, err, nil)
		if name == "a list" {
			expect(t, name, len(answer.JSON()), 1)
			continue
		}
		expect(t, name, len(answer.JSON()), 16)
		expect(t, "first", answer.JSON()[0], `{"usage":{"tokens":0}}`)
		expect(t, "second", answer.JSON()[1], `{"usage":{"tokens":25}}`)
		expect(t, "last", answer.JSON()[15], `{"usage":{"tokens":39}}`)
	}
	var long []any
	for n := range 5000 {
		long = append(long, map[string]any{"usage": map[string]any{"tokens": n}})
	}
	answer, err = tollgate.NewProviderAnswer("", long)
	expect(t, "a long list", err, nil)
	expect(t, "a long list", len(answer.JSON()), 16)
	expect(t, "its last", answer.JSON()[15], `{"usage":{"tokens":4999}}`)
}
