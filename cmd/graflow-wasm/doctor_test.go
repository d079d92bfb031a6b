package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/natsbus"
)

func TestDoctorFindsQueuesThatNobodyTakes(t *testing.T) {
	t.Parallel()
	gpu := map[string]string{"gpu": "1"}
	worker := natsbus.NodeInfo{Node: "w", Role: roleWorker, Queues: []string{"default", "slow"}, Labels: map[string]string{"gpu": "1", "zone": "b"}}
	draining, other, plain := worker, worker, worker
	draining.Draining = true
	other.Labels = map[string]string{"gpu": "2"}
	plain.Labels = nil
	queue := func(name string, requires map[string]string, ready uint64, oldest time.Duration) natsbus.QueueInfo {
		return natsbus.QueueInfo{Queue: name, Requires: requires, Ready: ready, Oldest: oldest, InFlight: 1}
	}
	for _, test := range []struct {
		name   string
		queue  natsbus.QueueInfo
		nodes  []natsbus.NodeInfo
		status string
		want   string
	}{
		{"taken", queue("slow", gpu, 3, time.Second), []natsbus.NodeInfo{plain, worker}, findingOK, "3 ready, 1 running"},
		{"without a worker", queue("slow", nil, 1, time.Second), nil, findingWrong, "1 task is ready, the oldest for 1s, and no worker takes it"},
		{"of another queue", queue("far", nil, 2, time.Second), []natsbus.NodeInfo{worker}, findingWrong, "2 tasks are ready, the oldest for 1s, and no worker takes them"},
		{"other labels", queue("slow", gpu, 1, time.Second), []natsbus.NodeInfo{other}, findingWrong, "takes it, which requires gpu=1"},
		{"no labels", queue("slow", gpu, 1, time.Second), []natsbus.NodeInfo{plain}, findingWrong, "graflow-wasm worker --queues slow --labels gpu=1"},
		{"draining", queue("slow", gpu, 1, time.Second), []natsbus.NodeInfo{draining}, findingWrong, "no worker takes it"},
		{"nothing ready", queue("far", nil, 0, time.Hour), nil, findingOK, "0 ready, 1 running"},
		{"behind", queue("slow", nil, 7, time.Hour), []natsbus.NodeInfo{worker}, findingWarning, "the oldest since 1h0m0s, for 1 worker"},
	} {
		var f findings
		f.queues([]natsbus.QueueInfo{test.queue}, test.nodes)
		if len(f.all) != 1 || f.all[0].Status != test.status || !strings.Contains(f.all[0].Text+" "+f.all[0].Do, test.want) {
			t.Errorf("%s: got %+v, want %s: %s", test.name, f.all, test.status, test.want)
		}
	}
}

func TestDoctorLooksAtProcesses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		nodes []natsbus.NodeInfo
		want  string
	}{
		{"nobody", nil, "wrong workers"},
		{"no driver", []natsbus.NodeInfo{{Role: roleWorkOnly}}, "wrong workers"},
		{"well", []natsbus.NodeInfo{{Role: roleServer, Version: "1"}, {Role: roleWorkOnly, Version: "1"}}, "ok workers"},
		{"two versions", []natsbus.NodeInfo{{Role: roleServer, Version: "1"}, {Role: roleWorker, Version: "2"}}, "ok workers, warning versions"},
	} {
		var f findings
		f.processes(test.nodes)
		var got []string
		for _, one := range f.all {
			got = append(got, one.Status+" "+one.Check)
		}
		if text := strings.Join(got, ", "); text != test.want {
			t.Errorf("%s: got %s, want %s", test.name, text, test.want)
		}
	}
}

func TestDoctorComparesClocks(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for age, want := range map[time.Duration]string{
		0: findingOK, 9 * time.Second: findingOK, -2 * time.Second: findingOK, -time.Minute: findingWarning, time.Minute: findingWarning,
	} {
		var f findings
		f.clocks([]natsbus.NodeInfo{{Seen: now.Add(-age)}}, now)
		if len(f.all) != 1 || f.all[0].Status != want {
			t.Errorf("a word that is %s old: got %+v, want %s", age, f.all, want)
		}
	}
}

func TestDoctorLooksAtStorage(t *testing.T) {
	t.Parallel()
	stream := func(replicas, current int, leader string) natsbus.StreamHealth {
		return natsbus.StreamHealth{Name: "GF_RUN", Replicas: replicas, Current: current, Leader: leader, MaxBytes: -1}
	}
	tasks := func(bytes uint64) natsbus.StreamHealth {
		return natsbus.StreamHealth{Name: "GF_TASKS", Replicas: 1, Current: 1, Bytes: bytes, MaxBytes: 1 << 30}
	}
	log := natsbus.StreamHealth{Name: "GF_LOG", Replicas: 1, Current: 1, Bytes: 100, MaxBytes: 100}
	for _, test := range []struct {
		name string
		of   natsbus.Health
		want string
	}{
		{"one", natsbus.Health{Stored: 3000, MaxStore: -1, Streams: []natsbus.StreamHealth{stream(1, 1, "")}}, "ok: 2.9 KiB stored; ok: everything is stored by one server"},
		{"three", natsbus.Health{MaxStore: 1 << 40, Streams: []natsbus.StreamHealth{stream(3, 3, "a")}}, "ok: 0 B stored of at most 1.0 TiB; ok: everything is stored by 3 servers, all up to date"},
		{"one behind", natsbus.Health{Streams: []natsbus.StreamHealth{stream(3, 2, "a")}}, "ok: 0 B stored; warning: 1 stream has a server that is behind or gone, of 1"},
		{"no leader", natsbus.Health{Streams: []natsbus.StreamHealth{stream(3, 1, "")}}, "ok: 0 B stored; wrong: stream GF_RUN has no leader: nothing can be stored there"},
		{"mixed", natsbus.Health{Streams: []natsbus.StreamHealth{stream(3, 3, "a"), stream(1, 1, "")}}, "ok: 0 B stored; warning: streams are stored by 1 to 3 servers"},
		{"full account", natsbus.Health{Stored: 90, MaxStore: 100}, "warning: the account has 90 B of at most 100 B; ok"},
		{"full queue", natsbus.Health{Streams: []natsbus.StreamHealth{tasks(1 << 30)}}, "warning: stream GF_TASKS has 1.0 GiB of at most 1.0 GiB; ok"},
		{"logs go", natsbus.Health{Streams: []natsbus.StreamHealth{log}}, "ok: 0 B stored; ok"},
	} {
		var f findings
		f.storage(test.of)
		f.replicas(test.of)
		var got []string
		for _, one := range f.all {
			got = append(got, one.Status+": "+one.Text)
		}
		if text := strings.Join(got, "; "); !strings.HasPrefix(text, test.want) {
			t.Errorf("%s: got %s, want %s", test.name, text, test.want)
		}
	}
}

func TestDoctorEnds(t *testing.T) {
	t.Parallel()
	var f findings
	f.ok("a", "fine")
	f.warn("b", "look", "hm")
	if err := f.err(); err != nil {
		t.Errorf("warnings end it with %v", err)
	}
	f.wrong("c", "mend", "bad\x1b[31m")
	var e *exitError
	if err := f.err(); !errors.As(err, &e) || e.Code != exitFailed {
		t.Errorf("what is wrong ends it with %v, want exit code %d", err, exitFailed)
	}
	f.unreachable = true
	if err := f.err(); !errors.As(err, &e) || e.Code != exitUnreachable {
		t.Errorf("a cluster that does not answer ends it with %v, want exit code %d", err, exitUnreachable)
	}
	var b bytes.Buffer
	if err := writeFindings(&b, f.all, "text"); err != nil {
		t.Fatal(err)
	}
	want := "ok       a  fine\nwarning  b  hm\n            do: look\nwrong    c  bad\\x1b[31m\n            do: mend\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
