package control

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// TestFeedTellsStarts wants each attempt's start told once, whatever is heard of it
// first, and nothing of what is skipped.
func TestFeedTellsStarts(t *testing.T) {
	t.Parallel()
	var got []string
	f := NewFeed(func(n engine.Notice, added bool) {
		text := fmt.Sprintf("%d %s %s %d", n.Seq, n.Type, n.Activation, n.Attempt)
		if added {
			text = "added " + text
		}
		got = append(got, text)
	})
	f.Skip(2)
	began := time.Now()
	for _, n := range []engine.Notice{
		{Seq: 1, Type: engine.NoticeRunStarted},
		{Seq: 2, Type: engine.NoticeTaskSucceeded, Activation: "past", Attempt: 1, Started: began},
		{Seq: 3, Type: engine.NoticeTaskReady, Activation: "a", Attempt: 1},
		{Type: engine.NoticeTaskLog, Activation: "a", Attempt: 1, Time: began},
		{Seq: 4, Type: engine.NoticeTaskRetrying, Activation: "a", Attempt: 1, Started: began},
		{Seq: 5, Type: engine.NoticeTaskSucceeded, Activation: "a", Attempt: 2, Started: began},
		{Type: engine.NoticeTaskLog, Activation: "a", Attempt: 2, Time: began}, // late
		{Seq: 6, Type: engine.NoticeTaskStarted, Activation: "claimed", Attempt: 1, Time: began},
		{Seq: 7, Type: engine.NoticeTaskFailed, Activation: "claimed", Attempt: 1, Started: began},
		{Seq: 8, Type: engine.NoticeTaskCanceled, Activation: "unbegun", Attempt: 1},
	} {
		n.Run = "r"
		f.Observe(n)
		if moved := n.Seq > 2; n.Seq > 0 && f.Moved() != moved {
			t.Errorf("after event %d: moved is %t", n.Seq, f.Moved())
		}
	}
	want := []string{
		"3 task_ready a 1",
		"added 0 task_started a 1", "0 task_log a 1", "4 task_retrying a 1",
		"added 5 task_started a 2", "5 task_succeeded a 2", "0 task_log a 2",
		"6 task_started claimed 1", "7 task_failed claimed 1",
		"8 task_canceled unbegun 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
