package console

import (
	"strconv"
	"strings"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// mark puts faults at their lines: where they say one, as 3:7 or flow.yaml:3:7, also
// at the beginning of their message.
func (v *sourceView) mark(faults []ops.Fault) {
	lines := strings.Split(strings.TrimSuffix(v.Text, "\n"), "\n")
	at := map[int][]string{}
	for _, f := range faults {
		n, ok := lineOf(f.Where)
		if !ok || n > len(lines) {
			v.Others = append(v.Others, f)
			continue
		}
		at[n] = append(at[n], f.Message)
	}
	if len(at) == 0 {
		return
	}
	for i, text := range lines {
		v.Lines = append(v.Lines, sourceLine{i + 1, text, at[i+1]})
	}
}

// lineOf is the line of a place as 3:7 or file:3:7.
func lineOf(where string) (int, bool) {
	parts := strings.Split(where, ":")
	for i, part := range parts {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err == nil && n > 0 && i >= len(parts)-2 {
			return n, true
		}
	}
	return 0, false
}
