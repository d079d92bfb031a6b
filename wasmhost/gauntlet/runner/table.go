package runner

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Line is an outcome in one line of a table.
func (o Outcome) Line() string {
	mark := "ok  "
	if !o.Won() {
		mark = "LOST"
	}
	r := o.Report
	return fmt.Sprintf("%s %-44s %-34s admission %6s  wall %6s  growth %5s  pulse %5s  gc %5s",
		mark, o.Case.Name, r.ending(), ms(r.Admission), ms(r.Wall), mib(r.Growth), ms(r.Pulse), ms(r.Collection))
}

// ending is how a case ended, in a few words.
func (r Report) ending() string {
	const most = 34
	var words []string
	for kind, n := range r.Endings {
		word := kind
		if kind == "" {
			word = "contained"
		}
		if n > 1 {
			word += fmt.Sprintf(" x%d", n)
		}
		words = append(words, word)
	}
	slices.Sort(words)
	switch {
	case r.Refused != "":
		words = []string{"refused"}
	case len(words) == 0:
		words = []string{"-"}
	}
	text := strings.Join(words, ", ")
	if len(text) > most {
		text = text[:most-1] + "…"
	}
	return text
}

func ms(d time.Duration) string {
	return fmt.Sprintf("%dms", d.Round(time.Millisecond).Milliseconds())
}

func mib(n int64) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprintf("%dMiB", n>>20)
}
