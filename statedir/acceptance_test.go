package statedir_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/statedir"
)

// TestAcceptance are the acceptance cases that are about storage.
func TestAcceptance(t *testing.T) {
	t.Parallel()
	t.Run("G85_channel_conformance", func(t *testing.T) {
		t.Parallel()
		enginetest.Suite{
			Open: func(t *testing.T) *engine.Backend {
				t.Helper()
				return openDir(t, t.TempDir(), statedir.Config{SegmentSize: 2000}).Backend()
			},
			Bubble: true,
		}.Run(t)
	})
	t.Run("I103_killed_while_writing", func(t *testing.T) {
		t.Parallel()
		killedWhileWriting(t)
	})
}

const (
	pagesMode = "checkpoints" // of childSyncEnv: the child drives a run
	pagesRun  = "pages"
)

// turning is an engine on a directory, and a flow that turns pages for ever, each
// of them a checkpoint. begun sees each page when all before it is stored, and
// tells whether to turn on.
func turning(d *statedir.Dir, begun func(page int) bool) (*engine.Engine, *engine.Graph, error) {
	h := direct.New()
	turn := direct.Func(h, "turn", func(c *direct.Context, page int) (any, error) {
		if !begun(page) {
			turned := 0
			_, err := c.Get("turned", &turned)
			return map[string]int{"page": page, "turned": turned}, err
		}
		return nil, errors.Join(c.Add("turned", 1), c.Checkpoint(fmt.Sprint("page-", page), nil), c.NextIteration(page+1))
	})
	none := 0
	turn.MaxCycles = &none
	s := engine.Spec{Name: "pages", Limits: engine.RunLimits{MaxSteps: 1 << 30}}
	s.Connect(turn)
	g, err := s.Build()
	if err != nil {
		return nil, nil, err
	}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Backend: d.Backend(), Retain: true, Concurrency: 1})
	return e, g, err
}

// childPages turns pages, in one run from one child to the next, until it is
// killed. It says which pages are stored.
func childPages(dir string) {
	d, err := statedir.Open(dir, crashConfig)
	if err != nil {
		fail(err)
	}
	e, g, err := turning(d, func(page int) bool {
		if page > 1 {
			fmt.Println(page - 1)
		}
		return true
	})
	if err != nil {
		fail(err)
	}
	ctx := context.Background()
	r, err := e.Recover(ctx, pagesRun)
	if errors.Is(err, engine.ErrNotFound) {
		r, err = e.Start(ctx, g, engine.Start{ID: pagesRun, Input: json.RawMessage("1")})
	}
	if err == nil {
		_, err = r.Wait(ctx)
	}
	fail(fmt.Errorf("the run ended: %w", err))
}

// killedWhileWriting kills a process while it writes checkpoints, again and again.
// Each time those that were reported are there whole: the last can be exported, and
// a run goes on from it, and from one before it. TestKill does the same with the
// storage alone.
func killedWhileWriting(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	kills, reported := 20, 0
	if testing.Short() {
		kills = 5
	}
	for range kills {
		reported = max(reported, turnAndKill(t, dir))
		lookAtPages(t, dir, reported)
		if t.Failed() {
			return
		}
	}
	if reported < kills {
		t.Errorf("%d pages in %d kills are too few to tell", reported, kills)
	}
}

// turnAndKill lets a child turn pages for a moment and returns the last that it
// reported.
func turnAndKill(t *testing.T, dir string) (last int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir, childSyncEnv+"="+pagesMode)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var begun sync.Once
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // what is left of a line was not reported
		}
		if err == nil {
			_, err = fmt.Sscan(line, &last)
		}
		if err != nil {
			t.Fatal(err)
		}
		begun.Do(func() {
			wait := time.Duration(rand.Int64N(int64(25 * time.Millisecond)))
			time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
		})
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() == 1 {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return last
}

// lookAtPages exports the last checkpoint and one before it, and goes on from both.
func lookAtPages(t *testing.T, dir string, reported int) {
	t.Helper()
	d := openDir(t, dir, crashConfig)
	defer d.Close()
	e, _, err := turning(d, func(int) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, name := range []string{"", fmt.Sprint("page-", max(reported/2, 1))} {
		doc, err := e.Export(t.Context(), pagesRun, name)
		if err != nil {
			t.Errorf("checkpoint %q, %d were reported: %v", name, reported, err)
			continue
		}
		goOn(t, doc, name, reported)
	}
}

// goOn restores a checkpoint elsewhere and runs it to its end.
func goOn(t *testing.T, doc []byte, name string, reported int) {
	t.Helper()
	elsewhere := openDir(t, t.TempDir(), statedir.Config{})
	e, _, err := turning(elsewhere, func(int) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r, err := e.Restore(t.Context(), doc, "")
	if err != nil {
		t.Errorf("checkpoint %q: %v", name, err)
		return
	}
	out, err := r.Wait(t.Context())
	var got struct{ Page, Turned int }
	if err := errors.Join(err, json.Unmarshal(out.Output, &got)); err != nil || got.Page != got.Turned+1 {
		t.Errorf("checkpoint %q: %s, %v, want one page more than were turned", name, out.Output, err)
	}
	if name == "" && got.Turned < reported || name != "" && name != fmt.Sprint("page-", got.Turned) {
		t.Errorf("checkpoint %q is of page %d; %d were reported", name, got.Turned, reported)
	}
}
