package natsbus

import (
	"errors"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

func TestSchedules(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	s := b.Schedules()
	changed, stop, err := s.Watch()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	first, err := s.Put(t.Context(), "nightly", []byte("one"), 0)
	if err != nil {
		t.Fatal(err)
	}
	<-changed
	if _, err := s.Put(t.Context(), "nightly", []byte("two"), 0); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("another's was written over: %v, want ErrConflict", err)
	}
	second, err := s.Put(t.Context(), "nightly", []byte("two"), first)
	if err != nil {
		t.Fatal(err)
	}
	if data, revision, err := s.Load(t.Context(), "nightly"); err != nil || string(data) != "two" || revision != second {
		t.Errorf("load: %q of revision %d, %v", data, revision, err)
	}
	if _, err := b.PutDocument(t.Context(), "flow", "other", nil, 0); err != nil {
		t.Fatal(err)
	}
	count := 0
	err = s.Each(t.Context(), func(name string, data []byte, revision uint64) {
		count++
		if name != "nightly" || string(data) != "two" || revision != second {
			t.Errorf("each: %q %q of revision %d", name, data, revision)
		}
	})
	if err != nil || count != 1 {
		t.Errorf("each: %d, %v; want the one schedule", count, err)
	}
	if err := s.Remove(t.Context(), "nightly", first); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("remove what has changed: %v, want ErrConflict", err)
	}
	if err := s.Remove(t.Context(), "nightly", second); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Load(t.Context(), "nightly"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("load what is gone: %v, want ErrNotFound", err)
	}
}

// TestSchedulesNow wants the server's time, which here is this process's.
func TestSchedulesNow(t *testing.T) {
	t.Parallel()
	s := sharedBus(t, newNamespace()).Schedules()
	before := time.Now()
	now, err := s.Now(t.Context())
	if after := time.Now(); err != nil || now.Before(before.Round(0)) || now.After(after.Round(0)) {
		t.Errorf("it is %s, %v; want between %s and %s", now, err, before, after)
	}
}
