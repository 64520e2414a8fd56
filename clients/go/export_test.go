package tollgate

import (
	"fmt"

	pb "tollgate.example/go/gen/tollgate/v1"
)

// RuleLists and the others are what the tests compare with those of all clients.
var (
	RuleLists = map[string][]string{
		"texts":       ruleTexts,
		"wrappers":    ruleWrappers,
		"narrow":      ruleNarrow,
		"counted":     ruleCounted,
		"usage_words": ruleUsageWords,
		"usage_names": ruleUsageNames,
	}
	ReadingLists = map[string][]string{
		"figure_names": figureNames,
		"models":       modelPaths,
		"statuses":     statusPaths,
		"unfinished":   unfinished,
		"failed":       failed,
		"cancelled":    cancelled,
		"whole":        whole,
		"tiers":        tiers,
		"tiers_unsaid": tiersUnsaid,
	}
	ReadingTexts = map[string]string{"figure_ending": figureEnding, "beginning": beginning}
	EstimateRule = map[string]any{
		"ascii_per_token":    asciiPerToken,
		"other_per_token":    otherPerToken,
		"whole_tokens":       hexadecimal(wholeTokens),
		"item_tokens":        itemTokens,
		"openai_image_types": openaiImageTypes,
		"item_types":         itemTypes,
		"item_members":       itemMembers,
		"definitions":        definitions,
		"skipped":            skipped,
	}
	RuleLimits = map[string]int{
		"parts":           partsMax,
		"bytes":           answerBytesMax,
		"depth":           depthMax,
		"name_bytes":      nameBytesMax,
		"text_characters": textCharactersMax,
		"number_bytes":    numberBytesMax,
	}
)

func hexadecimal(ranges [][2]rune) [][2]string {
	var all [][2]string
	for _, ends := range ranges {
		all = append(all, [2]string{fmt.Sprintf("%04X", ends[0]), fmt.Sprintf("%04X", ends[1])})
	}
	return all
}

// ParseAddress gives where an address leads, and whether with TLS.
var ParseAddress = parseAddress

// BatchSize says how many records are sent at once.
func BatchSize(records []*pb.RecordUsageRequest) int { return batchSize(items(records)) }
