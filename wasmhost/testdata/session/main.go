// Command session is a guest whose tasks leave state for the ones after them.
package main

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/sdk"
)

func main() {}

var (
	lines  []string
	byWord = map[string]int{}
	count  int
	drawn  uint64    // at random, while initializing
	warm   time.Time // when it was initialized
	wall   time.Time
)

func init() {
	sdk.Warmup(func() {
		drawn, warm, wall = rand.Uint64(), time.Now(), time.Now().Round(0)
		for _, w := range strings.Fields(strings.Repeat("some state of its own ", 100)) {
			byWord[w]++
		}
		clear(byWord)
	})
}

// Said is what the guest knows after a line.
type Said struct {
	Count int            `json:"count"`
	Text  string         `json:"text"`
	Words map[string]int `json:"words"`
	Drawn uint64         `json:"drawn"`
}

var say = sdk.Task("say", "remembers a line", func(_ *sdk.Context, line string) (Said, error) {
	count++
	lines = append(lines, line)
	for w := range strings.FieldsSeq(line) {
		byWord[w]++
	}
	return Said{Count: count, Text: strings.Join(lines, " / "), Words: byWord, Drawn: drawn}, nil
})

//go:wasmexport say
func _say() int32 { return say.Run() }

var fails = sdk.Task("fails", "remembers a line and fails", func(_ *sdk.Context, line string) (any, error) {
	lines = append(lines, line)
	return nil, errors.New("no")
})

//go:wasmexport fails
func _fails() int32 { return fails.Run() }

//go:wasmexport panics
func panics() int32 {
	lines = append(lines, "trapped")
	panic("no")
}

//go:wasmexport exits
func exits() int32 {
	os.Exit(0)
	return 0
}

// Clock is how long ago the guest was initialized: by its monotonic clock, and by
// the time of day, in ns.
type Clock struct {
	Monotonic int64 `json:"monotonic"`
	Wall      int64 `json:"wall"`
}

var clock = sdk.Task("clock", "sleeps, and looks at the clock", func(_ *sdk.Context, sleep time.Duration) (Clock, error) {
	time.Sleep(sleep)
	now := time.Now()
	return Clock{Monotonic: int64(now.Sub(warm)), Wall: int64(now.Round(0).Sub(wall))}, nil
})

//go:wasmexport clock
func _clock() int32 { return clock.Run() }

var grow = sdk.Task("grow", "fills as many bytes", func(_ *sdk.Context, n int) (int, error) {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	hoard = append(hoard, b)
	return len(hoard), nil
})

var hoard [][]byte

//go:wasmexport grow
func _grow() int32 { return grow.Run() }
