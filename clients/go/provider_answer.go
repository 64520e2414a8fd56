package tollgate

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	pb "tollgate.example/go/gen/tollgate/v1"
)

// ProviderAnswer is what a provider answered, without its content: the server reads model, tier
// and usage in it. Make one with [NewProviderAnswer].
type ProviderAnswer struct {
	provider string
	parts    parts
	json     []string
}

// NewProviderAnswer makes an answer of its parts: the whole answer, its usage alone, or the events
// of one stream in their order. A part is JSON as string, []byte or json.RawMessage, a type of the
// providers' SDKs, whatever else marshals to a JSON object, or a list of these. The provider, such
// as "openai" or "bedrock", may be empty; it decides where two readings are possible.
//
// Content does not get into it: of each part only numbers are kept, and a few names such as that of
// the model. Of more than 16 parts those with figures are kept, and of more than 16 of these the
// first and the last 15. It fails if there is no part, if one is not JSON, or if what is kept is
// larger than 64 KiB.
func NewProviderAnswer(provider string, list ...any) (ProviderAnswer, error) {
	answer := ProviderAnswer{provider: strings.ToLower(provider)}
	if len(list) == 0 {
		return answer, errors.New("tollgate: a provider answer has at least one part")
	}
	for n, part := range list {
		if err := answer.parts.add(part); err != nil {
			return answer, fmt.Errorf("tollgate: part %d of a provider answer: %w", n, err)
		}
	}
	texts, err := answer.parts.texts(answer.parts.events())
	answer.json = texts
	return answer, err
}

// Provider is the hint that it was made with.
func (a ProviderAnswer) Provider() string {
	return a.provider
}

// JSON are the texts that are sent.
func (a ProviderAnswer) JSON() []string {
	return slices.Clone(a.json)
}

// Proto makes the message of the API.
func (a ProviderAnswer) Proto() *pb.ProviderAnswer {
	return &pb.ProviderAnswer{Provider: a.provider, Json: a.JSON()}
}

// parts are those of one answer, as they come: bounded, however many there are.
type parts struct {
	all, figured ends
	// promise is an answer that says no more than that it will come.
	promise map[string]any
	// polled says that the promise is an answer of its own, and no event of a stream.
	polled bool
	// status is that of the last part.
	status string
	// given says whether there was a part, also one of which nothing is left.
	given bool
}

// add reduces a part and keeps it.
func (p *parts) add(part any) error {
	events, err := eventsOfPart(part)
	if err != nil {
		return err
	}
	p.addEvents(events)
	return nil
}

func (p *parts) addEvents(events []map[string]any) {
	p.given = true
	for _, event := range events {
		if len(event) > 0 {
			p.addEvent(event)
		}
	}
}

func (p *parts) addEvent(event map[string]any) {
	figures := hasFigures(event, openRegion)
	status := textAt(event, statusPaths)
	if !figures && slices.Contains(unfinished, status) {
		p.promise = event
		p.polled = p.polled || isPolled(event)
		return
	}
	p.status = status
	p.all.add(event)
	if figures {
		p.figured.add(event)
	}
}

// isPolled says whether an answer that is not finished is asked for again. The first event of a
// stream says the same, unless its answer is made in the background.
func isPolled(event map[string]any) bool {
	if textAt(event, statusPaths[:1]) != "" {
		return true
	}
	for _, name := range []string{"response", "interaction"} {
		if member(member(event, name), "background") == true {
			return true
		}
	}
	return false
}

func (p *parts) hasFigures() bool {
	return p.figured.count > 0
}

// isUnfinished says whether the provider has only promised an answer.
func (p *parts) isUnfinished() bool {
	return p.polled && p.all.count == 0
}

// outcome is how the provider says that the call ended, where it has no usage for that reason;
// unspecified where it does not say so.
func (p *parts) outcome() pb.Outcome {
	switch {
	case p.hasFigures():
	case slices.Contains(failed, p.status):
		return pb.Outcome_OUTCOME_ERROR
	case slices.Contains(cancelled, p.status):
		return pb.Outcome_OUTCOME_CANCELLED
	}
	return pb.Outcome_OUTCOME_UNSPECIFIED
}

// isWhole says whether an event is an answer of its own with figures.
func isWhole(event map[string]any) bool {
	kind, _ := event["type"].(string)
	object, _ := event["object"].(string)
	return (slices.Contains(whole, kind) || slices.Contains(whole, object)) &&
		hasFigures(event, openRegion)
}

// events are those that are sent.
func (p *parts) events() []map[string]any {
	switch {
	case p.all.count > partsMax && p.hasFigures():
		return p.figured.events
	case p.all.count > 0:
		return p.all.events
	case p.promise != nil:
		return []map[string]any{p.promise}
	}
	return []map[string]any{{}}
}

// model is the one that the answer names; empty if it names none.
func (p *parts) model() string {
	for _, event := range p.events() {
		if model := textAt(event, modelPaths); model != "" {
			return strings.TrimPrefix(model, "models/")
		}
	}
	return ""
}

// namesTier says whether the answer names the tier that served it.
func (p *parts) namesTier() bool {
	return slices.ContainsFunc(p.events(), func(event map[string]any) bool {
		return namesTier(event)
	})
}

func namesTier(value any) bool {
	switch value := value.(type) {
	case []any:
		return slices.ContainsFunc(value, namesTier)
	case map[string]any:
		for name, inner := range value {
			text, isText := inner.(string)
			unsaid := isText && slices.Contains(tiersUnsaid, text)
			if tierNames[fold(name)] && !unsaid || namesTier(inner) {
				return true
			}
		}
	}
	return false
}

var tierNames = foldedSet(tiers)

// begunOutput is the output that a stream began with, if its end did not come.
func (p *parts) begunOutput() (output int64, begun bool) {
	if !p.hasFigures() {
		return 0, false
	}
	last := p.figured.events[len(p.figured.events)-1]
	if last["type"] != beginning {
		return 0, false
	}
	usage := member(member(last, "message"), "usage")
	if number, ok := member(usage, "outputtokens").(json.Number); ok {
		// What is no count is 0.
		output, _ = number.Int64()
	}
	return output, true
}

// withOutput are the events of a stream that broke off, ended with the output that has come.
func (p *parts) withOutput(output int64) []map[string]any {
	events := p.events()
	end := map[string]any{
		"type": "message_delta", "usage": map[string]any{"output_tokens": output},
	}
	return append(slices.Clone(events[:min(len(events), partsMax-1)]), end)
}

// texts writes events. Of those that are too large together the earlier ones are left out, but for
// the first.
func (p *parts) texts(events []map[string]any) ([]string, error) {
	var texts []string
	size := 0
	for _, event := range events {
		text, err := json.Marshal(event)
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(text))
		size += len(text)
	}
	for size > answerBytesMax {
		if len(texts) <= 2 {
			return nil, fmt.Errorf("tollgate: a provider answer has %d bytes without its content; "+
				"at most %d", size, answerBytesMax)
		}
		size -= len(texts[1])
		texts = slices.Delete(texts, 1, 2)
	}
	return texts, nil
}

// ends are the first and the last events of many.
type ends struct {
	events []map[string]any
	count  int
}

func (e *ends) add(event map[string]any) {
	e.count++
	if len(e.events) == partsMax {
		e.events = slices.Delete(e.events, 1, 2)
	}
	e.events = append(e.events, event)
}

// eventsOfPart gives the events of one part, reduced.
func eventsOfPart(part any) ([]map[string]any, error) {
	decoded, err := decodePart(part)
	if err != nil {
		return nil, err
	}
	return eventsOf(decoded, 0)
}

// decodePart decodes one part: of a list each event by itself, as the types of the SDKs want it.
func decodePart(part any) (any, error) {
	switch part := part.(type) {
	case string:
		return decode([]byte(part))
	case []byte, json.RawMessage:
		return decode(part)
	}
	list := reflect.ValueOf(part)
	if list.Kind() == reflect.Slice || list.Kind() == reflect.Array {
		events := []any{}
		for n := range list.Len() {
			event, err := decodePart(list.Index(n).Interface())
			if err != nil {
				return nil, err
			}
			events = append(events, event)
		}
		return events, nil
	}
	decoded, err := decode(part)
	if err != nil {
		return nil, err
	}
	switch decoded.(type) {
	case map[string]any, []any:
		return decoded, nil
	}
	return nil, fmt.Errorf("%T is not an object", part)
}
