package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Page is a path, and how long its requests took, in seconds.
type Page struct {
	Path     string  `json:"path"`
	Requests int     `json:"requests"`
	Median   float64 `json:"median"`
	P95      float64 `json:"p95"`
}

// A line is `IP - - [DAY ZONE] "METHOD PATH PROTOCOL" STATUS BYTES SECONDS`.
const (
	fieldPath    = 6
	fieldSeconds = 10
	fieldsOfLine = 11
)

// read is the seconds that the requests of each path took.
func read(file string) (_ map[string][]float64, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return parse(text)
}

func parse(r io.Reader) (map[string][]float64, error) {
	took := map[string][]float64{}
	scanner := bufio.NewScanner(r)
	for n := 1; scanner.Scan(); n++ {
		fields := strings.Fields(scanner.Text())
		if len(fields) != fieldsOfLine {
			return nil, fmt.Errorf("line %d of the failed: %d fields, want %d", n, len(fields), fieldsOfLine)
		}
		seconds, err := strconv.ParseFloat(fields[fieldSeconds], 64)
		if err != nil {
			return nil, fmt.Errorf("line %d of the failed: %w", n, err)
		}
		path := fields[fieldPath]
		took[path] = append(took[path], seconds)
	}
	return took, scanner.Err()
}

// measure makes the pages, each in a thread of its own, the slowest first. It tells
// how many are done; calls of tell don't overlap.
func measure(took map[string][]float64, tell func(done, total int)) []Page {
	pages := make([]Page, len(took))
	done := make(chan struct{}, len(took))
	var all sync.WaitGroup
	for i, path := range slices.Sorted(maps.Keys(took)) {
		all.Go(func() {
			pages[i] = pageOf(path, took[path])
			done <- struct{}{}
		})
	}
	for i := range pages {
		<-done
		tell(i+1, len(pages))
	}
	all.Wait()
	slices.SortStableFunc(pages, func(a, b Page) int { return cmp.Compare(b.P95, a.P95) })
	return pages
}

func pageOf(path string, seconds []float64) Page {
	seconds = slices.Sorted(slices.Values(seconds))
	return Page{Path: path, Requests: len(seconds), Median: quantile(seconds, 0.5), P95: quantile(seconds, 0.95)}
}

// quantile is the least of the sorted values that has a share q of them at or below it.
func quantile(sorted []float64, q float64) float64 {
	n := 0
	for n+1 < len(sorted) && float64(n+1) < q*float64(len(sorted)) {
		n++
	}
	return sorted[n]
}
