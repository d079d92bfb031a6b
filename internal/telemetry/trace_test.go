package telemetry_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/handlers/docker"
	"github.com/graflow/graflow-wasm/internal/dockertest"
	"github.com/graflow/graflow-wasm/internal/telemetry"
)

// traced is a process whose spans a receiver has.
func traced(t *testing.T, r *receiver, node string) *telemetry.Telemetry {
	t.Helper()
	tel, err := telemetry.New(t.Context(), telemetry.Config{Traces: &telemetry.Traces{Endpoint: r.URL, Node: node}})
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

// flush sends what there is, of processes whose engines have ended.
func flush(t *testing.T, all ...*telemetry.Telemetry) {
	t.Helper()
	for _, tel := range all {
		if err := tel.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTrace follows a run over NATS: one process begins it, another drives it, a third
// executes its tasks, whose guest asks a server.
func TestTrace(t *testing.T) {
	t.Parallel()
	r, asked := newReceiver(t), make(chan string, 1)
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header.Get("Traceparent") }))
	defer web.Close()
	server := newServer(t)
	client, owner, worker := traced(t, r, "client"), traced(t, r, "owner"), traced(t, r, "worker")
	handlers := func(tel *telemetry.Telemetry) map[string]engine.Handler {
		return map[string]engine.Handler{"wasm": newWasm(t, newHost(t, tel)), "direct": agents()}
	}
	engines := []*engine.Engine{
		join(t, server, engine.PartNone, client, handlers(client)), join(t, server, engine.PartOwner, owner, handlers(owner)),
		join(t, server, engine.PartWorker, worker, handlers(worker)),
	}
	s := engine.Spec{Name: "followed", Tasks: []engine.Task{
		{ID: "agent", Spec: json.RawMessage(`{"func":"agent"}`), Tools: []string{"tool"}},
		{ID: "tool", Spec: json.RawMessage(`{"func":"tool"}`)},
	}}
	fetch := guestTask(t, "fetch", `{"http":["`+strings.TrimPrefix(web.URL, "http://")+`"],"http_networks":["127.0.0.0/8"]}`)

	s.Connect(engine.Seq(fetch, s.Tasks[0]))

	out := start(t, engines[0], &s, engine.Start{ID: "r", Input: json.RawMessage(`"` + web.URL + `"`), Trace: "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"})
	if out.Status != engine.StatusSucceeded {
		t.Fatalf("outcome %+v", out)
	}
	waitUntil(t, func() bool { return engines[1].Counts().Succeeded == 1 }) // the client may know before the owner
	for _, e := range engines {
		_ = e.Close()
	}
	flush(t, client, owner, worker)
	want := strings.TrimPrefix(`
?
  client: submit followed
    owner: run followed
      worker: queue fetch
      worker: attempt fetch
        worker: http_request
        worker: http_request !
      worker: queue agent
      worker: attempt agent
        worker: queue tool
        worker: attempt tool
      worker: queue agent
      worker: attempt agent
`, "\n")
	if got := r.tree(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if all := r.traces(); len(all) != 1 || !all["0123456789abcdef0123456789abcdef"] {
		t.Errorf("got traces %v, want the one that was given", all)
	}
	request := r.named("http_request")[0]
	if got, want := <-asked, "00-0123456789abcdef0123456789abcdef-"+hex.EncodeToString(request.GetSpanId())+"-01"; got != want {
		t.Errorf("the server was asked as %q, want %q", got, want)
	}
	if run := r.named("run followed")[0]; run.GetEndTimeUnixNano() < request.GetEndTimeUnixNano() {
		t.Error("the run ends before what it waits for")
	}
}

// agents are functions of which one calls the other.
func agents() *direct.Handler {
	h := direct.New()
	direct.Func(h, "agent", func(c *direct.Context, _ json.RawMessage) (any, error) {
		return c.CallTasks(engine.TaskCall{ID: "tool"})
	})
	direct.Func(h, "tool", func(*direct.Context, json.RawMessage) (any, error) { return 1, nil })
	return h
}

// TestTraceIntoContainer: what runs in a container finds its attempt's span.
func TestTraceIntoContainer(t *testing.T) {
	t.Parallel()
	dockertest.Daemon(t)
	image, r := dockertest.Busybox(t), newReceiver(t)
	tel := traced(t, r, "worker")
	h, err := docker.New(docker.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"docker": h}, Probe: tel.Engine()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	spec := json.RawMessage(`{"image":"` + image + `","command":["/bin/sh","-c","printf '\"%s\"' $TRACEPARENT"],"result":"stdout"}`)
	out := start(t, e, &engine.Spec{Name: "contained", Tasks: []engine.Task{{ID: "show", Handler: "docker", Spec: spec}}}, engine.Start{})
	flush(t, tel)
	if len(r.named("attempt show")) != 1 {
		t.Fatalf("spans\n%s", r.tree())
	}
	attempt := r.named("attempt show")[0]
	want := `"00-` + hex.EncodeToString(attempt.GetTraceId()) + "-" + hex.EncodeToString(attempt.GetSpanId()) + `-01"`
	if string(out.Output) != want {
		t.Errorf("the container was told %s, %v, want %s", out.Output, out.Error, want)
	}
}
