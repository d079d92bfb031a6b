package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestFaultsLookLikeOtherMessages(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	log := slog.New(newFaults(&b))
	log.Info("nothing that matters")
	log.With("run", "r1").Warn("keep the log", "err", errors.New("no space\x1b left"), "task", "t")
	log.Error("ack", "err", errors.New("lost"))
	want := "graflow-wasm: warning: keep the log: no space\\x1b left (run r1, task t)\ngraflow-wasm: error: ack: lost\n"
	if got := b.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
