package inside_test

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
)

func TestCheckPattern(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a", "*.txt", "a/b", "**", "a/**", "**/b", "a/**/b", "[ab]?", "a b", `\*`, "**/**"} {
		if err := inside.CheckPattern(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"": "empty", "/a": "slash in front", "a/": "empty element", "a//b": "empty element", "..": `".."`, "a/../b": `".."`,
		".": `"."`, "a**": "by itself", "[a": "syntax error",
	} {
		if err := inside.CheckPattern(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", bad, err, want)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern string
		yes, no string // names, separated by spaces
	}{
		{"a", "a", "b a/a"},
		{"*", "a .b", "a/b"},
		{"*.txt", "a.txt .txt", "a.txt/b a/b.txt"},
		{"a/*", "a/b", "a a/b/c b/a"},
		{"**", "a a/b a/b/c", ""},
		{"a/**", "a/b a/b/c", "a b/a ab/c"},
		{"**/a", "a b/a b/c/a", "b a/b"},
		{"a/**/b", "a/b a/c/b a/c/d/b a/b/b", "b a a/c b/b"},
		{"**/a/**", "a/b b/a/c a/a a/a/a", "a b/a"},
		{"**/**", "a a/b", ""},
		{"**/*.txt", "a.txt b/c.txt", "a.txt/b"},
		{"?/[bc]", "a/b a/c", "a/d aa/b"},
	} {
		for name := range strings.FieldsSeq(tt.yes) {
			if !inside.Match(t, tt.pattern, name) {
				t.Errorf("%q is not of %q", name, tt.pattern)
			}
		}
		for name := range strings.FieldsSeq(tt.no) {
			if inside.Match(t, tt.pattern, name) {
				t.Errorf("%q is of %q", name, tt.pattern)
			}
		}
	}
}

// FuzzMatch compares with the plain definition, which takes exponential time.
func FuzzMatch(f *testing.F) {
	f.Add("a/**/b", "a/c/b")
	f.Add("**/**/*", "a/b")
	f.Add("**", "a")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if inside.CheckPattern(pattern) != nil || len(pattern) > 16 || len(name) > 16 || !fs.ValidPath(name) {
			t.Skip()
		}
		want := plain(strings.Split(pattern, "/"), strings.Split(name, "/"))
		if got := inside.Match(t, pattern, name); got != want {
			t.Errorf("%q of %q: got %v, want %v", name, pattern, got, want)
		}
	})
}

func plain(pattern, name []string) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == "**" && len(pattern) == 1:
		return len(name) > 0
	case pattern[0] == "**":
		return plain(pattern[1:], name) || len(name) > 0 && plain(pattern, name[1:])
	case len(name) == 0:
		return false
	}
	ok, _ := path.Match(pattern[0], name[0])
	return ok && plain(pattern[1:], name[1:])
}
