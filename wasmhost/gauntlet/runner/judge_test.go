package runner

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet"
)

// bounded is a verdict with bounds.
func bounded(v gauntlet.Verdict) gauntlet.Case {
	v.Admission, v.Wall, v.Growth = time.Second, time.Second, 100<<20
	return gauntlet.Case{Name: "test/case", Verdict: v}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	ended := func(kind string) Report { return Report{Endings: map[string]int{kind: 1}} }
	for name, test := range map[string]struct {
		verdict     gauntlet.Verdict
		report      Report
		wrong, late string
	}{
		"refused":           {gauntlet.Refused("tail"), Report{Refused: "no tail calls"}, "", ""},
		"other reason":      {gauntlet.Refused("tail"), Report{Refused: "not valid"}, "another reason", ""},
		"accepted":          {gauntlet.Refused("tail"), ended(""), "must be refused", ""},
		"must run":          {gauntlet.Contained(), Report{Refused: "not valid"}, "must run", ""},
		"stopped":           {gauntlet.Stopped("timeout"), ended("timeout"), "", ""},
		"other kind":        {gauntlet.Stopped("timeout"), ended("trap"), "want timeout", ""},
		"not stopped":       {gauntlet.Stopped("timeout"), ended(""), "want timeout", ""},
		"contained":         {gauntlet.Contained(), ended(""), "", ""},
		"breached":          {gauntlet.Contained(), ended("error"), "want a result of 0", ""},
		"either":            {gauntlet.Contained().Or(gauntlet.Refused("x")), Report{Refused: "x"}, "", ""},
		"one of two calls":  {gauntlet.Contained(), Report{Endings: map[string]int{"": 1, "trap": 1}}, "1 calls ended with trap", ""},
		"outside":           {gauntlet.Contained(), Report{Endings: map[string]int{"": 1}, Breaches: []string{"x"}}, "breach", ""},
		"broken":            {gauntlet.Contained(), Report{Broken: "x"}, "the host failed", ""},
		"growth":            {gauntlet.Contained(), Report{Growth: 101 << 20}, "grew by 101 MiB", ""},
		"late admission":    {gauntlet.Contained(), Report{Admission: 10 * time.Second}, "", "admission took"},
		"late call":         {gauntlet.Contained(), Report{Wall: 10 * time.Second}, "", "a call took"},
		"late cell":         {gauntlet.Contained(), Report{Waited: 10 * time.Second}, "", "a wait for a cell took"},
		"frozen":            {gauntlet.Contained(), Report{Pulse: 10 * time.Second}, "", "goroutine"},
		"busy machine":      {gauntlet.Contained(), Report{Pulse: time.Second, Machine: 500 * time.Millisecond}, "", ""},
		"shared machine":    {gauntlet.Contained(), Report{Wall: 1500 * time.Millisecond, Others: time.Second}, "", ""},
		"too late for that": {gauntlet.Contained(), Report{Wall: 10 * time.Second, Others: time.Second}, "", "a call took"},
		"afterburn":         {gauntlet.Contained(), Report{Afterburn: time.Second}, "", "the host was busy"},
		"frozen collection": {gauntlet.Contained(), Report{Collection: 10 * time.Second}, "", "garbage"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrong, late := judge(bounded(test.verdict), test.report)
			for _, side := range []struct {
				what, want string
				got        []string
			}{{"wrong", test.wrong, wrong}, {"late", test.late, late}} {
				all := strings.Join(side.got, "; ")
				if (side.want == "") != (all == "") || !strings.Contains(all, side.want) {
					t.Errorf("%s: got %q, want %q", side.what, all, side.want)
				}
			}
		})
	}
}

// TestBreaches does what guests must not be able to do.
func TestBreaches(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mount string
		do    func(g grounds) error
		want  string
	}{
		"nothing":         {gauntlet.MountReadOnly, func(grounds) error { return nil }, ""},
		"write inside":    {gauntlet.MountWritable, func(g grounds) error { return os.WriteFile(filepath.Join(g.data, "new"), nil, 0o600) }, ""},
		"write read-only": {gauntlet.MountReadOnly, func(g grounds) error { return os.WriteFile(filepath.Join(g.data, "new"), nil, 0o600) }, "made outside of the mount: /data/new"},
		"change secret": {gauntlet.MountWritable, func(g grounds) error {
			return os.WriteFile(filepath.Join(g.dir, "outside", "secret"), []byte("x"), 0o600)
		}, "/outside/secret was"},
		"touch secret": {gauntlet.MountWritable, func(g grounds) error {
			return os.Chtimes(filepath.Join(g.dir, "outside", "secret"), time.Unix(1, 0), time.Unix(1, 0))
		}, "/outside/secret was"},
		"remove secret": {gauntlet.MountWritable, func(g grounds) error { return os.Remove(filepath.Join(g.dir, "outside", "secret")) }, "/outside"},
		"beside":        {gauntlet.MountWritable, func(g grounds) error { return os.Mkdir(filepath.Join(g.dir, "beside"), 0o700) }, "made outside"},
		"too much": {gauntlet.MountWritable, func(g grounds) error {
			return os.WriteFile(filepath.Join(g.data, "new"), make([]byte, 2000), 0o600)
		}, "the mount holds 2012 bytes"},
		"sparse":          {gauntlet.MountWritable, func(g grounds) error { return os.Truncate(filepath.Join(g.data, "file"), 1<<40) }, "the mount holds 1099511627782 bytes"},
		"granted request": {"", func(g grounds) error { return get(t, g.server.first.address+"/") }, ""},
		"second request": {"", func(g grounds) error {
			return firstError(get(t, g.server.first.address+"/"), get(t, g.server.first.address+"/"))
		}, "2 requests reached the first server"},
		"redirect": {"", func(g grounds) error { return get(t, g.server.first.address+"/hop") }, "1 requests reached the second server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := gauntlet.Case{Exports: []string{"x"}, Limits: gauntlet.Limits{DiskBytes: 1000}}
			c.Setup = gauntlet.Setup{Mount: test.mount, Server: test.mount == "", ServerHits: 1}
			g, err := prepare(c, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer g.close()
			if err := test.do(g); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(g.breaches(c), "; ")
			if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func get(t *testing.T, address string) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
