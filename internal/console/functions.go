package console

import (
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

// functions are what templates may call.
var functions = template.FuncMap{
	"asset":     func(name string) string { return assets()[name] },
	"path":      pathTo,
	"query":     query,
	"bytes":     bytesText,
	"count":     func(n any) string { return grouped(fmt.Sprint(n)) },
	"duration":  durationText,
	"seconds":   func(s float64) string { return durationText(time.Duration(s * float64(time.Second))) },
	"stamp":     stampText,
	"machine":   func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	"status":    statusText,
	"icon":      iconOf,
	"json":      newJSON,
	"short":     shortText,
	"digest":    shortDigest,
	"join":      func(all []string) string { return strings.Join(all, ", ") },
	"plural":    plural,
	"dict":      dict,
	"moduleRef": refOf,
	"timespan":  func(d engine.Duration) string { return durationShort(time.Duration(d)) },
	"since":     func(t time.Time) string { return durationText(time.Since(t)) },
	"seq":       func(n uint64) string { return strconv.FormatUint(n, 10) },
}

// pathTo is the path of a page: segments are escaped, so that a name with a slash is one.
func pathTo(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}

// query is the query of an address, of names and values.
func query(pairs ...string) (string, error) {
	if len(pairs)%2 != 0 {
		return "", fmt.Errorf("query: a name without a value in %q", pairs)
	}
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		sep := byte('&')
		if i == 0 {
			sep = '?'
		}
		b.WriteByte(sep)
		b.WriteString(url.QueryEscape(pairs[i]) + "=" + url.QueryEscape(pairs[i+1]))
	}
	return b.String(), nil
}

// dict is a map of names and values, for templates within templates.
func dict(pairs ...any) (map[string]any, error) {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// bytesText is a size as people read it: 1.5 MiB.
func bytesText(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, unit := float64(n), -1
	for value >= 1024 && unit < 4 {
		value /= 1024
		unit++
	}
	if value >= 100 {
		return fmt.Sprintf("%.0f %ciB", value, "KMGTP"[unit])
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTP"[unit])
}

// countText is a number with its digits grouped.
func countText(n int) string { return grouped(strconv.Itoa(n)) }

func grouped(text string) string {
	var b strings.Builder
	for i, digit := range text {
		if left := len(text) - i; i > 0 && left%3 == 0 && text[i-1] != '-' {
			b.WriteRune('\u202f') // a narrow space that no line breaks at
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// durationText is a duration with about three digits.
func durationText(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + " µs"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// stampText is a time as the server tells it; the script tells it in the time zone of
// the browser.
func stampText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// statusText is a status in words.
func statusText(s engine.Status) string {
	switch s {
	case "":
		return "unknown"
	case statusWaiting:
		return "waiting"
	case statusCalling:
		return "calling tasks"
	}
	return string(s)
}

// iconOf is the symbol of a status: color alone tells nothing.
func iconOf(s engine.Status) string {
	switch s {
	case engine.StatusSucceeded, engine.StatusFailed, engine.StatusRunning, engine.StatusRetrying, engine.StatusPaused, engine.StatusCanceled, engine.StatusSkipped:
		return string(s)
	case control.StatusInterrupted, control.StatusUnreadable:
		return "interrupted"
	}
	return "pending"
}

// shortText is the beginning of a text, on one line.
func shortText(n int, text string) string {
	text = strings.Join(strings.Fields(text), " ")
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n-1]) + "…"
}

// shortDigest is enough of a digest to tell it from others.
func shortDigest(d string) string {
	if hash, ok := strings.CutPrefix(d, "sha256:"); ok && len(hash) > 12 {
		return hash[:12]
	}
	return d
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return countText(n) + " " + many
}
