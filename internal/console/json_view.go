package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
)

// Bounds of JSON in a page, in bytes and lines.
const (
	foldBytes = 1200
	foldLines = 18
	cutBytes  = 96 << 10
)

// jsonView is a JSON value as a page shows it.
type jsonView struct {
	None bool          // there is no value
	Text template.HTML // indented, with its words marked
	Fold bool          // large: folded at first
	Cut  bool          // too large for a page
	What string        // in short: object of 3, 1.2 KiB
	Raw  string        // where it can be had as it is; "" is nowhere
}

// newJSON shows a value; raw is where it can be had as it is.
func newJSON(value json.RawMessage, raw string) jsonView {
	if len(value) == 0 {
		return jsonView{None: true}
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, value, "", "  "); err != nil { // of what is stored nothing is lost
		indented.Reset()
		indented.Write(value)
	}
	text := indented.String()
	v := jsonView{Raw: raw, What: kindOf(value) + ", " + bytesText(int64(len(value)))}
	v.Fold = len(text) > foldBytes || strings.Count(text, "\n") > foldLines
	if len(text) > cutBytes {
		text, v.Cut = strings.ToValidUTF8(text[:cutBytes], ""), true
	}
	v.Text = marked(text)
	return v
}

// kindOf says what a JSON value is.
func kindOf(value json.RawMessage) string {
	switch bytes.TrimSpace(value)[0] {
	case '{':
		var object map[string]json.RawMessage
		if json.Unmarshal(value, &object) == nil {
			return plural(len(object), "key", "keys")
		}
	case '[':
		var list []json.RawMessage
		if json.Unmarshal(value, &list) == nil {
			return plural(len(list), "item", "items")
		}
	case '"':
		return "text"
	}
	return "value"
}

// marked is JSON as HTML, with spans around keys, texts, numbers and words. All that
// is not one of its own tags is escaped.
func marked(text string) template.HTML {
	var b strings.Builder
	for len(text) > 0 {
		n, class := token(text)
		if class == "" {
			b.WriteString(template.HTMLEscapeString(text[:n]))
		} else {
			fmt.Fprintf(&b, `<span class="%s">%s</span>`, class, template.HTMLEscapeString(text[:n]))
		}
		text = text[n:]
	}
	return template.HTML(b.String()) //nolint:gosec // escaped above
}

// token is the length of the first token of JSON, and its class.
func token(text string) (n int, class string) {
	switch c := text[0]; {
	case c == '"':
		for n = 1; n < len(text) && text[n] != '"'; n++ {
			if text[n] == '\\' {
				n++
			}
		}
		n = min(n+1, len(text))
		if strings.HasPrefix(text[n:], ":") {
			return n, "k"
		}
		return n, "s"
	case c == '-' || c >= '0' && c <= '9':
		return len(text) - len(strings.TrimLeft(text, "0123456789+-.eE")), "n"
	case c >= 'a' && c <= 'z':
		return len(text) - len(strings.TrimLeft(text, "abcdefghijklmnopqrstuvwxyz")), "w"
	}
	if n = strings.IndexFunc(text[1:], func(r rune) bool { return r == '"' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' }); n < 0 {
		return len(text), ""
	}
	return n + 1, ""
}
