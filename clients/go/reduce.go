package tollgate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// region says where in an answer a member is.
type region int

const (
	// openRegion is the answer itself, and what is in a wrapper.
	openRegion region = iota
	// narrowRegion is beside content.
	narrowRegion
	// usageRegion is inside of usage.
	usageRegion
	// left is not entered at all.
	left
)

// kinds are what the lists of the rule know of a name.
type kinds struct {
	text, wrapper, narrow, counted, usage, id, kind bool
}

var (
	plainName   = regexp.MustCompile(`^[A-Za-z0-9_.:/@$-]+$`)
	plainNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	listed      = foldedLists()
)

// foldedLists are the names of all lists as they are compared.
func foldedLists() map[string]kinds {
	all := map[string]kinds{}
	note := func(names []string, set func(*kinds)) {
		for _, name := range names {
			found := all[fold(name)]
			set(&found)
			all[fold(name)] = found
		}
	}
	note(ruleTexts, func(k *kinds) { k.text = true })
	note(ruleWrappers, func(k *kinds) { k.wrapper = true })
	note(ruleNarrow, func(k *kinds) { k.narrow = true })
	note(ruleCounted, func(k *kinds) { k.counted = true })
	note(ruleUsageNames, func(k *kinds) { k.usage = true })
	return all
}

// fold gives a name without `_`, `-` and capitals, as names are compared.
func fold(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool {
		return r == '_' || r == '-' || unicode.IsUpper(r)
	}) {
		return name
	}
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

func kindsOf(folded string) kinds {
	found := listed[folded]
	found.id = folded == "id"
	found.kind = folded == "type"
	found.usage = found.usage || slices.ContainsFunc(ruleUsageWords, func(word string) bool {
		return strings.Contains(folded, word)
	})
	return found
}

func (k kinds) keepsNumber(at region) bool {
	return !k.id && (at != narrowRegion || k.usage || k.counted)
}

func (k kinds) keepsText(at region, text string) bool {
	if !k.id && (k.usage || at == usageRegion) && len(text) <= numberBytesMax &&
		plainNumber.MatchString(text) {
		return true
	}
	if at == narrowRegion && !k.kind || at != narrowRegion && !k.text {
		return false
	}
	// What is no Unicode, such as half of a surrogate pair, is replaced when it is decoded.
	return utf8.RuneCountInString(text) <= textCharactersMax &&
		!strings.ContainsFunc(text, func(r rune) bool {
			return unicode.IsControl(r) || r == utf8.RuneError
		})
}

// inside is the region inside of an object of this name.
func (k kinds) inside(at region) region {
	switch {
	case at == usageRegion || k.usage:
		return usageRegion
	case k.narrow || k.wrapper && at == narrowRegion:
		return narrowRegion
	case k.wrapper:
		return openRegion
	}
	return left
}

// insideList is the region inside of the objects of a list of this name.
func (k kinds) insideList(at region) region {
	if inside := k.inside(at); inside != openRegion {
		return inside
	}
	return narrowRegion
}

// eventsOf gives the events of a part, reduced: of an object itself, of a list all in it.
func eventsOf(part any, depth int) ([]map[string]any, error) {
	if depth >= depthMax {
		return nil, errDepth
	}
	switch part := part.(type) {
	case map[string]any:
		event, err := reduceObject(part, openRegion, depth+1)
		return []map[string]any{event}, err
	case []any:
		var events []map[string]any
		for _, item := range part {
			inner, err := eventsOf(item, depth+1)
			if err != nil {
				return nil, err
			}
			events = append(events, inner...)
		}
		return events, nil
	}
	return nil, nil
}

var errDepth = fmt.Errorf("tollgate: a provider answer is nested deeper than %d levels", depthMax)

func reduceObject(fields map[string]any, at region, depth int) (map[string]any, error) {
	if depth > depthMax {
		return nil, errDepth
	}
	kept := map[string]any{}
	for name, value := range fields {
		if len(name) > nameBytesMax || !plainName.MatchString(name) {
			continue
		}
		reduced, err := reduceMember(kindsOf(fold(name)), value, at, depth)
		if err != nil {
			return nil, err
		}
		if reduced != nil {
			kept[name] = reduced
		}
	}
	return kept, nil
}

// reduceMember gives what is kept of a member; nil for nothing.
func reduceMember(is kinds, value any, at region, depth int) (any, error) {
	switch value := value.(type) {
	case bool:
		if is.keepsNumber(at) {
			return value, nil
		}
	case json.Number:
		if is.keepsNumber(at) {
			// Beyond what a float can hold it is no number to most readers of JSON.
			if _, err := value.Float64(); err != nil {
				return nil, errNotJSON
			}
			return value, nil
		}
	case string:
		if is.keepsText(at, value) {
			return value, nil
		}
	case map[string]any:
		if inside := is.inside(at); inside != left {
			kept, err := reduceObject(value, inside, depth+1)
			if len(kept) > 0 {
				return kept, err
			}
			return nil, err
		}
	case []any:
		if is.counted && at != usageRegion {
			return json.Number(fmt.Sprint(len(value))), nil
		}
		if inside := is.insideList(at); is.inside(at) != left {
			return reduceList(value, inside, depth+1)
		}
	}
	return nil, nil
}

func reduceList(items []any, at region, depth int) (any, error) {
	if depth > depthMax {
		return nil, errDepth
	}
	var kept []any
	for _, item := range items {
		fields, ok := item.(map[string]any)
		if !ok {
			continue
		}
		object, err := reduceObject(fields, at, depth+1)
		if err != nil {
			return nil, err
		}
		if len(object) > 0 {
			kept = append(kept, object)
		}
	}
	if len(kept) == 0 {
		return nil, nil
	}
	return kept, nil
}

// hasFigures says whether a reduced part has a number that is usage by its name or its place.
func hasFigures(fields map[string]any, at region) bool {
	for name, value := range fields {
		folded := fold(name)
		is := kindsOf(folded)
		inside := at
		if is.usage {
			inside = usageRegion
		}
		found := false
		switch value := value.(type) {
		case map[string]any:
			found = hasFigures(value, inside)
		case []any:
			found = slices.ContainsFunc(value, func(item any) bool {
				fields, _ := item.(map[string]any)
				return hasFigures(fields, inside)
			})
		case string:
			found = inside == usageRegion && plainNumber.MatchString(value)
		case json.Number:
			found = inside == usageRegion || is.counted || listedFigures[folded] ||
				strings.HasSuffix(folded, figureEnding)
		}
		if found {
			return true
		}
	}
	return false
}

var listedFigures = foldedSet(figureNames)

func foldedSet(names []string) map[string]bool {
	all := map[string]bool{}
	for _, name := range names {
		all[fold(name)] = true
	}
	return all
}

// textAt gives the first text that one of these paths leads to; empty for none.
func textAt(fields map[string]any, paths []string) string {
	for _, path := range paths {
		var value any = fields
		for step := range strings.SplitSeq(path, ".") {
			value = member(value, fold(step))
		}
		if text, _ := value.(string); text != "" {
			return text
		}
	}
	return ""
}

// member gives that of a name as it is compared; nil where there is none.
func member(holder any, folded string) any {
	fields, _ := holder.(map[string]any)
	for name, value := range fields {
		if fold(name) == folded {
			return value
		}
	}
	return nil
}

// decode gives any value as its JSON would be decoded. The types of the SDKs know what they were
// made of, which says more than their fields: there, what was absent is zero.
func decode(value any) (decoded any, err error) {
	defer func() {
		// As the methods of a nil pointer to one of their types do.
		if broken := recover(); broken != nil {
			err = fmt.Errorf("%T: %v", value, broken)
		}
	}()
	var text []byte
	switch value := value.(type) {
	case []byte:
		return parse(value)
	case json.RawMessage:
		return parse(value)
	case proto.Message:
		text, err = protojson.Marshal(value)
	case interface{ RawJSON() string }:
		text = []byte(value.RawJSON())
	}
	if len(text) == 0 && err == nil {
		text, err = json.Marshal(value)
	}
	if err != nil {
		return nil, err
	}
	return parse(text)
}

var errNotJSON = errors.New("it is not JSON")

// parse reads one JSON text. No error has any of it, as it may be content.
func parse(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := parseValue(decoder, 0)
	if err == nil {
		if _, err := decoder.Token(); err != io.EOF {
			return nil, errors.New("there is more than one value in it")
		}
	}
	return value, err
}

// parseValue reads by hand, because a name that is there twice has to be seen.
func parseValue(decoder *json.Decoder, depth int) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, errNotJSON
	}
	if depth > parseDepthMax {
		return nil, errDepth
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			item, err := parseValue(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, end(decoder)
	case json.Delim('{'):
		fields := map[string]any{}
		for decoder.More() {
			key, err := decoder.Token()
			name, ok := key.(string)
			if err != nil || !ok {
				return nil, errNotJSON
			}
			if _, twice := fields[name]; twice {
				return nil, errors.New("a name is there twice in one object")
			}
			if fields[name], err = parseValue(decoder, depth+1); err != nil {
				return nil, err
			}
		}
		return fields, end(decoder)
	}
	return token, nil
}

func end(decoder *json.Decoder) error {
	if _, err := decoder.Token(); err != nil {
		return errNotJSON
	}
	return nil
}

// parseDepthMax is as deep as content may be that is passed over.
const parseDepthMax = 10_000
