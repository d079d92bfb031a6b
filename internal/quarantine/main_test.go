package quarantine_test

import (
	"bufio"
	"fmt"
	"os"
	"testing"

	"github.com/graflow/graflow-wasm/internal/quarantine"
)

// TestMain is also a process that notes deaths, as many as the variable says.
func TestMain(m *testing.M) {
	if file := os.Getenv("QUARANTINE_CHILD"); file != "" {
		os.Exit(child(file))
	}
	os.Exit(m.Run())
}

// deaths is how many a child notes.
const deaths = 25

func child(file string) int {
	s, err := quarantine.Open(quarantine.Config{File: file, Kills: 1 << 20})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // all begin at once
	for range deaths {
		if _, err := s.Died("sha256:shared", quarantine.KindModule, quarantine.Report{How: "signal: killed"}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}
