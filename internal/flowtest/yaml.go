package flowtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// pair is a key of a mapping that is written in the order given.
type pair struct {
	key   string
	value any // JSON, a []pair, or anything that is encoded as JSON
}

// lineWidth is up to where a value is written on one line.
const lineWidth = 100

// writeYAML writes a mapping, each key on a line.
func writeYAML(b *strings.Builder, indent int, pairs []pair) {
	for _, p := range pairs {
		b.WriteString(strings.Repeat(" ", indent) + yamlKey(p.key) + ":")
		writeValue(b, indent, len(p.key)+2, p.value)
	}
}

// writeValue writes what comes after a key's colon: on the line if it is short, else
// below.
func writeValue(b *strings.Builder, indent, used int, v any) {
	if raw, ok := v.(json.RawMessage); ok {
		v = decode(raw)
	}
	if text, ok := v.(string); ok && isLiteral(text) {
		writeLiteral(b, indent, text)
		return
	}
	line, fits := onLine(v)
	if fits && indent+used+len(line) <= lineWidth {
		b.WriteString(" " + line + "\n")
		return
	}
	switch v := v.(type) {
	case []pair:
		b.WriteByte('\n')
		writeYAML(b, indent+2, v)
	case map[string]any:
		b.WriteByte('\n')
		writeYAML(b, indent+2, sortedPairs(v))
	case []any:
		b.WriteByte('\n')
		for _, item := range v {
			b.WriteString(strings.Repeat(" ", indent+2) + "-")
			writeValue(b, indent+2, 2, item)
		}
	case []string:
		all := make([]any, len(v))
		for i := range v {
			all[i] = v[i]
		}
		writeValue(b, indent, lineWidth, all)
	default:
		b.WriteString(" " + line + "\n")
	}
}

func sortedPairs(m map[string]any) []pair {
	pairs := make([]pair, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		pairs = append(pairs, pair{key, m[key]})
	}
	return pairs
}

// onLine is a value in one line; it does not fit if a text in it has several lines.
func onLine(v any) (line string, fits bool) {
	join := func(open string, n int, part func(int) (string, bool), end string) (string, bool) {
		all := make([]string, n)
		for i := range all {
			if all[i], fits = part(i); !fits {
				return "", false
			}
		}
		return open + strings.Join(all, ", ") + end, true
	}
	switch v := v.(type) {
	case []pair:
		return join("{", len(v), func(i int) (string, bool) {
			text, ok := onLine(v[i].value)
			return yamlKey(v[i].key) + ": " + text, ok
		}, "}")
	case map[string]any:
		return onLine(sortedPairs(v))
	case []any:
		return join("[", len(v), func(i int) (string, bool) { return onLine(v[i]) }, "]")
	case []string:
		return join("[", len(v), func(i int) (string, bool) { return onLine(v[i]) }, "]")
	case json.RawMessage:
		return onLine(decode(v))
	case string:
		return yamlText(v), !isLiteral(v)
	}
	return quoted(v), true
}

// plain is text that means itself without quotes, in braces too.
var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_/.-]*( [A-Za-z0-9_/.-]+)*$`)

// words are plain texts that mean something else, to YAML 1.1 or 1.2.
var words = regexp.MustCompile(`(?i)^(true|false|null|yes|no|on|off)$`)

func yamlText(s string) string {
	if plain.MatchString(s) && !words.MatchString(s) {
		return s
	}
	return quoted(s)
}

func yamlKey(s string) string { return yamlText(s) }

func quoted(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprintf("%q", fmt.Sprint(v)) // plain data always encodes
	}
	return strings.TrimRight(b.String(), "\n")
}

// isLiteral tells text of several lines that a block can have as it is.
func isLiteral(s string) bool {
	body := strings.TrimSuffix(s, "\n")
	if !strings.Contains(s, "\n") || body == "" || strings.HasSuffix(body, "\n") || strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") {
		return false
	}
	for line := range strings.SplitSeq(body, "\n") {
		if strings.TrimRight(line, " \t") != line {
			return false
		}
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '\n' && (r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff)
	})
}

func writeLiteral(b *strings.Builder, indent int, text string) {
	b.WriteString(" |")
	if !strings.HasSuffix(text, "\n") {
		b.WriteByte('-')
	}
	b.WriteByte('\n')
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if line != "" {
			line = strings.Repeat(" ", indent+2) + line
		}
		b.WriteString(line + "\n")
	}
}
