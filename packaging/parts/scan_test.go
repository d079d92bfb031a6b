package parts_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/packaging/parts"
)

// vulnDB makes a database in the layout of vuln.go.dev (version 1) with one entry: a
// symbol of filippo.io/age that is vulnerable in all versions.
func vulnDB(tb testing.TB, symbol string) string {
	tb.Helper()
	const id, when = "GO-2026-0001", "2026-01-01T00:00:00Z"
	encode := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			tb.Fatal(err)
		}
		return string(raw)
	}
	type object = map[string]any
	dir := tb.TempDir()
	write(tb, dir, map[string]string{
		"index/db.json":      encode(object{"modified": when}),
		"index/modules.json": encode([]object{{"path": "filippo.io/age", "vulns": []object{{"id": id, "modified": when}}}}),
		"index/vulns.json":   encode([]object{{"id": id, "modified": when}}),
		"ID/" + id + ".json": encode(object{
			"schema_version": "1.3.1", "id": id, "modified": when, "published": when, "summary": "Made up for a test.",
			"database_specific": object{"url": "https://pkg.go.dev/vuln/" + id},
			"affected": []object{{
				"package":            object{"name": "filippo.io/age", "ecosystem": "Go"},
				"ranges":             []object{{"type": "SEMVER", "events": []object{{"introduced": "0"}}}},
				"ecosystem_specific": object{"imports": []object{{"path": "filippo.io/age", "symbols": []string{symbol}}}},
			}},
		}),
	})
	return "file://" + filepath.ToSlash(dir)
}

// TestScan looks at our own code, which seals secrets with filippo.io/age: it encrypts,
// and never takes a header alone.
func TestScan(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, symbol string
		want         error
		says         string
	}{
		{"called", "Encrypt", parts.ErrVulnerable, "GO-2026-0001"},
		{"not called", "DecryptHeader", nil, "your code doesn't appear to call"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := parts.Scan(t.Context(), &out, vulnDB(t, test.symbol), checkout, "./internal/secrets")
			if !errors.Is(err, test.want) || !strings.Contains(out.String(), test.says) {
				t.Errorf("got %v, and:\n%s", err, out.String())
			}
		})
	}
	if err := parts.Scan(t.Context(), &bytes.Buffer{}, vulnDB(t, "Encrypt"), checkout, "./no-such-package"); err == nil || errors.Is(err, parts.ErrVulnerable) {
		t.Errorf("got %v for a package that is not there", err)
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	db := vulnDB(t, "Encrypt")
	at := httptest.NewServer(http.FileServer(http.Dir(strings.TrimPrefix(db, "file://"))))
	t.Cleanup(at.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, there := range []string{db, at.URL, at.URL + "/"} {
		if err := parts.Reach(t.Context(), there); err != nil {
			t.Error(err)
		}
	}
	for _, absent := range []string{"file://" + t.TempDir(), gone.URL, at.URL + "/elsewhere"} {
		var not *parts.NotCheckedError
		if err := parts.Reach(t.Context(), absent); !errors.As(err, &not) || !strings.Contains(err.Error(), "NOT CHECKED") {
			t.Errorf("%s: got %v", absent, err)
		}
	}
}
