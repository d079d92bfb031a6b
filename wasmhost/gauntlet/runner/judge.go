package runner

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet"
)

// Bounds of a host that is attacked, whatever the case. On an idle machine a
// tenth of them would do.
const (
	pulseMost      = 150 * time.Millisecond
	collectionMost = 250 * time.Millisecond
	afterburnMost  = rest / 3              // of processor time
	cellMost       = 50 * time.Millisecond // to start a cell, beside admission there; all that start at once share the processors
	machineFactor  = 3                     // of the parent's own lateness, on top
	raceFactor     = 4                     // under the race detector everything takes longer
)

// judge compares a report with the verdict; it answers with what is wrong, and
// apart from that with what is only late.
func judge(c gauntlet.Case, r Report) (wrong, late []string) {
	v := c.Verdict
	if r.Broken != "" {
		wrong = append(wrong, "the host failed: "+r.Broken)
	}
	for _, b := range r.Breaches {
		wrong = append(wrong, "breach: "+b)
	}
	switch {
	case r.Refused != "" && v.Refused == "":
		wrong = append(wrong, "refused, must run: "+r.Refused)
	case r.Refused != "" && !regexp.MustCompile(v.Refused).MatchString(r.Refused):
		wrong = append(wrong, fmt.Sprintf("refused for another reason than %q: %s", v.Refused, r.Refused))
	case r.Refused == "" && !v.Contained && len(v.Stopped) == 0:
		wrong = append(wrong, "accepted, must be refused")
	}
	for kind, n := range r.Endings {
		if kind == "" && v.Contained || kind != "" && slices.Contains(v.Stopped, kind) {
			continue
		}
		if kind == "" {
			kind = "a result of 0"
		}
		wrong = append(wrong, fmt.Sprintf("%d calls ended with %s, want %s (%s)", n, kind, wanted(v), strings.Join(r.Details, "; ")))
	}
	if r.Growth > v.Growth {
		wrong = append(wrong, fmt.Sprintf("grew by %d MiB, want %d at most", r.Growth>>20, v.Growth>>20))
	}
	slices.Sort(wrong)
	return wrong, lateness(c, r)
}

func lateness(c gauntlet.Case, r Report) (late []string) {
	v := c.Verdict
	for _, b := range []struct {
		what       string
		took, most time.Duration
	}{
		{"admission", r.Admission, v.Admission},
		{"a call", r.Wall, v.Wall},
		{"a wait for a cell", r.Waited, v.Admission + time.Duration(max(1, c.Parallel))*cellMost},
		{"a goroutine's turn", r.Pulse, pulseMost},
		{"a garbage collection", r.Collection, collectionMost},
	} {
		most := b.most + machineFactor*r.Machine + r.Others
		if Race {
			most *= raceFactor
		}
		if b.took > most {
			late = append(late, fmt.Sprintf("%s took %s, want %s at most", b.what, b.took.Round(time.Millisecond), most.Round(time.Millisecond)))
		}
	}
	if r.Afterburn > afterburnMost {
		late = append(late, fmt.Sprintf("a moment after the last call the host was busy: %s of %s", r.Afterburn.Round(time.Millisecond), rest))
	}
	return late
}

func wanted(v gauntlet.Verdict) string {
	endings := slices.Clone(v.Stopped)
	if v.Contained {
		endings = append(endings, "a result of 0")
	}
	if v.Refused != "" {
		endings = append(endings, "refusal")
	}
	return strings.Join(endings, " or ")
}
