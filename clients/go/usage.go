package tollgate

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "tollgate.example/go/gen/tollgate/v1"
)

// countMax is the largest count: above it numbers of JSON, and of JavaScript, are not exact.
const countMax = 1 << 53

// The empty tier is not known, and taken as the standard one.
func (t ServiceTier) proto() (pb.ServiceTier, error) {
	number, ok := pb.ServiceTier_value["SERVICE_TIER_"+firstOf(string(t), "UNSPECIFIED")]
	if !ok {
		return 0, fmt.Errorf("tollgate: there is no service tier %q", string(t))
	}
	return pb.ServiceTier(number), nil
}

// Usage is the tokens of one attempt by class. A token is counted in exactly one of them.
type Usage struct {
	// InputTokens were neither read from nor written to a cache.
	InputTokens int64
	// CacheReadTokens were read from the provider's cache.
	CacheReadTokens int64
	// CacheWrite5mTokens were written to a cache that lives for five minutes.
	CacheWrite5mTokens int64
	// CacheWrite1hTokens were written to a cache that lives for one hour.
	CacheWrite1hTokens int64
	// OutputTokens are those without reasoning.
	OutputTokens int64
	// ReasoningTokens are output that was spent on reasoning.
	ReasoningTokens int64
	// The tokens of sound and images, of input and output.
	AudioInputTokens, AudioOutputTokens, ImageInputTokens, ImageOutputTokens int64
	// Units are what was used beside tokens, by kind; nil for none.
	Units map[UnitKind]int64
	// Factors are the names of the price's factors that applied, such as "us" or "fast".
	Factors []string
}

// UsageFromProto takes over the usage of a record, without factors: the record has them beside it.
func UsageFromProto(usage *pb.Usage) Usage {
	var units map[UnitKind]int64
	for _, unit := range usage.GetUnits() {
		if units == nil {
			units = map[UnitKind]int64{}
		}
		units[enumName[UnitKind](unit.Kind, "UNIT_KIND_")] = unit.Count
	}
	return Usage{
		Units:              units,
		InputTokens:        usage.GetInputTokenCount(),
		CacheReadTokens:    usage.GetCacheReadTokenCount(),
		CacheWrite5mTokens: usage.GetCacheWrite_5MTokenCount(),
		CacheWrite1hTokens: usage.GetCacheWrite_1HTokenCount(),
		OutputTokens:       usage.GetOutputTokenCount(),
		ReasoningTokens:    usage.GetReasoningTokenCount(),
		AudioInputTokens:   usage.GetAudioInputTokenCount(),
		AudioOutputTokens:  usage.GetAudioOutputTokenCount(),
		ImageInputTokens:   usage.GetImageInputTokenCount(),
		ImageOutputTokens:  usage.GetImageOutputTokenCount(),
	}
}

// Proto makes the message of the API. Its units are in the order of their names, and a kind that is
// not known is unspecified, which the server refuses.
func (u Usage) Proto() *pb.Usage {
	return &pb.Usage{
		Units:                   unitsProto(u.Units),
		InputTokenCount:         u.InputTokens,
		CacheReadTokenCount:     u.CacheReadTokens,
		CacheWrite_5MTokenCount: u.CacheWrite5mTokens,
		CacheWrite_1HTokenCount: u.CacheWrite1hTokens,
		OutputTokenCount:        u.OutputTokens,
		ReasoningTokenCount:     u.ReasoningTokens,
		AudioInputTokenCount:    u.AudioInputTokens,
		AudioOutputTokenCount:   u.AudioOutputTokens,
		ImageInputTokenCount:    u.ImageInputTokens,
		ImageOutputTokenCount:   u.ImageOutputTokens,
	}
}

// check refuses counts that can be none, as the server would.
func (u Usage) check() error {
	counts := map[string]int64{
		"InputTokens": u.InputTokens, "CacheReadTokens": u.CacheReadTokens,
		"CacheWrite5mTokens": u.CacheWrite5mTokens, "CacheWrite1hTokens": u.CacheWrite1hTokens,
		"OutputTokens": u.OutputTokens, "ReasoningTokens": u.ReasoningTokens,
		"AudioInputTokens": u.AudioInputTokens, "AudioOutputTokens": u.AudioOutputTokens,
		"ImageInputTokens": u.ImageInputTokens, "ImageOutputTokens": u.ImageOutputTokens,
	}
	for kind, count := range u.Units {
		counts[string(kind)] = count
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if count := counts[name]; count < 0 || count > countMax {
			return status.Errorf(codes.InvalidArgument,
				"%s is %d; expected a whole number from 0 to 2^53", name, count)
		}
	}
	return nil
}

func unitsProto(counts map[UnitKind]int64) []*pb.UsageUnit {
	var units []*pb.UsageUnit
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		units = append(units, &pb.UsageUnit{
			Kind:  pb.UnitKind(pb.UnitKind_value["UNIT_KIND_"+string(kind)]),
			Count: counts[kind],
		})
	}
	return units
}
