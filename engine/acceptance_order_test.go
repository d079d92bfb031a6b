package engine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

var orderCases = []acceptanceCase{
	{name: "A01_chain", run: func(w *world) {
		w.on("C", func(c *direct.Context, _ json.RawMessage) (any, error) {
			for _, id := range []string{"A", "B"} {
				var got string
				if err := c.Result(id, &got); err != nil || got != id {
					w.Errorf("result of %s: %q, %v", id, got, err)
				}
				if ok, err := c.Get(id+".__result__", &got); !ok || err != nil || got != id {
					w.Errorf("channel key of %s: %q, %v", id, got, err)
				}
			}
			return "C", nil
		})
		out := w.run(w.flow("A>B>C"))
		w.wantLog("A B C")
		w.wantSucceeded(out, `"C"`)
		w.wantResults("A", "B", "C")
	}},
	{name: "A02_chain_of_10", run: func(w *world) {
		w.wantSucceeded(w.run(w.flow("a>b>c>d>e>f>g>h>i>j")), `"j"`)
		w.wantLog("a b c d e f g h i j")
	}},
	{name: "A03_chains_of_chains", run: func(w *world) {
		p := w.plain
		out := w.run(w.nodes(engine.Seq(engine.Seq(p("a"), p("b")), engine.Seq(p("c"), p("d")))))
		w.wantSucceeded(out, `"d"`)
		w.wantLog("a b c d")
	}},
	{name: "A04_breadth_first", run: func(w *world) {
		out := w.run(w.flow("A>B, A>C, A>D, B>E, C>F, D>G"))
		w.wantSucceeded(out, `{"E":"E","F":"F","G":"G"}`)
		w.wantLog("A B C D E F G")
	}},
	{name: "A05_group", run: func(w *world) {
		p := w.plain
		out := w.run(w.nodes(engine.Seq(p("fetch"), engine.Par(p("ta"), p("tb")), p("store"))))
		w.wantSucceeded(out, `"store"`)
		w.wantLog("fetch ta tb store")
	}},
	{name: "A06_group_with_a_chain", run: func(w *world) {
		p := w.plain
		out := w.run(w.nodes(engine.Seq(p("fetch"), engine.Par(engine.Seq(p("ta"), p("sub")), p("tb")), p("store"))))
		w.wantSucceeded(out, `"store"`)
		w.wantLog("fetch ta tb sub store")
	}},
	{name: "A07_diamond", run: func(w *world) {
		w.wantSucceeded(w.run(w.flow("A>B>D, A>C>D, D>E")), `"E"`)
		w.wantLog("A B C D E")
	}},
	{name: "A08_diamond_with_goto", run: func(w *world) {
		w.effect("B", func(c *direct.Context) { c.Goto(engine.Task{ID: "X"}) })
		w.on("D", func(_ *direct.Context, in json.RawMessage) (any, error) { return in, nil })
		s := w.flow("A>B>D, A>C>D, X")
		s.Start = []string{"A"}
		w.wantSucceeded(w.run(s), `{"D":"C","X":"X"}`)
		w.wantLog("A B C X D")
	}},
	{name: "A09_diamond_with_failure", run: func(w *world) {
		w.on("C", func(*direct.Context, json.RawMessage) (any, error) { return nil, fmt.Errorf("boom") })
		out := w.run(w.flow("A>B>D, A>C>D"))
		w.wantStatus(out, engine.StatusFailed, "")
		w.wantError(out, engine.KindError, "boom")
		w.wantLog("A B C")
		w.wantPending(out, "D")
		if out.Task != "C" || out.Error.Task != "C" {
			w.Errorf("task %q, error's task %q, want C", out.Task, out.Error.Task)
		}
	}},
	{name: "A09b_shortcut", run: func(w *world) {
		w.wantSucceeded(w.run(w.flow("a>b, a>d, b>d")), `"d"`)
		w.wantLog("a b d")
	}},
	{name: "A10_cycle_of_three", run: func(w *world) {
		w.effect("agent", func(c *direct.Context) {
			if c.Call.Cycle == 3 {
				c.Terminate("enough")
			}
		})
		s := w.flow("agent>tool>agent")
		s.Start = []string{"agent"}
		out := w.run(s)
		w.wantStatus(out, engine.StatusSucceeded, engine.ReasonTerminated)
		w.wantSucceeded(out, `"agent"`)
		w.wantLog("agent tool agent tool agent")
		w.wantEnded("agent:succeeded tool:succeeded agent#2:succeeded tool#2:succeeded agent#3:succeeded")
	}},
	{name: "A11_cycle_of_one", run: func(w *world) {
		w.effect("agent", func(c *direct.Context) { c.Terminate("enough") })
		s := w.flow("agent>tool>agent")
		s.Start = []string{"agent"}
		w.wantStatus(w.run(s), engine.StatusSucceeded, engine.ReasonTerminated)
		w.wantLog("agent")
	}},
	{name: "A12_pure_cycle", run: func(w *world) {
		w.wantBuildError(w.flow("a>b>a"), "start: ", "name a start")
	}},
	{name: "A12_two_roots", run: func(w *world) {
		w.wantSucceeded(w.run(w.flow("b>c, a>d")), `{"c":"c","d":"d"}`)
		w.wantLog("b a c d")
	}},
	{name: "A13_unknown_start", run: func(w *world) {
		s := w.flow("a>b")
		s.Start = []string{"nowhere"}
		w.wantBuildError(s, "start[0]", `"nowhere"`)
	}},
	{name: "A14_start_in_the_middle", run: func(w *world) {
		s := w.flow("s1>s2>s3")
		s.Start = []string{"s2"}
		w.wantSucceeded(w.run(s), `"s3"`)
		w.wantLog("s2 s3")
	}},
	{name: "A16_edge_to_nothing", run: func(w *world) {
		s := w.flow("a>b")
		s.Edges = append(s.Edges, engine.Edge{From: "b", To: "ghost"})
		w.wantBuildError(s, "edges[1].to", `"ghost"`)
	}},
	{name: "A17_duplicate_id", run: func(w *world) {
		s := w.flow("a>b")
		s.Tasks = append(s.Tasks, engine.Task{ID: "a"})
		w.wantBuildError(s, "tasks.a", "declared twice")
	}},
	{name: "A17_all_faults_at_once", run: func(w *world) {
		s := w.flow("a>b")
		s.Tasks = append(s.Tasks, engine.Task{ID: "a"})
		s.Edges = append(s.Edges, engine.Edge{From: "b", To: "ghost"})
		s.Start = []string{"nowhere"}
		w.wantBuildError(s, "declared twice", `"ghost"`, `"nowhere"`)
	}},
	{name: "A18_step_limit", run: func(w *world) {
		s := w.flow("a>b>c")
		s.Limits.MaxSteps = 2
		out := w.run(s)
		w.wantStatus(out, engine.StatusFailed, engine.ReasonStepLimit)
		w.wantError(out, engine.KindStepLimit, "max_steps 2")
		w.wantLog("a b")
		w.wantPending(out, "c")
		if out.Steps != 2 {
			w.Errorf("%d steps, want 2", out.Steps)
		}
	}},
	{name: "A19_self_edge", run: func(w *world) {
		s := w.flow("a>a")
		s.Start = []string{"a"}
		s.Limits = engine.RunLimits{MaxSteps: 20, MaxCycles: ptr(0)}
		out := w.run(s)
		w.wantStatus(out, engine.StatusFailed, engine.ReasonStepLimit)
		w.wantCount("a", 20)
		w.wantPending(out, "a#21")
	}},
	{name: "A19b_one_graph_twice_at_once", run: twiceAtOnce},
	{name: "A19c_thirty_diamonds", run: thirtyDiamonds},
}

func twiceAtOnce(w *world) {
	w.config.Concurrency = 8
	w.on("count", func(c *direct.Context, in json.RawMessage) (any, error) {
		if err := c.Add("n", 1); err != nil {
			return nil, err
		}
		if c.Call.Cycle < 5 {
			return nil, c.NextIteration(decodeInt(in))
		}
		return in, nil
	})
	w.on("read", func(c *direct.Context, in json.RawMessage) (any, error) {
		var n int
		_, err := c.Get("n", &n)
		return []int{decodeInt(in), n}, err
	})
	g := w.build(w.flow("count>read"))
	w.open()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			out, err := w.engine.Run(w.Context(), g, json.RawMessage(fmt.Sprint(i)))
			if got, want := string(out.Output), fmt.Sprintf("[%d,5]", i); err != nil || got != want {
				w.Errorf("run %d: output %s, %v, want %s", i, got, err, want)
			}
		})
	}
	wg.Wait()
}

// thirtyDiamonds would take 2^30 steps if a tail ran once a path.
func thirtyDiamonds(w *world) {
	w.config.Retain = true
	var text strings.Builder
	for i := range 30 {
		fmt.Fprintf(&text, "m%d>l%d>m%d, m%d>r%d>m%d,", i, i, i+1, i, i, i+1)
	}
	s := w.flow(strings.TrimSuffix(text.String(), ","))
	for i := range s.Edges {
		s.Edges[i].When = `result != "" && true`
	}
	began := time.Now()
	r := w.start(s)
	w.wantSucceeded(w.wait(r), `"m30"`)
	if took := time.Since(began); took > 5*time.Second {
		w.Errorf("took %s", took)
	}
	events, err := w.backend.Journal.Read(w.Context(), r.ID(), 0)
	if err != nil {
		w.Fatal(err)
	}
	verdicts := 0
	for _, e := range events {
		verdicts += len(e.Alive)
	}
	if verdicts != len(s.Edges) {
		w.Errorf("%d conditions recorded, want %d", verdicts, len(s.Edges))
	}
	for _, t := range s.Tasks {
		w.wantCount(t.ID, 1)
	}
}
