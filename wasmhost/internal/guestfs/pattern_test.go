package guestfs

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestPatternMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern  string
		yes, not []string
	}{
		{"/out/a.csv", []string{"/out/a.csv"}, []string{"/out/A.csv", "/out/a.csv/b", "/out", "out/a.csv", "", "/"}},
		{"/out/*.csv", []string{"/out/a.csv", "/out/.csv", "/out/a.csv.csv"}, []string{"/out/a.txt", "/out/d/a.csv"}},
		{"/out/*", []string{"/out/a", "/out/.hidden"}, []string{"/out", "/out/d/a", "/output/a"}},
		{"/o?t/?", []string{"/out/ß", "/o*t/人"}, []string{"/out/", "/out/ab", "/o/t/a"}},
		{"/out/**", []string{"/out/a", "/out/d/e/f"}, []string{"/out", "/output/a", "/in/out/a"}},
		{"/**", []string{"/a", "/a/b/c"}, []string{"", "a"}},
		{"/**/*.go", []string{"/a.go", "/a/b/c.go"}, []string{"/a.go/b"}},
		{"/a/**/b/**/c", []string{"/a/b/c", "/a/x/b/b/c/c", "/a/b/c/b/c"}, []string{"/a/c", "/a/b/c/d", "/b/c"}},
		{"/**/a*b*c/**/?", []string{"/a--b--c/x", "/p/abc/q/r"}, []string{"/abc", "/ab/c"}},
		{`/[a]/{b}/\*`, []string{`/[a]/{b}/\x`}, []string{"/a/b/x", "/[a]/{b}/x"}},
	} {
		p, err := ParsePattern(c.pattern)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, path := range c.yes {
			if !p.Match(path) {
				t.Errorf("%q does not match %q", c.pattern, path)
			}
		}
		for _, path := range c.not {
			if p.Match(path) {
				t.Errorf("%q matches %q", c.pattern, path)
			}
		}
	}
	if (Pattern{}).Match("/") {
		t.Error("no pattern matches the root")
	}
}

func TestPatternsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "out/*", "/", "//", "/out/", "/out//a", "/out/./a", "/out/../a", "/a\x00", "/\xff", "/out/**.csv", "/a**/b",
		"/***", "/" + strings.Repeat("x", 4095),
	} {
		if _, err := ParsePattern(text); err == nil {
			t.Errorf("%q is a pattern", text)
		} else if !strings.HasPrefix(err.Error(), "pattern \"") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A pattern that would take exponential time by plain search.
func TestPatternTakesItsTime(t *testing.T) {
	t.Parallel()
	deep, err := ParsePattern("/" + strings.Repeat("**/a/", 300) + "b")
	if err != nil {
		t.Fatal(err)
	}
	wide, err := ParsePattern("/" + strings.Repeat("*a", 120) + "b")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if deep.Match("/"+strings.Repeat("a/", 2000)+"c") || wide.Match("/"+strings.Repeat("a", 4000)) {
		t.Error("matched")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// expression is what a pattern means, as a regular expression.
func expression(pattern string) *regexp.Regexp {
	var b strings.Builder
	names := strings.Split(pattern[1:], "/")
	for i, name := range names {
		switch {
		case name == "**" && i == len(names)-1:
			b.WriteString("(/[^/]*)+")
			continue
		case name == "**":
			b.WriteString("(/[^/]*)*")
			continue
		}
		b.WriteString("/")
		for _, c := range name {
			switch c {
			case '*':
				b.WriteString("[^/]*")
			case '?':
				b.WriteString("[^/]")
			default:
				b.WriteString(regexp.QuoteMeta(string(c)))
			}
		}
	}
	return regexp.MustCompile(`(?s)^` + b.String() + `$`)
}

func FuzzPattern(f *testing.F) {
	for _, pattern := range []string{"/out/**", "/**/a*b?/c", "/*a*b", "/a/**/b/**/c", "/?*?", "/["} {
		for _, path := range []string{"/out/d/a", "/x/a-bc/c", "/aab", "/a/x/b/b/c/c", "/ß", "/a/b\n"} {
			f.Add(pattern, path)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		p, err := ParsePattern(pattern)
		if err != nil || len(pattern) > 200 {
			return
		}
		if _, e := locate(strings.TrimPrefix(path, "/")); e != OK { // no tree has such files
			return
		}
		if got, want := p.Match(path), expression(pattern).MatchString(path); got != want {
			t.Errorf("%q matches %q: got %v, want %v", pattern, path, got, want)
		}
	})
}
