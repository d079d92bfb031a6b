package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/script"
)

// sessions measures what many of them hold at once, and what a cell costs.
func (b *bench) sessions(ctx context.Context, n int) (string, error) {
	t := measure.Table{{fmt.Sprintf("%d sessions that keep a list of 1000 numbers", n), "memory each", "stored, each", "a cell, p50", "p99"}}
	for _, l := range []script.Language{script.Python, script.JavaScript} {
		first, next := "xs = list(range(1000))", "xs[7] += 1; xs[7]"
		if l == script.JavaScript {
			first, next = "var xs = Array.from({ length: 1000 }, (_, i) => i); 0", "xs[7] += 1; xs[7]"
		}
		before, err := resident()
		if err != nil {
			return "", err
		}
		all := make([]*script.Session, n)
		var cells measure.Times
		for i := range all {
			all[i] = script.NewSession()
			if _, err := b.ours.Run(ctx, l, first, script.Options{Session: all[i]}); err != nil {
				return "", err
			}
		}
		for _, s := range all {
			began := time.Now()
			got, err := b.ours.Run(ctx, l, next, script.Options{Session: s})
			if err != nil {
				return "", err
			}
			if string(got.Value) != "8" {
				return "", fmt.Errorf("a session answered %s, want 8", got.Value)
			}
			cells = append(cells, time.Since(began))
		}
		after, err := resident()
		if err != nil {
			return "", err
		}
		stored, err := all[0].MarshalBinary()
		if err != nil {
			return "", err
		}
		t.Add(string(l), kib(float64(after-before)/float64(n)), kib(float64(len(stored))), cells.Median(), cells.Percentile(99))
		runtime.KeepAlive(all)
	}
	return t.String(), nil
}

func kib(bytes float64) string { return fmt.Sprintf("%.0f KiB", bytes/1024) }

// resident is the memory of this process, garbage aside, in bytes.
func resident() (int64, error) {
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
