package tollgate

// RuleLists and RuleLimits are what the tests compare with those of all clients.
var (
	RuleLists = map[string][]string{
		"texts":       ruleTexts,
		"wrappers":    ruleWrappers,
		"narrow":      ruleNarrow,
		"counted":     ruleCounted,
		"usage_words": ruleUsageWords,
		"usage_names": ruleUsageNames,
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
