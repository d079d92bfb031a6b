package sim_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine/enginetest/sim"
)

// plant is a bug that is put into the engine's source for one test.
type plant struct {
	what     string
	file     string // of the engine
	old, bug string
}

var plants = []plant{
	{
		"a commit without a fence", "worker.go",
		"	_, appendErr := a.engine.backend.Journal.Append(ctx, d.Run, d.Activation, d.Rev, ",
		"	rev, _ := a.engine.backend.Journal.Last(ctx, d.Run, d.Activation)\n	_, appendErr := a.engine.backend.Journal.Append(ctx, d.Run, d.Activation, rev, ",
	},
	{
		"a barrier that is released for each of the last two members", "group.go",
		"	if g.holding || g.active > 0 || r.nodes[g.vertex].group != g {",
		"	if g.holding || g.active > 1 {",
	},
	{
		"a barrier that lets its successors go twice", "barrier.go",
		"	default:\n		r.groupSucceeded(g)\n",
		"	default:\n		r.groupSucceeded(g)\n		r.groupFollows(g)\n",
	},
	{
		"a cycle counter that begins anew", "activate.go",
		"cycle: int(n.visits), attempt: 1,", "cycle: 1, attempt: 1,",
	},
	{
		"an attempt counter that stands still", "fail.go",
		"act.attempt-act.earlier, r.id+act.id)", "1, r.id+act.id)",
	},
	{
		"a step counter that a recovery resets", "recover.go",
		"	o.run.commands = nil\n	o.observe()", "	o.run.commands, o.run.steps = nil, 0\n	o.observe()",
	},
	{
		"effects of failed attempts that are kept", "attempt_event.go",
		"	e.Effects.Cancel = result.Effects.Cancel\n", "	e.Effects = result.Effects\n",
	},
	{
		"channel writes of failed tasks that count", "fail.go",
		"	r.retire(act)\n	act.retrying = false\n",
		"	r.retire(act)\n	r.write(act.scope, ChannelOp{Op: OpAdd, Key: \"count\", Value: []byte(\"1\")})\n	act.retrying = false\n",
	},
	{
		"a recovery that forgets what was enqueued", "outstanding.go",
		"	add(Command{Kind: CommandEnqueue, Delivery: act.delivery})\n", "",
	},
	{
		"a recovery that forgets retries", "outstanding.go",
		"		add(Command{Kind: CommandTimer, Activation: act.id, Attempt: act.attempt + 1, At: act.timing.retry})\n", "",
	},
	{
		"a late timer of an earlier attempt that is obeyed", "expire.go",
		"queued && (act.retrying || act.attempt != c.Attempt) {\n		return\n	}\n	if queued && !act.timing.queued.Equal(c.At) {",
		"queued && act.retrying {\n		return\n	}\n	if queued && act.timing == nil {",
	},
	{
		"retries that come early", "running_timers.go",
		"	o.setTimer(activation, o.delay(c), func() {\n		err := o.decide", "	o.setTimer(activation, o.delay(c)/2, func() {\n		err := o.decide",
	},
	{
		"a fallback of what was canceled", "recovery.go",
		"	if err != nil && !r.ending(act) && ", "	if err != nil && ",
	},
	{
		"writes that each superstep merges again", "barrier.go",
		"		s.ops, s.finished = nil, nil\n", "		s.finished = nil\n",
	},
	{
		"an attempt that is executed again with other answers", "pause.go",
		"	act.answers = answers\n", "",
	},
	{
		"answers of calls that are mixed up", "calls.go",
		"		all[i] = r.answerOf(i, call.ID)\n", "		all[len(all)-1-i] = r.answerOf(i, call.ID)\n",
	},
	{
		"a retry that forgets what was answered", "calls.go",
		"		act.calls.record = act.calls.record[:i:i] // deliveries share what was there\n", "		act.calls.record = nil\n",
	},
	{
		"a call that has failed and is not made again", "calls.go",
		"	if i := slices.IndexFunc(act.calls.record, Called.failed); i >= 0 {", "	if i := slices.IndexFunc(act.calls.record, Called.failed); i > 0 {",
	},
	{
		"a caller that is not stopped with its group", "calls.go",
		"	if r.ending(act) {\n		r.stopIdle(act, e)\n		return\n	}\n", "",
	},
}

// clusterPlants are bugs of what several processes do.
var clusterPlants = []plant{
	{
		"a claim that does not fence", "claim.go",
		"	seq, err := a.engine.backend.Journal.Append(ctx, d.Run, d.Activation, d.Rev, e)\n",
		"	last, _ := a.engine.backend.Journal.Last(ctx, d.Run, d.Activation)\n	seq, err := a.engine.backend.Journal.Append(ctx, d.Run, d.Activation, last, e)\n",
	},
	{
		"a hold that forgets what is on its way", "ticket.go",
		"	case how == parked || a.engine.taking.Err() != nil:\n		a.settle(errHandedBack)\n",
		"	case how == parked:\n		a.settled.Store(true)\n		_ = a.lease.Ack(ctx)\n		return false, nil\n	case a.engine.taking.Err() != nil:\n		a.settle(errHandedBack)\n",
	},
	{
		"a stop that is never settled", "far.go",
		"	o.setTimer(activation, wait, func() { o.settleStop(activation, rev, begun) })\n", "	_, _ = wait, begun\n",
	},
	{
		"a ticket that is acked while another works on it", "ticket.go",
		"		return errLeaseEnds\n", "		return errFenced\n",
	},
	{
		"a lease that is not extended", "leases.go",
		"	err := a.lease.Extend(ctx)\n", "	err := ctx.Err()\n",
	},
	{
		"a run that is not recovered once it was given up", "join.go",
		"			o.engine.recoverAgain(o.id)\n", "",
	},
}

var foundSeed = regexp.MustCompile(`seed (\d+): .*`)

// TestPlantedBugs puts bugs into the engine's source, one at a time, and wants
// the simulator to find each, by a seed that breaks nothing without it.
func TestPlantedBugs(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles the engine once for each bug")
	}
	for i, p := range slices.Concat(plants, clusterPlants) {
		cluster := i >= len(plants)
		t.Run(strings.ReplaceAll(p.what, " ", "-"), func(t *testing.T) {
			t.Parallel()
			out := simulateWith(t, p, cluster)
			found := foundSeed.FindStringSubmatch(out)
			if found == nil || !strings.Contains(out, "shrunk to a case that breaks") {
				t.Fatalf("the simulator did not find %s:\n%s", p.what, out)
			}
			t.Log(found[0])
			seed, err := strconv.ParseUint(found[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			var broken *sim.Violation
			if cluster {
				broken = sim.SimulateCluster(t, sim.GenerateCluster(seed), nil).Broken
			} else {
				broken = sim.Simulate(t, sim.Generate(seed), nil).Broken
			}
			if broken != nil {
				t.Errorf("seed %d breaks a rule without the bug too: %v", seed, broken)
			}
		})
	}
}

// simulateWith runs TestSimulate, or that of clusters, on an engine with the bug, and returns what it
// said.
func simulateWith(t *testing.T, p plant, cluster bool) string {
	t.Helper()
	test := []string{"^TestSimulate$", "-sim.seeds=20000"}
	if cluster {
		test = []string{"^TestSimulateCluster$", "-sim.cluster=20000"}
	}
	file, err := filepath.Abs(filepath.Join("..", "..", p.file))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), p.old); n != 1 {
		t.Fatalf("%s has %d times %q, want 1: plant the bug where it belongs now", p.file, n, p.old)
	}
	dir := t.TempDir()
	bug, overlay := filepath.Join(dir, p.file), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{file: bug}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{bug: strings.Replace(string(source), p.old, p.bug, 1), overlay: string(replace)} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "-vet=off", "-count=1", "-run", test[0], ".", test[1]).CombinedOutput()
	if err == nil || strings.Contains(string(out), "[build failed]") {
		t.Fatalf("go test: %v\n%s", err, out)
	}
	return string(out)
}
