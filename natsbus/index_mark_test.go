package natsbus

import (
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// A mark of an owner that is late does not replace what its successor has told.
func TestMarkLate(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	for _, test := range []struct {
		mark engine.Mark
		want engine.Status
	}{
		{engine.Mark{Seq: 10, Status: engine.StatusRunning}, engine.StatusRunning},
		{engine.Mark{Seq: 20, Status: engine.StatusSucceeded, Ended: time.Now()}, engine.StatusSucceeded},
		{engine.Mark{Seq: 15, Status: engine.StatusRunning}, engine.StatusSucceeded},
		{engine.Mark{Seq: 20, Status: engine.StatusSucceeded, Ended: time.Now(), Tasks: 1}, engine.StatusSucceeded},
		{engine.Mark{Seq: 30, Status: engine.StatusRunning}, engine.StatusRunning}, // it was retried
		{engine.Mark{Status: engine.StatusFailed}, engine.StatusFailed},            // as of when is not known
	} {
		test.mark.Run = "r"
		if err := b.mark(t.Context(), test.mark); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Run(t.Context(), "r"); err != nil || got.Status != test.want {
			t.Errorf("after %+v it is listed as %+v, %v; want %s", test.mark, got, err, test.want)
		}
	}
}
