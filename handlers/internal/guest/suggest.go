package guest

import (
	"fmt"
	"strconv"
	"strings"
)

// Quoted lists names, for messages.
func Quoted(names []string) string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = strconv.Quote(n)
	}
	return strings.Join(all, ", ")
}

// DidYouMean is `, did you mean "x"?`, with the known name that is nearest to a
// wrong one, or "" if none is near.
func DidYouMean(wrong string, known []string) string {
	best, nearest := "", min(max(2, len(wrong)/3)+1, len(wrong))
	for _, k := range known {
		if d := distance(strings.ToLower(wrong), strings.ToLower(k)); d < nearest {
			best, nearest = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// distance is Levenshtein's, in bytes; names too long to be compared are far.
func distance(a, b string) int {
	const longest = 200
	if len(a) > longest || len(b) > longest {
		return longest
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
