package natsbus

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// FuzzGist finds in a mark what it says, or nothing.
func FuzzGist(f *testing.F) {
	for _, s := range []string{"", "plain", `q"uote`, `back\slash`, "<&>", "ü\u2028", "\xff", `","status":"x`} {
		f.Add("run", s, "failed")
		f.Add(s, "flow", "failed")
		f.Add("run", "flow", s)
	}
	f.Fuzz(func(t *testing.T, run, flow, status string) {
		data, err := json.Marshal(engine.Mark{Run: run, Flow: flow, Status: engine.Status(status)})
		if err != nil {
			t.Fatal(err)
		}
		e := &kept{data: data}
		m, err := e.mark()
		if err != nil {
			t.Fatal(err)
		}
		gotFlow, gotStatus, ok := gist(data)
		if ok && (string(gotFlow) != m.Flow || string(gotStatus) != string(m.Status)) {
			t.Errorf("of %s it finds %q and %q", data, gotFlow, gotStatus)
		}
		if got, err := tagOf(e); err != nil || got != statusTag(m.Status)|flowTag(m.Flow) || got == 0 {
			t.Errorf("the tag of %s is %x, %v", data, got, err)
		}
		for n := range len(data) {
			gist(data[:n]) // of a part, nothing breaks
		}
	})
}

// TestGistOfUsual: what every mark looks like needs no decoding.
func TestGistOfUsual(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(engine.Mark{Run: "run-1", Flow: "flow", Status: engine.StatusFailed, Started: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if flow, status, ok := gist(data); !ok || string(flow) != "flow" || string(status) != "failed" {
		t.Errorf("of %s it finds %q and %q", data, flow, status)
	}
	for _, other := range []string{`{"flow":"f","run":"r","status":"failed"}`, `{"run":"r", "flow":"f","status":"failed"}`, `{}`, `null`} {
		if _, _, ok := gist([]byte(other)); ok {
			t.Errorf("it makes sense of %s", other)
		}
	}
}
