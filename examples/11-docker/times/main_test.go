package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestPages(t *testing.T) {
	t.Parallel()
	line := func(path, seconds string) string {
		return `203.0.113.7 - - [22/Nov/2026:01:00:00 +0000] "GET ` + path + ` HTTP/1.1" 500 12 ` + seconds + "\n"
	}
	took, err := parse(strings.NewReader(line("/a", "0.3") + line("/b", "2") + line("/a", "0.1") + line("/a", "0.2")))
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	got := measure(took, func(done, total int) {
		if told++; done != told || total != 2 {
			t.Errorf("told %d of %d, want %d of 2", done, total, told)
		}
	})
	want := []Page{{Path: "/b", Requests: 1, Median: 2, P95: 2}, {Path: "/a", Requests: 3, Median: 0.2, P95: 0.3}}
	if !reflect.DeepEqual(got, want) || told != 2 {
		t.Errorf("got %v, told %d times, want %v", got, told, want)
	}
}

func TestBadLines(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"hello\n": "line 1 of the failed: 1 fields",
		`ip - - [d z] "GET / HTTP/1.1" 500 12 soon`: "line 1 of the failed: strconv",
	} {
		if _, err := parse(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
