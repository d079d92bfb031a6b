package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet"
)

// Outcome is how a host did in one case.
type Outcome struct {
	Case   gauntlet.Case
	Report Report   // what the child reported; empty if it was lost
	Wrong  []string // what is not as the verdict says; empty: the host won
}

// Won reports whether the host did as the verdict says.
func (o Outcome) Won() bool { return len(o.Wrong) == 0 }

const tries = 3

// residentMost is where a child is ended before it harms the machine.
const residentMost = 6 << 30

// Run runs one case in a child process, its guests in cells if they are to be isolated,
// and judges it. A case that was only too
// slow is run again, up to three times, since the machine may have been busy
// elsewhere. The
// error is the caller's: a canceled context, a child that can't be started.
func Run(ctx context.Context, c gauntlet.Case, isolated bool) (Outcome, error) {
	for try := 1; ; try++ {
		report, lost, err := spawn(ctx, c, isolated)
		if err != nil {
			return Outcome{}, fmt.Errorf("run case %s: %w", c.Name, err)
		}
		if lost != "" {
			return Outcome{Case: c, Wrong: []string{"the process was lost: " + lost}}, nil
		}
		wrong, late := judge(c, report)
		if len(wrong) > 0 || len(late) == 0 || try == tries {
			return Outcome{Case: c, Report: report, Wrong: append(wrong, late...)}, nil
		}
	}
}

// spawn runs the child. What it died of is in lost.
func spawn(ctx context.Context, c gauntlet.Case, isolated bool) (report Report, lost string, err error) {
	dir, err := os.MkdirTemp("", "gauntlet-")
	if err != nil {
		return report, "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	self, err := os.Executable()
	if err != nil {
		return report, "", err
	}
	patience := patience(c)
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(limited, self)
	cmd.Env = append(os.Environ(), caseVariable+"="+c.Name, dirVariable+"="+dir)
	if isolated {
		cmd.Env = append(cmd.Env, isolatedVariable+"=1")
	}
	cmd.WaitDelay = time.Second
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &head{most: 64 << 10, to: &problems}
	busyBefore := busyTime()
	if err := cmd.Start(); err != nil {
		return report, "", err
	}
	grown := guard(cmd, cancel)
	waited, machine := make(chan struct{}), make(chan time.Duration, 1)
	go func() { machine <- pulse(waited) }()
	err = cmd.Wait()
	close(waited)
	busy := <-machine
	switch tooBig := grown(); {
	case ctx.Err() != nil:
		return report, "", context.Cause(ctx)
	case tooBig:
		return report, fmt.Sprintf("ended at a resident size of %d GiB", residentMost>>30), nil
	case limited.Err() != nil:
		return report, fmt.Sprintf("not done after %s", patience), nil
	case err != nil:
		return report, fmt.Sprintf("%v: %s", err, firstLines(problems.String())), nil
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		return report, "", fmt.Errorf("read the report: %w: %q", err, out.String())
	}
	own := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() // and of its children, which it waited for
	report.Machine, report.Others = busy, others(busyTime()-busyBefore, own)
	return report, "", nil
}

// others is how long each processor did other work than a child's own: busy is the time
// of all processors together.
func others(busy, own time.Duration) time.Duration {
	return max(0, busy-own) / time.Duration(runtime.NumCPU())
}

// patience is when a child counts as hung.
func patience(c gauntlet.Case) time.Duration {
	const most = 60 * time.Second
	calls := time.Duration(max(1, c.Repeat) * len(c.Exports))
	bound := min(most, c.Verdict.Admission+calls*c.Verdict.Wall) + 10*time.Second
	if Race {
		bound *= raceFactor
	}
	return bound
}

// guard ends a child that grows too large. What it returns waits for the guard
// and tells whether that happened.
func guard(cmd *exec.Cmd, end func()) (grown func() bool) {
	done, result := make(chan struct{}), make(chan bool, 1)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				result <- false
				return
			case <-tick.C:
				if size, ok := residentOf(cmd.Process.Pid); ok && size > residentMost {
					end()
					result <- true
					return
				}
			}
		}
	}()
	return func() bool {
		close(done)
		return <-result
	}
}

// head keeps the beginning of what is written.
type head struct {
	most int
	to   *bytes.Buffer
}

func (h *head) Write(b []byte) (int, error) {
	if room := h.most - h.to.Len(); room > 0 {
		h.to.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

func firstLines(text string) string {
	const most = 2
	lines := strings.SplitN(strings.TrimSpace(text), "\n", most+1)
	return strings.Join(lines[:min(most, len(lines))], " / ")
}
