package secrets_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/secrets"
)

func redactor(values ...string) *secrets.Redactor {
	var all [][]byte
	for _, value := range values {
		all = append(all, []byte(value))
	}
	return secrets.NewRedactor(all)
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		values []string
		text   string
		want   string
	}{
		{"nothing to find", nil, "hunter2", "hunter2"},
		{"nothing found", []string{"hunter2"}, "hunter1 hunter", "hunter1 hunter"},
		{"alone", []string{"hunter2"}, "hunter2", "[redacted]"},
		{"twice", []string{"hunter2"}, "a hunter2 b hunter2 c", "a [redacted] b [redacted] c"},
		{"side by side", []string{"hunter2"}, "hunter2hunter2", "[redacted][redacted]"},
		{"the longer one", []string{"hunter", "hunter22"}, "hunter22 hunter2", "[redacted] [redacted]2"},
		{"overlapping", []string{"abcdef", "efghij"}, "-abcdefghij-", "-[redacted]-"},
		{"with itself", []string{"abab"}, "xababab", "x[redacted]"},
		{"one within another", []string{"abcdefgh", "cdef"}, "abcdefgh abcdef", "[redacted] ab[redacted]"},
		{"four bytes", []string{"abcd"}, "abcd", "[redacted]"},
		{"fewer than four", []string{"abc", ""}, "abc", "abc"},
		{"at the end, cut off", []string{"hunter2"}, "x hunter", "x hunter"},
		{"binary", []string{"\x00\x01\xfe\xff"}, "a\x00\x01\xfe\xffb", "a[redacted]b"},
		{"a line of several", []string{"first line of all\nsecond line of all\nshort"}, "second line of all, short", "[redacted], short"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := redactor(test.values...).Redact(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// awkward is a value that every way of writing it changes.
const awkward = "p&ss /w+rd?=\"<é>\"\n\\%~!*'()"

// written are ways to write a value as part of a text, as programs do.
func written(value string) map[string]string {
	quoted := func(text string) string {
		data, _ := json.Marshal(text)
		return string(data)
	}
	ways := map[string]string{
		"plain":           value,
		"base64":          base64.StdEncoding.EncodeToString([]byte(value)),
		"base64 raw":      base64.RawStdEncoding.EncodeToString([]byte(value)),
		"base64 URL":      base64.URLEncoding.EncodeToString([]byte(value)),
		"base64 raw URL":  base64.RawURLEncoding.EncodeToString([]byte(value)),
		"hex":             hex.EncodeToString([]byte(value)),
		"HEX":             fmt.Sprintf("%X", value),
		"query":           url.QueryEscape(value),
		"query, lower":    strings.ToLower(url.QueryEscape(strings.ToLower(value))),
		"path":            url.PathEscape(value),
		"JSON":            quoted(value),
		"JSON in JSON":    quoted(quoted(value)),
		"Go":              fmt.Sprintf("%q", value),
		"Go ASCII":        fmt.Sprintf("%+q", value),
		"in UTF-8":        strings.ToValidUTF8(value, "\uFFFD"),
		"runes":           string([]rune(value)),
		"percent for all": fmt.Sprintf("%%%s", strings.ReplaceAll(strings.TrimSpace(fmt.Sprintf("% x", value)), " ", "%")),
	}
	if value != strings.ToLower(value) {
		delete(ways, "query, lower")
	}
	for before := range 4 {
		for after := range 3 {
			text := strings.Repeat("<", before) + value + strings.Repeat(">", after)
			ways[fmt.Sprintf("base64 amid %d and %d", before, after)] = base64.StdEncoding.EncodeToString([]byte(text))
		}
	}
	return ways
}

func TestRedactForms(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"hunter2", "wxyz", awkward, strings.Repeat(awkward, 20)} {
		r := redactor(value)
		for way, text := range written(value) {
			line := "key=" + text + "&x"
			got := r.Redact(line)
			if !strings.Contains(got, secrets.Mark) || !r.Contains([]byte(line)) {
				t.Errorf("%s of %.20q: got %q, want it redacted", way, value, got)
			}
			// Of an encoding of more than the value, some characters stay.
			if bare := strings.ReplaceAll(got, secrets.Mark, ""); len(bare) > len(`key=""""\\&x`)+12 {
				t.Errorf("%s of %.20q: got %q, want all of it redacted", way, value, got)
			}
		}
	}
}

// TestRedactComponent has what JavaScript makes of it, which Go has no function for.
func TestRedactComponent(t *testing.T) {
	t.Parallel()
	const component = `p%26ss%20%2Fw%2Brd%3F%3D%22%3C%C3%A9%3E%22%0A%5C%25~!*'()`
	if got := redactor(awkward).Redact("?" + component + "#"); got != "?[redacted]#" {
		t.Errorf("got %q", got)
	}
}

func TestRedactLong(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprint(&b, i, " ")
	}
	value := b.String()
	r := redactor(value)
	for name, test := range map[string][2]string{
		"whole":           {"<" + value + ">", "<[redacted]>"},
		"cut off":         {"<" + value[:300], "<[redacted]"},
		"leaves the text": {"<" + value[:5000] + "><", "<[redacted]><"},
		"too little":      {"<" + value[:255], "<" + value[:255]},
	} {
		if got := r.Redact(test[0]); got != test[1] {
			t.Errorf("%s: got %.100q, want %.100q", name, got, test[1])
		}
	}
	if !r.Contains([]byte(value[:256])) || r.Contains([]byte(value[:255])) {
		t.Error("want the first 256 bytes of a long value found, and no fewer")
	}
}

// TestContainsNoLines has a result hold what many values share.
func TestContainsNoLines(t *testing.T) {
	t.Parallel()
	r := redactor("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n")
	const line = "want -----BEGIN PRIVATE KEY-----"
	if r.Contains([]byte(line)) {
		t.Error("a line of a value is taken for the value")
	}
	if got, want := r.Redact(line), "want [redacted]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzRedact wants no value to survive, in any way to write it, and nothing to be
// taken out where there is none.
func FuzzRedact(f *testing.F) {
	f.Add("hunter2", "hunter", "user ", " said")
	f.Add("abab", "baba", "ab", "ab")
	f.Add(awkward, "%7E", "=", "&")
	f.Add("\xff\xfeabcd\x80", "aaaa", "\xff", "a")
	f.Add(strings.Repeat("ab", 200), "ba", "a", strings.Repeat("b", 300))
	f.Add("[redacted]", "dact", "[", "]")
	f.Add("line one is long enough\nline two is long, too", "ne\n", "\n", "x")
	f.Fuzz(func(t *testing.T, a, b, before, after string) {
		r := redactor(a, b)
		for _, value := range []string{a, b} {
			if len(value) < secrets.MinRedacted {
				continue
			}
			for way, text := range written(value) {
				if len(text) < secrets.MinRedacted || strings.Contains(way, "UTF-8") || way == "runes" {
					continue // hardly anything may be left of it
				}
				if !r.Contains([]byte(before + text + after)) {
					t.Fatalf("%s of %q is not found in %q", way, value, before+text+after)
				}
				check(t, r, before+text+after, a, b)
			}
		}
		check(t, r, before+after+before, a, b)
	})
}

// check looks for values in what is left of a text between the marks.
func check(t *testing.T, r *secrets.Redactor, text string, values ...string) {
	t.Helper()
	got := r.Redact(text)
	if r.Contains([]byte(text)) && got == text && text != secrets.Mark {
		if !strings.Contains(text, secrets.Mark) {
			t.Fatalf("%q contains a value and is not redacted", text)
		}
	}
	// What is left are pieces of the text, in order.
	rest := text
	for _, piece := range strings.Split(got, secrets.Mark) {
		_, behind, found := strings.Cut(rest, piece)
		if !found {
			t.Fatalf("%q became %q, of which %q was not in it", text, got, piece)
		}
		rest = behind
		for _, value := range values {
			if len(value) < secrets.MinRedacted {
				continue
			}
			for _, form := range secrets.FormsOf([]byte(value)) {
				if strings.Contains(piece, string(form)) {
					t.Fatalf("%q became %q: %q survives, a form of %q", text, got, form, value)
				}
			}
		}
	}
}

func BenchmarkRedact(b *testing.B) {
	log := strings.Repeat("2026-01-02T03:04:05Z INFO fetched https://example.com/a?page=7 in 35 ms\n", 15_000)
	periodic := strings.Repeat("a", 1<<20)
	for _, bench := range []struct {
		name   string
		values []string
		text   string
	}{
		{"line/1 value", []string{"hunter2-hunter2"}, log[:72]},
		{"1MiB/1 value", []string{"hunter2-hunter2"}, log},
		{"1MiB/100 values", many(100), log},
		{"1MiB/found 15000 times", []string{"example.com"}, log},
		{"1MiB/1MiB value", []string{log[:1<<20-1] + "x"}, log},
		{"1MiB/worst", []string{periodic[:255] + "b", periodic[:250] + "c", periodic[:1<<19] + "d"}, periodic},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := redactor(bench.values...)
			b.SetBytes(int64(len(bench.text)))
			for b.Loop() {
				_ = r.Redact(bench.text)
			}
		})
	}
}

func BenchmarkNewRedactor(b *testing.B) {
	for _, size := range []int{32, 1 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			value := strings.Repeat("x\n", size/2)
			for b.Loop() {
				_ = redactor(value)
			}
		})
	}
}

func many(n int) []string {
	var values []string
	for i := range n {
		values = append(values, fmt.Sprintf("%d-value-of-a-secret-%d", i*7919, i))
	}
	return values
}
