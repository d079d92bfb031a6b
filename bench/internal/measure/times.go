package measure

import (
	"math"
	"slices"
	"time"
)

// Times are durations in the order they were measured.
type Times []time.Duration

// Percentile is the smallest time that p percent of all do not exceed (the
// nearest rank); 0 of none.
func (t Times) Percentile(p float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Median is the 50th percentile.
func (t Times) Median() time.Duration { return t.Percentile(50) }

// Ratio is a/b; 0 if b is.
func Ratio(a, b time.Duration) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// GeometricMean of positive numbers; 0 of none.
func GeometricMean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	var sum float64
	for _, v := range values {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}
