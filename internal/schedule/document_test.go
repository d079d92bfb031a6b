package schedule_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/schedule"
)

// documents are some as they are stored.
var documents = []string{
	`{"version":1,"mark":"a","schedule":{"name":"x","target":{"flow":"f"},"every":"1s","created":"2026-01-01T00:00:00Z","next":"2026-01-01T00:00:01Z","overlap":"skip","missed":"all"}}`,
	`{"version":1,"mark":"a","schedule":{"name":"x","target":{"flow":"f"},"cron":"*/5 2 * * *","time_zone":"Europe/Berlin","created":"2026-01-01T00:00:00Z","next":"2026-01-01T01:00:00Z","overlap":"wait"},"waits":"2026-01-01T01:00:00Z"}`,
	`{"version":1,"mark":"a","schedule":{"name":"x","target":{"flow":"f"},"at":"2026-06-01T00:00:00Z","created":"2026-01-01T00:00:00Z","next":"2026-06-01T00:00:00Z","overlap":"replace"},"running":["a"],"claims":[{"begin":[{"run":"b"}]}]}`,
}

// FuzzDocument reads what an operator may have written by other means: it is refused,
// or moves on beyond the time, and can be read again.
func FuzzDocument(f *testing.F) {
	for _, text := range documents {
		f.Add([]byte(text), int64(1780000000))
	}
	f.Add([]byte(strings.Replace(documents[0], "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", 1)), int64(1780000000))
	f.Fuzz(func(t *testing.T, data []byte, at int64) {
		now := time.Unix(at%4e9, 0)
		after, err := schedule.Advance("x", data, now)
		if err != nil {
			return
		}
		var d struct{ Schedule ops.Schedule }
		if err := json.Unmarshal(after, &d); err != nil {
			t.Fatal(err)
		}
		if next := d.Schedule.Next; !next.IsZero() && !next.After(now) {
			t.Errorf("at %s it is due at %s still", now, next)
		}
		if _, err := schedule.Advance("x", after, now); err != nil {
			t.Errorf("what was written can't be read: %v", err)
		}
	})
}

func TestDocumentsAreChecked(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	for _, text := range documents {
		if _, err := schedule.Advance("x", []byte(text), now); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, test := range []struct{ old, new, want string }{
		{`"every":"1s"`, `"every":"1ns"`, "whole seconds"},
		{`"name":"x"`, `"name":"y"`, `it is of "y"`},
		{`"version":1`, `"version":9`, "version 9"},
		{`"created":"2026`, `"created":"0001`, "stored in 1"},
		{`"mark":"a"`, `"claims":[{}]`, "a claim of it is empty"},
		{`{"version"`, `["version"`, "invalid character"},
	} {
		text := strings.Replace(documents[0], test.old, test.new, 1)
		if _, err := schedule.Advance("x", []byte(text), now); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", text, err, test.want)
		}
	}
}
