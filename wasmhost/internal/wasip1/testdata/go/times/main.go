// Sleeping, timers and goroutines that wait in a Go program.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		for { // until somebody ends it
			time.Sleep(time.Hour)
		}
	}
	start := time.Now()
	time.Sleep(20 * time.Millisecond)
	atLeast("sleep", start, 20*time.Millisecond)

	start = time.Now()
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() { time.Sleep(time.Duration(i) * 2 * time.Millisecond) })
	}
	all.Wait()
	atLeast("goroutines", start, 18*time.Millisecond)

	start = time.Now()
	ticker := time.NewTicker(3 * time.Millisecond)
	for range 4 {
		<-ticker.C
	}
	ticker.Stop()
	atLeast("ticker", start, 12*time.Millisecond)

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	start = time.Now()
	select {
	case <-ctx.Done():
	case <-time.After(time.Hour):
	}
	atLeast("deadline", start, 5*time.Millisecond)
	fmt.Println("ok")
}

func atLeast(what string, start time.Time, want time.Duration) {
	if got := time.Since(start); got < want || got > time.Minute {
		fmt.Println(what, "took", got, "want", want)
		os.Exit(1)
	}
}
