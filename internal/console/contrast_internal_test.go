package console

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var variable = regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`)

// colors are the variables of a block of the style sheet, as relative luminances.
func colors(t *testing.T, css string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for _, found := range variable.FindAllStringSubmatch(css, -1) {
		n, err := strconv.ParseUint(found[2], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		channel := func(shift uint) float64 {
			c := float64(n>>shift&0xff) / 255
			if c <= 0.04045 {
				return c / 12.92
			}
			return math.Pow((c+0.055)/1.055, 2.4)
		}
		all[found[1]] = 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
	}
	return all
}

// TestContrast wants text to be readable on what it is on, light and dark: a ratio of
// 4.5 at least, as WCAG 2.2 has it for AA.
func TestContrast(t *testing.T) {
	t.Parallel()
	data, err := files.ReadFile("static/console.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(string(data), "prefers-color-scheme: dark")
	for scheme, all := range map[string]map[string]float64{"light": colors(t, light), "dark": colors(t, dark)} {
		for _, pair := range []string{
			"ink paper", "ink sunk", "ink raised", "soft paper", "soft sunk", "soft raised", "faint paper", "faint sunk", "faint raised", "soft warn-wash", "soft bad-wash",
			"accent paper", "accent sunk", "accent raised", "accent accent-wash", "accent warn-wash", "accent-ink accent", "ok paper", "ok ok-wash", "ok sunk", "bad paper", "bad bad-wash", "bad sunk",
			"warn paper", "warn warn-wash", "warn sunk", "run paper", "run sunk", "mute paper", "mute raised", "mute sunk", "mute mute-wash", "key sunk", "str sunk", "num sunk",
		} {
			over, under, _ := strings.Cut(pair, " ")
			a, hasOver := all[over]
			b, hasUnder := all[under]
			if !hasOver || !hasUnder {
				t.Fatalf("%s: no color of %s", scheme, pair)
			}
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want 4.5", scheme, over, under, ratio)
			}
		}
	}
}
