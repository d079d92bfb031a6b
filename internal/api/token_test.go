package api_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/ops"
)

func read(tb testing.TB, lines ...string) *api.Tokens {
	tb.Helper()
	all, err := api.ReadTokens(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestTokens(t *testing.T) {
	t.Parallel()
	ada, bob := api.DrawToken(), api.DrawToken()
	if ada == bob || !strings.HasPrefix(ada, "gw_") || len(ada) != len("gw_")+43 {
		t.Fatalf("drawn: %q, %q", ada, bob)
	}
	all := read(t, "# people", "", "  "+api.TokenLine(ops.RoleViewer, ada, "ada"), api.TokenLine(ops.RoleOperator, bob, "bob")+"\r")
	for token, want := range map[string]string{ada: "viewer ada", bob: "operator bob", "": "", ada + " ": "", ada[:10]: "", strings.Repeat("x", 10_000): ""} {
		role, name, ok := all.Authenticate(token)
		if got := strings.TrimSpace(string(role) + " " + name); got != want || ok != (want != "") {
			t.Errorf("%.60q: got %q %v, want %q", token, got, ok, want)
		}
	}
	all.Replace(read(t, api.TokenLine(ops.RoleSubmitter, bob, "bob")))
	if _, _, ok := all.Authenticate(ada); ok {
		t.Error("a token that was taken away is accepted")
	}
	if role, _, _ := all.Authenticate(bob); role != ops.RoleSubmitter {
		t.Errorf("got %s, want the new role", role)
	}
}

func TestTokensRefuse(t *testing.T) {
	t.Parallel()
	one, two := api.TokenLine(ops.RoleViewer, "one", "a"), api.TokenLine(ops.RoleViewer, "two", "b")
	for text, want := range map[string]string{
		"viewer " + api.DrawToken():                                 "line 1",
		one + "\n\nroot " + strings.Repeat("0", 64) + " x":          "line 3",
		"viewer " + strings.Repeat("0", 62) + " x":                  "64 hexadecimal",
		"viewer " + strings.Repeat("0", 66) + " x":                  "64 hexadecimal",
		"viewer " + strings.Repeat("g", 64) + " x":                  "64 hexadecimal",
		one + "\n" + api.TokenLine(ops.RoleViewer, "two", "a"):      `"a" is another`,
		two + "\n" + api.TokenLine(ops.RoleOperator, "two", "c"):    "the same token",
		api.TokenLine(ops.RoleViewer, "x", strings.Repeat("n", 65)): "name",
		api.TokenLine(ops.RoleViewer, "x", "a\x1b[2J"):              "name",
	} {
		if _, err := api.ReadTokens(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", text, err, want)
		} else if strings.Contains(err.Error(), "gw_") {
			t.Errorf("%q: the error repeats a token: %v", text, err)
		}
	}
}

// TestAuthenticateTakesAsLong compares the time that the first of many tokens takes
// with that of the last, and of none: who stopped at the one would be found out.
func TestAuthenticateTakesAsLong(t *testing.T) { //nolint:paralleltest // it takes times
	const n = 5000
	var lines []string
	tokens := make([]string, n)
	for i := range tokens {
		tokens[i] = api.DrawToken()
		lines = append(lines, api.TokenLine(ops.RoleViewer, tokens[i], tokens[i][3:20]))
	}
	all := read(t, lines...)
	takes := func(token string) time.Duration { // the least of many is what nothing disturbed
		var times []time.Duration
		for range 200 {
			began := time.Now()
			all.Authenticate(token)
			times = append(times, time.Since(began))
		}
		return slices.Min(times)
	}
	first, last, none := takes(tokens[0]), takes(tokens[n-1]), takes(api.DrawToken())
	t.Logf("the first takes %v, the last %v, none %v", first, last, none)
	if first*2 < last || first*2 < none || last*2 < none || none*2 < last {
		t.Errorf("the first takes %v, the last %v, none %v", first, last, none)
	}
}

func TestOpenTokens(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "tokens")
	all, err := api.OpenTokens(dir)
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[ops.Role]string{}
	for _, role := range ops.Roles() {
		file := filepath.Join(dir, string(role)+".token")
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("%s has the mode %o", file, mode)
		}
		drawn[role] = strings.TrimSpace(string(raw))
		if got, name, ok := all.Authenticate(drawn[role]); got != role || name != string(role) || !ok {
			t.Errorf("the token of a %s is that of a %s named %q", role, got, name)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("list", "# more\n"+api.TokenLine(ops.RoleViewer, "of ada", "ada")+"\n")
	if all, err = api.OpenTokens(dir); err != nil {
		t.Fatal(err)
	}
	if _, name, _ := all.Authenticate("of ada"); name != "ada" {
		t.Errorf("the list's token is %q", name)
	}
	if _, _, ok := all.Authenticate(drawn[ops.RoleOperator]); !ok {
		t.Error("the operator's token was drawn anew")
	}
	write("list", "nonsense")
	if _, err := api.OpenTokens(dir); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a bad list: %v", err)
	}
	write("list", "")
	write("viewer.token", "short")
	if _, err := api.OpenTokens(dir); err == nil || !strings.Contains(err.Error(), "viewer.token") {
		t.Errorf("a bad token: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func FuzzReadTokens(f *testing.F) {
	f.Add("viewer "+strings.Repeat("0", 64)+" ada\n# x\n\noperator "+strings.Repeat("aF", 32)+" bob", "x")
	f.Add(api.TokenLine(ops.RoleViewer, "token", "ada"), "token")
	f.Fuzz(func(t *testing.T, text, token string) {
		all, err := api.ReadTokens(strings.NewReader(text))
		if err != nil {
			return
		}
		role, name, ok := all.Authenticate(token)
		if line := api.TokenLine(role, token, name); ok && !strings.Contains(strings.ToLower(text), strings.Fields(line)[1]) {
			t.Errorf("%q is accepted as %s %q by %q", token, role, name, text)
		}
	})
}
