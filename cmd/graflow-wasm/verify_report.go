package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/internal/receipt"
)

// conclude prints what came of it, and turns it into an exit code. err is why it came to
// nothing.
func (v *verification) conclude(std streams, o verifyOptions, err error) error {
	told := v.believe(err)
	if err != nil && !told {
		return failed("verify "+v.Receipt, err)
	}
	if o.format.value == "json" {
		if err := writeJSON(std.out, v); err != nil {
			return err
		}
	} else {
		fmt.Fprint(std.out, v.text())
	}
	return v.exit(err)
}

// believe tells whether an error is one of the receipt itself, which the verdict says.
func (v *verification) believe(err error) bool {
	switch {
	case err == nil:
		return true
	case errors.Is(err, receipt.ErrUntrusted):
		v.Verdict = verdictUntrusted
	case errors.Is(err, receipt.ErrSignature):
		v.Verdict = verdictTampered
	default:
		return false
	}
	v.Fault = err.Error()
	return true
}

func (v *verification) exit(err error) error {
	say := func(code int, format string, args ...any) error {
		return &exitError{Code: code, Err: fmt.Errorf("verify %s: %w", v.Receipt, fmt.Errorf(format, args...))}
	}
	switch v.Verdict {
	case verdictHolds:
		return nil
	case verdictUntrusted:
		return say(exitUntrusted, "%w\nIf you know whose key that is, give it with --key; nothing was run", err)
	case verdictTampered:
		return say(exitFailed, "%w", err)
	case verdictUnverified:
		return say(exitUnverified, "nothing speaks against it, but not all that can be repeated was")
	}
	return say(exitFailed, "it does not hold: %s", countOf(len(v.Differences), "difference", "differences"))
}

// text says it to people.
func (v *verification) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(printable(fmt.Sprintf(format, args...)) + "\n") }
	if v.Signer != "" {
		line("signed by  %s", v.Signer)
	}
	if v.Fault != "" {
		line("verdict    %s", v.Verdict)
		return b.String()
	}
	line("flow       %s  %s", v.Flow, v.Digest)
	line("run        %s, %s, %s", v.Run, v.Status, v.Ended.Format(time.RFC3339))
	line("made by    %s %s (%s, %s)", v.Made.Name, v.Made.Version, v.Made.Go, v.Made.Platform)
	if !v.NotRun {
		line("repeated   %d of %s alike, %d fuel", v.Repeated, countOf(v.Steps, "attempt", "attempts"), v.Fuel)
	}
	for _, task := range slices.Sorted(maps.Keys(v.Outside)) {
		line("attested   %s: %s; the signature alone speaks for it", task, v.Outside[task])
	}
	for _, d := range v.Differences {
		line("differs    %s", differenceText(d))
	}
	for _, at := range slices.Sorted(maps.Keys(v.Missing)) {
		line("missing    %s", strings.TrimPrefix(at+": "+v.Missing[at], ": "))
	}
	if len(v.Unverified) > 0 {
		line("not run    %s: it follows from what is missing", strings.Join(v.Unverified, ", "))
	}
	if v.Unsorted && len(v.Differences) > 0 {
		line("note       attempts could not be committed in the order that they had: tasks at once may have found another channel")
	}
	line("verdict    %s", v.Verdict)
	return b.String()
}

func differenceText(d receipt.Difference) string {
	of := "the run"
	if d.Activation != "" {
		of = "task " + d.Activation
		if d.Attempt > 1 {
			of += fmt.Sprintf(", attempt %d", d.Attempt)
		}
	} else if d.Task != "" {
		of = "task " + d.Task
	}
	return fmt.Sprintf("%s of %s: recorded %s, came %s", d.What, of, d.Recorded, d.Came)
}
