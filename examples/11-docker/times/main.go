// Command times tells which pages are slow when they fail. It is a task of a container:
// native code with as many threads as its limits give it.
package main

import (
	"time"

	"github.com/graflow/graflow-wasm/sdk"
)

func main() { sdk.Main() }

// Question is what the task gets, beside the lines of failed requests, which are in a file.
type Question struct {
	Statuses map[string]int `json:"statuses"`
	Stumble  string         `json:"stumble"` // how the first attempt fails: "", busy, hang
}

// Answer tells of each page that failed, the slowest first.
type Answer struct {
	Lines    int            `json:"lines"` // of the whole log
	Statuses map[string]int `json:"statuses"`
	Failed   []Page         `json:"failed"`
}

const failedFile = "/in/failed.gz"

var _ = sdk.Task("times", "tells which pages are slow when they fail", func(c *sdk.Context, in Question) (Answer, error) {
	if c.Attempt() == 1 {
		switch in.Stumble {
		case "busy":
			return Answer{}, sdk.Fail("busy", "the first attempt is to fail")
		case "hang":
			c.Log("hanging")
			time.Sleep(time.Hour) // until the container is stopped
		}
	}
	lines, _, err := sdk.Get[int](c, "lines") // the shell has counted them
	if err != nil {
		return Answer{}, err
	}
	failed, err := read(failedFile)
	if err != nil {
		return Answer{}, sdk.Permanent(err)
	}
	pages := measure(failed, func(done, total int) { c.Progress(float64(done), float64(total), "pages") })
	if len(pages) > 0 {
		if err := c.Channel().Set("slowest", pages[0].Path); err != nil {
			return Answer{}, err
		}
	}
	return Answer{Lines: lines, Statuses: in.Statuses, Failed: pages}, nil
})
