package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/builtin"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// durableCases are those of journals, checkpoints and pauses, part I, and those
// of other parts that need a run to go on in another process.
var durableCases = []acceptanceCase{
	{name: "D55_terminate_checkpoint", run: terminateCheckpoint},
	{name: "E62g_resume_retry", virtual: true, run: resumeIntoRetry},
	{name: "G86d_condition_not_again", run: conditionNotAgain},
	{name: "I97_checkpoint_in_b", run: checkpointInB},
	{name: "I98_checkpoint_before", run: checkpointBefore},
	{name: "I99_dynamic_pending", run: dynamicPending},
	{name: "I100_counters", virtual: true, run: countersSurvive},
	{name: "I101_milestones", run: milestones},
	{name: "I102_four_errors", run: fourErrors},
	{name: "I104b_finished_again", run: finishedAgain},
	{name: "I104c_paused_elsewhere", run: pausedElsewhere},
	{name: "I104d_identical_calls", run: identicalCalls},
	{name: "I104e_recorded_builtins", run: recordedBuiltins},
	{name: "I105_answer", run: answerInTime},
	{name: "I106_default", virtual: true, run: pauseDefault},
	{name: "I105_overdue", virtual: true, run: overdue},
	{name: "I106_late", virtual: true, run: pauseLate},
	{name: "I106_no_default", virtual: true, run: pauseNoDefault},
	{name: "I106_in_group", virtual: true, run: pauseInGroup},
	{name: "I107_two_pauses", run: twoPauses},
	{name: "I108_bad_answers", run: badAnswers},
	{name: "I109_cancel_wakes", virtual: true, run: cancelWakes},
}

// retained makes the world keep its runs.
func (w *world) retained() {
	b, err := builtin.New(builtin.Config{})
	if err != nil {
		w.Fatal(err)
	}
	w.config.Retain, w.config.Handlers["builtin"] = true, b
	w.config.CheckSchema = func(schema, answer json.RawMessage) error {
		var v bool
		if string(schema) == `{"type":"boolean"}` && json.Unmarshal(answer, &v) != nil {
			return errors.New("want a boolean")
		}
		return nil
	}
}

// restart ends the engine and begins another on what is stored. The queue and the
// timers belong to the process.
func (w *world) restart() *engine.Engine {
	w.Helper()
	if err := w.engine.Close(); err != nil {
		w.Fatal(err)
	}
	w.engine = nil
	if w.backend.Cluster == nil {
		fresh := engine.InMemory()
		w.backend = &engine.Backend{Journal: w.backend.Journal, Blobs: w.backend.Blobs, Channel: w.backend.Channel, Queue: fresh.Queue, Timers: fresh.Timers}
	}
	w.config.Backend = w.backend
	return w.open()
}

// elsewhere goes on in a process on another machine, where no run is known.
func (w *world) elsewhere() {
	w.Helper()
	if err := w.engine.Close(); err != nil {
		w.Fatal(err)
	}
	w.engine = nil
	w.backend = w.fresh(w.T)
	w.config.Backend = w.backend
	w.open()
}

// recover goes on with a run in another process.
func (w *world) recover(run string) *engine.Running {
	w.Helper()
	again := w.restart().Recover
	if w.backend.Cluster != nil {
		again = w.engine.Follow
	}
	r, err := again(w.Context(), run)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// pauses makes a task pause under a name and return the answer.
func (w *world) pauses(id string, p engine.Pause) {
	w.on(id, func(c *direct.Context, _ json.RawMessage) (any, error) {
		var answer json.RawMessage
		err := c.Pause(p, &answer)
		return answer, err
	})
}

func (w *world) wantPaused(o engine.Outcome, names ...string) {
	w.Helper()
	var got []string
	for _, p := range o.Pauses {
		got = append(got, p.Name)
	}
	if o.Status != engine.StatusPaused || !slices.Equal(got, names) {
		w.Errorf("status %s, pauses %q, want paused at %q (error %v)", o.Status, got, names, o.Error)
	}
}

func (w *world) wantIs(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("error %v, want %v", err, want)
	}
}

func (w *world) resume(r *engine.Running, name, answer string) {
	w.Helper()
	if err := r.Resume(name, json.RawMessage(answer)); err != nil {
		w.Error(err)
	}
}

func (w *world) export(run, checkpoint string) []byte {
	w.Helper()
	doc, err := w.open().Export(w.Context(), run, checkpoint)
	if err != nil {
		w.Fatal(err)
	}
	return doc
}

func (w *world) restore(doc []byte, id string) *engine.Running {
	w.Helper()
	r, err := w.open().Restore(w.Context(), doc, id)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// forget empties the log of what ran.
func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ran, w.at = nil, nil
}

func (w *world) checkpoints(id, name string) {
	w.on(id, func(c *direct.Context, _ json.RawMessage) (any, error) {
		return id, c.Checkpoint(name, map[string]string{"by": id})
	})
}

func terminateCheckpoint(w *world) {
	w.retained()
	w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
		c.Terminate("enough")
		return "done", c.Checkpoint("end", nil)
	})
	r := w.start(w.flow("a>b"))
	w.wantStatus(w.wait(r), engine.StatusSucceeded, engine.ReasonTerminated)
	doc := w.export(r.ID(), "end")
	out := w.wait(w.restore(doc, "again"))
	w.wantStatus(out, engine.StatusSucceeded, engine.ReasonTerminated)
	if string(out.Output) != `"done"` || out.Message != "enough" {
		w.Errorf("output %s, message %q", out.Output, out.Message)
	}
	w.wantLog("a")
}

// resumeIntoRetry ends the process while the third attempt's delay runs: neither
// the two attempts nor their delays are repeated.
func resumeIntoRetry(w *world) {
	w.retained()
	w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
		if c.Call.Attempt < 3 {
			return nil, errBoom
		}
		return c.Call.Attempt, nil
	})
	s := w.flow("a")
	task(s, "a").Retry = &engine.Retry{Max: 3, Delay: engine.Duration(10 * time.Second), Backoff: 2}
	r := w.start(s)
	time.Sleep(15 * time.Second) // virtual: the second delay, of 20 s, has 15 left
	w.wantCount("a", 2)
	begun := time.Now()
	r = w.recover(r.ID())
	w.wantSucceeded(w.wait(r), "3")
	w.wantCount("a", 3)
	if d := time.Since(begun); !w.lasted(d, 15*time.Second) {
		w.Errorf("the third attempt began after %v, want the 15s that were left", d)
	}
}

func conditionNotAgain(w *world) {
	w.retained()
	s := w.flow("a>b>p>c, a>d")
	w.pauses("p", engine.Pause{Name: "go"})
	s.Edges[slices.IndexFunc(s.Edges, func(e engine.Edge) bool { return e.To == "b" })].When = "result == 'a'"
	s.Edges[slices.IndexFunc(s.Edges, func(e engine.Edge) bool { return e.To == "d" })].When = "result == 'x'"
	r := w.start(s)
	w.wantPaused(w.wait(r), "go")
	// What a's condition was evaluated on is another now: its verdict stays.
	h, err := w.open().History(w.Context(), r.ID())
	if err != nil {
		w.Fatal(err)
	}
	if e := h.Events[1]; e.Activation != "a" || !slices.Equal(e.Alive, []bool{true, false}) {
		w.Fatalf("event %+v, want the verdicts on a's edges", e)
	}
	h.Events[1].Value = json.RawMessage(`"x"`)
	r = w.recover(r.ID())
	w.resume(r, "go", "1")
	w.wantStatus(w.wait(r), engine.StatusSucceeded, "")
	w.wantCount("d", 0)
	w.wantCount("c", 1)
}

func checkpointInB(w *world) {
	w.retained()
	w.checkpoints("b", "")
	r := w.start(w.flow("a>b>c"))
	w.wantSucceeded(w.wait(r), `"c"`)
	doc := w.export(r.ID(), "")
	w.wantText(string(doc), `"checkpoint-1"`, `"by"`)
	w.forget()
	fork := w.restore(doc, "")
	if fork.ID() == r.ID() {
		w.Error("the run has a second tail")
	}
	w.wantSucceeded(w.wait(fork), `"c"`)
	w.wantLog("c")
	again := w.restore(doc, "")
	w.wantSucceeded(w.wait(again), `"c"`)
	if again.ID() == fork.ID() {
		w.Error("a second resumption has the id of the first")
	}
	w.elsewhere()
	w.forget()
	moved := w.restore(doc, "")
	w.wantSucceeded(w.wait(moved), `"c"`)
	w.wantLog("c")
	if moved.ID() != r.ID() {
		w.Errorf("id %q, want the run's own, %q", moved.ID(), r.ID())
	}
}

func checkpointBefore(w *world) {
	w.retained()
	w.checkpoints("a", "before-b")
	r := w.start(w.flow("a>b>c"))
	w.wait(r)
	w.forget()
	fork, err := w.open().Fork(w.Context(), r.ID(), "before-b", "f")
	if err != nil {
		w.Fatal(err)
	}
	w.wantSucceeded(w.wait(fork), `"c"`)
	w.wantLog("b c")
	w.forget()
	fork, err = w.open().Fork(w.Context(), "f", "before-b", "") // of a fork
	if err != nil {
		w.Fatal(err)
	}
	w.wantSucceeded(w.wait(fork), `"c"`)
	w.wantLog("b c")
	w.forget()
	w.wantSucceeded(w.wait(w.restore(w.export("f", fmt.Sprintf("#%d", w.begun("f"))), "")), `"c"`) // the point at which f began
	w.wantLog("b c")
	_, err = w.open().Fork(w.Context(), r.ID(), "nowhere", "")
	w.wantIs(err, engine.ErrNotFound)
	_, err = w.open().Fork(w.Context(), r.ID(), "", "f")
	w.wantIs(err, engine.ErrRunExists)
}

// begun is the sequence of the event with which a run began.
func (w *world) begun(run string) uint64 {
	w.Helper()
	events, err := w.backend.Journal.Read(w.Context(), run, 0)
	if err != nil || len(events) == 0 {
		w.Fatalf("%d events, error %v", len(events), err)
	}
	return events[0].Seq
}

func dynamicPending(w *world) {
	w.retained()
	extra := w.added("extra")
	w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
		c.NextTask(extra)
		return "a", c.Checkpoint("spawned", nil)
	})
	r := w.start(w.flow("a>b"))
	w.wantSucceeded(w.wait(r), `"b"`)
	w.forget()
	w.wantSucceeded(w.wait(w.restore(w.export(r.ID(), "spawned"), "")), `"b"`)
	w.wantLog("extra b")
}

// countersSurvive: of steps, cycles and retries.
func countersSurvive(w *world) {
	w.retained()
	var seen []string
	w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
		seen = append(seen, fmt.Sprintf("%d.%d", c.Call.Cycle, c.Call.Attempt))
		if c.Call.Cycle == 2 {
			if err := c.Checkpoint("second", nil); err != nil {
				return nil, err
			}
		}
		if c.Call.Cycle == 3 && c.Call.Attempt == 1 {
			return nil, errBoom
		}
		return "a", c.NextIteration(c.Call.Cycle)
	})
	s := w.flow("a")
	task(s, "a").MaxCycles = ptr(4)
	task(s, "a").Retry = &engine.Retry{Max: 1, Delay: engine.Duration(time.Minute)}
	r := w.start(s)
	time.Sleep(time.Second) // virtual: the third cycle waits for its second attempt
	h, err := w.open().History(w.Context(), r.ID())
	if err != nil {
		w.Fatal(err)
	}
	at := fmt.Sprintf("#%d", h.Events[len(h.Events)-1].Seq)
	w.wantStatus(w.wait(r), engine.StatusFailed, engine.ReasonCycleLimit)
	if want := []string{"1.1", "2.1", "3.1", "3.2", "4.1"}; !slices.Equal(seen, want) {
		w.Fatalf("ran %q, want %q", seen, want)
	}
	seen = nil
	out := w.wait(w.restore(w.export(r.ID(), "second"), ""))
	w.wantStatus(out, engine.StatusFailed, engine.ReasonCycleLimit)
	if want := []string{"3.1", "3.2", "4.1"}; !slices.Equal(seen, want) || out.Steps != 4 {
		w.Errorf("ran %q, %d steps, want %q, 4", seen, out.Steps, want)
	}
	seen = nil
	w.wantStatus(w.wait(w.restore(w.export(r.ID(), at), "")), engine.StatusFailed, engine.ReasonCycleLimit)
	if want := []string{"3.2", "4.1"}; !slices.Equal(seen, want) {
		w.Errorf("ran %q, want %q", seen, want)
	}
}

func milestones(w *world) {
	w.retained()
	ids := []string{"a", "b", "c", "d", "e"}
	for _, id := range ids[:4] {
		w.checkpoints(id, "after-"+id)
	}
	r := w.start(w.flow("a>b>c>d>e"))
	w.wait(r)
	for i, id := range ids[:4] {
		w.forget()
		w.wantSucceeded(w.wait(w.restore(w.export(r.ID(), "after-"+id), "")), `"e"`)
		w.wantLog(strings.Join(ids[i+1:], " "))
	}
}

// fourErrors: what is wrong with a checkpoint is told apart, and nothing runs.
func fourErrors(w *world) {
	w.retained()
	w.checkpoints("a", "x")
	r := w.start(w.flow("a>b"))
	w.wait(r)
	doc := w.export(r.ID(), "x")
	w.forget()
	runs := func(doc []byte, want error) {
		w.Helper()
		_, err := w.open().Restore(w.Context(), doc, "new")
		w.wantIs(err, want)
	}
	for _, cut := range []int{0, 1, len(doc) / 2, len(doc) - 3} {
		runs(doc[:cut], engine.ErrTruncated)
	}
	runs([]byte(strings.Replace(string(doc), `"b"`, `"B"`, 1)), engine.ErrCorrupt)
	runs([]byte("not a checkpoint"), engine.ErrCorrupt)
	runs([]byte("{}"), engine.ErrCorrupt)
	runs([]byte(strings.Replace(string(doc), `"version": 1`, `"version": 2`, 1)), engine.ErrVersion)
	w.restart()
	delete(w.config.Handlers, "direct")
	w.restart()
	runs(doc, engine.ErrModule)
	w.wantLog("")
}

func finishedAgain(w *world) {
	w.retained()
	s := w.flow("a>b")
	r, err := w.open().Start(w.Context(), w.build(s), engine.Start{ID: "once"})
	if err != nil {
		w.Fatal(err)
	}
	w.wantSucceeded(w.wait(r), `"b"`)
	before, err := w.backend.Journal.Read(w.Context(), "once", 0)
	if err != nil {
		w.Fatal(err)
	}
	_, err = w.engine.Start(w.Context(), w.build(s), engine.Start{ID: "once"})
	w.wantIs(err, engine.ErrRunExists)
	w.wantSucceeded(w.wait(w.recover("once")), `"b"`)
	after, err := w.backend.Journal.Read(w.Context(), "once", 0)
	if err != nil || len(after) != len(before) {
		w.Errorf("%d events, %v, want the %d that were", len(after), err, len(before))
	}
	w.wantLog("a b")
	w.wantIs(w.recover("once").Resume("x", nil), engine.ErrFinished)
}

func pausedElsewhere(w *world) {
	w.retained()
	w.pauses("p", engine.Pause{Name: "ok"})
	r := w.start(w.flow("a>p>b"))
	w.wantPaused(w.wait(r), "ok")
	r = w.recover(r.ID())
	w.wantPaused(w.wait(r), "ok")
	w.resume(r, "ok", "7")
	w.wantSucceeded(w.wait(r), `"b"`)
	w.wantCount("a", 1)
	w.wantCount("b", 1)
}

func identicalCalls(w *world) {
	w.retained()
	n := 0
	draw := func(*direct.Context, json.RawMessage) (any, error) { n++; return n, nil }
	w.on("x", draw)
	w.on("y", draw)
	w.pauses("p", engine.Pause{Name: "go"})
	s := w.flow("x>y>p>z")
	w.on("z", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var x, y int
		err := errors.Join(c.Result("x", &x), c.Result("y", &y))
		return []int{x, y}, err
	})
	r := w.start(s)
	w.wait(r)
	r = w.recover(r.ID())
	w.resume(r, "go", "null")
	w.wantSucceeded(w.wait(r), "[1,2]")
}

func recordedBuiltins(w *world) {
	w.retained()
	s := w.flow("p>z")
	w.pauses("p", engine.Pause{Name: "go"})
	for id, with := range map[string]string{"now": "", "uuid": "", "randint": `{"min":"0","max":"1000000"}`} {
		t := engine.Task{ID: id, Handler: "builtin", Spec: json.RawMessage(`"` + id + `"`)}
		if with != "" {
			t.With = map[string]json.RawMessage{"min": json.RawMessage("0"), "max": json.RawMessage("1000000000")}
		}
		s.Tasks = append(s.Tasks, t)
		s.Edges = append(s.Edges, engine.Edge{From: id, To: "p"})
	}
	read := func(c *direct.Context) (string, error) {
		var all [3]json.RawMessage
		err := errors.Join(c.Result("now", &all[0]), c.Result("uuid", &all[1]), c.Result("randint", &all[2]))
		return fmt.Sprintf("%s", all), err
	}
	first := ""
	w.on("p", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var err error
		if first == "" {
			first, err = read(c)
		}
		return nil, errors.Join(err, c.Pause(engine.Pause{Name: "go"}, nil))
	})
	second := ""
	w.on("z", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var err error
		second, err = read(c)
		return nil, err
	})
	r := w.start(s)
	w.wantPaused(w.wait(r), "go")
	r = w.recover(r.ID())
	w.resume(r, "go", "null")
	w.wantStatus(w.wait(r), engine.StatusSucceeded, "")
	if first == "" || first != second {
		w.Errorf("values %s, after the resumption %s", first, second)
	}
}

func answerInTime(w *world) {
	w.retained()
	w.pauses("p", engine.Pause{Name: "n", Timeout: engine.Duration(time.Hour)})
	r := w.start(w.flow("p"))
	w.wantPaused(w.wait(r), "n")
	w.resume(r, "", "42") // the only one
	w.wantSucceeded(w.wait(r), "42")
	w.wantEnded("p:succeeded")
}

func pauseDefault(w *world) {
	w.retained()
	w.pauses("p", engine.Pause{Name: "n", Timeout: engine.Duration(time.Minute), Default: json.RawMessage(`"fine"`)})
	begun := time.Now()
	r := w.start(w.flow("p"))
	w.wantPaused(w.wait(r), "n")
	time.Sleep(20 * time.Second) // virtual
	r = w.recover(r.ID())        // the timeout goes on
	<-r.Done()
	w.wantSucceeded(r.Outcome(), `"fine"`)
	if d := time.Since(begun); !w.lasted(d, time.Minute) {
		w.Errorf("answered after %v, want 1m", d)
	}
}

// pauseLate: an answer that comes when the time is over is refused, also by a
// process that was not there then.
func pauseLate(w *world) {
	w.retained()
	w.pauses("p", engine.Pause{Name: "n", Timeout: engine.Duration(time.Minute), Default: json.RawMessage(`"fine"`)})
	r := w.start(w.flow("p"))
	w.wantPaused(w.wait(r), "n")
	w.restart()
	time.Sleep(5 * time.Minute) // virtual
	r, err := w.engine.Recover(w.Context(), r.ID())
	if err != nil {
		w.Fatal(err)
	}
	err = r.Resume("n", json.RawMessage(`"late"`))
	if !errors.Is(err, engine.ErrAnswered) && !errors.Is(err, engine.ErrFinished) { // p may have ended meanwhile
		w.Errorf("error %v, want that it has its answer", err)
	}
	<-r.Done()
	w.wantSucceeded(r.Outcome(), `"fine"`)
}

// overdue: what bounds a task or a run goes by also while no process is there.
func overdue(w *world) {
	w.retained()
	w.pauses("p", engine.Pause{Name: "n"})
	for _, change := range []func(*engine.Spec){
		func(s *engine.Spec) { task(s, "p").Deadline = engine.Duration(time.Minute) },
		func(s *engine.Spec) { s.Limits.Timeout = engine.Duration(time.Minute) },
	} {
		s := w.flow("p>q")
		change(s)
		r := w.start(s)
		w.wantPaused(w.wait(r), "n")
		w.restart()
		time.Sleep(5 * time.Minute) // virtual
		r, err := w.engine.Recover(w.Context(), r.ID())
		if err != nil {
			w.Fatal(err)
		}
		w.wantIs(r.Resume("n", nil), engine.ErrFinished)
		w.wantStatus(w.wait(r), engine.StatusFailed, r.Outcome().Reason)
		if kind := r.Outcome().Error.Kind; kind != engine.KindDeadline && kind != engine.KindRunTimeout {
			w.Errorf("error of kind %s", kind)
		}
	}
	w.wantCount("q", 0)
}

func pauseNoDefault(w *world) {
	w.pauses("p", engine.Pause{Name: "n", Timeout: engine.Duration(time.Minute)})
	s := w.flow("p>q")
	task(s, "p").Retry = &engine.Retry{Max: 3}
	r := w.start(s)
	<-r.Done()
	w.wantStatus(r.Outcome(), engine.StatusFailed, "")
	w.wantError(r.Outcome(), engine.KindPauseTimeout, `"n"`, "1m")
	w.wantCount("q", 0)
	w.wantCount("p", 1) // not retried
}

func pauseInGroup(w *world) {
	w.pauses("p", engine.Pause{Name: "n", Timeout: engine.Duration(time.Minute)})
	r := w.start(w.nodes(engine.Par(w.plain("a"), engine.Seq(w.plain("p"), w.plain("gate"))), w.plain("after")))
	<-r.Done()
	w.wantError(r.Outcome(), engine.KindGroup, "nobody answered")
	w.wantCount("gate", 0)
	w.wantCount("a", 1)
}

func twoPauses(w *world) {
	w.retained()
	w.pauses("p", engine.Pause{Name: "first"})
	w.pauses("q", engine.Pause{Name: "second"})
	r := w.start(w.nodes(engine.Seq(engine.Par(w.plain("p"), w.plain("q")), w.plain("end"))))
	w.wantPaused(w.wait(r), "first", "second")
	w.resume(r, "second", "2")
	w.wantPaused(w.wait(r), "first")
	r = w.recover(r.ID())
	w.wantPaused(w.wait(r), "first")
	w.resume(r, "first", "1")
	w.wantSucceeded(w.wait(r), `"end"`)
}

func badAnswers(w *world) {
	w.retained()
	w.pauses("p", engine.Pause{Name: "yes", Schema: json.RawMessage(`{"type":"boolean"}`)})
	w.pauses("q", engine.Pause{Name: "other"})
	r := w.start(w.nodes(engine.Par(w.plain("p"), w.plain("q"))))
	w.wantPaused(w.wait(r), "yes", "other")
	w.wantIs(r.Resume("yes", json.RawMessage("1")), engine.ErrInvalidAnswer)
	w.wantIs(r.Resume("no", json.RawMessage("true")), engine.ErrNoPause)
	w.wantIs(r.Resume("", json.RawMessage("true")), engine.ErrAmbiguous)
	w.wantIs(r.Resume("yes", json.RawMessage("{")), engine.ErrInvalidAnswer)
	w.resume(r, "yes", "true")
	w.wantIs(r.Resume("yes", json.RawMessage("true")), engine.ErrAnswered)
	w.wantPaused(w.wait(r), "other")
	w.resume(r, "other", "null")
	w.wantStatus(w.wait(r), engine.StatusSucceeded, "")
	w.wantIs(r.Resume("yes", nil), engine.ErrFinished)
	w.on("slow", func(c *direct.Context, _ json.RawMessage) (any, error) { <-c.Done(); return nil, c.Err() })
	running := w.start(w.flow("slow"))
	w.wantIs(running.Resume("yes", nil), engine.ErrNotPaused)
	if err := running.Cancel("end"); err != nil {
		w.Error(err)
	}
	w.wait(running)
}

func cancelWakes(w *world) {
	w.pauses("p", engine.Pause{Name: "n"})
	undone := w.plain("undo")
	s := w.flow("p>q")
	s.Tasks = append(s.Tasks, undone)
	task(s, "p").Rollback = "undo"
	r := w.start(s)
	ended := make(chan engine.Outcome)
	w.wantPaused(w.wait(r), "n")
	go func() {
		<-r.Done()
		ended <- r.Outcome()
	}()
	synctest.Wait()
	if err := r.Cancel("no more"); err != nil {
		w.Error(err)
	}
	w.wantStatus(<-ended, engine.StatusCanceled, engine.ReasonCanceled)
	w.wantCount("undo", 1)
	w.wantCount("q", 0)
}
