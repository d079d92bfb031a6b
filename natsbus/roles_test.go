package natsbus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// roleServer is a server with a user for each role in the namespace main, and with
// all streams, if they are wanted.
func roleServer(tb testing.TB, setUp bool) (*embedded.Server, *Bus) {
	tb.Helper()
	cfg := embedded.Config{Dir: tb.TempDir(), Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)}
	for _, role := range Roles() {
		p, err := Permissions(role, "")
		if err != nil {
			tb.Fatal(err)
		}
		cfg.Users = append(cfg.Users, embedded.User{Name: string(role), All: p.All, Publish: p.Publish, Subscribe: p.Subscribe})
	}
	s, err := embedded.Start(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Shutdown)
	b := openBus(tb, s.Connect, "main")
	if setUp {
		if err := b.Setup(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
	return s, b
}

// asRole opens a bus with a role's credentials. What is not permitted fails the test.
func asRole(tb testing.TB, s *embedded.Server, role Role) *Bus {
	tb.Helper()
	b := openBus(tb, roleDial(s, role), "main")
	tb.Cleanup(func() {
		if err := b.nc.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
			tb.Errorf("%s at its work: %v", role, err)
		}
	})
	return b
}

func roleDial(s *embedded.Server, role Role) func(...nats.Option) (*nats.Conn, error) {
	return Dial(DialConfig{URL: s.ClientURL(), NKey: s.Credentials(string(role)), Logger: slog.New(slog.DiscardHandler)})
}

// deeds are what users may try, and who may. Nobody else may.
var deeds = []struct {
	name               string
	publish, subscribe string
	may                []Role
}{
	{name: "start a run", publish: "gf.run.3._main._r.d.start", may: []Role{RoleSubmitter}},
	{name: "start a run of another namespace", publish: "gf.run.3._other._r.d.start"},
	{name: "decide", publish: "gf.run.3._main._r.d.ev"},
	{name: "commit", publish: "gf.run.3._main._r.t._a", may: []Role{RoleWorker}},
	{name: "commit in another namespace", publish: "gf.run.3._other._r.t._a"},
	{name: "write beside the log", publish: "gf.run.3._main._r.other"},
	{name: "enqueue", publish: "gf.task._default._.n._main._r._a.1"},
	{name: "announce a class", publish: "gf.class._main"},
	{name: "schedule", publish: "gf.delay.x"},
	{name: "bury", publish: "gf.dead._main._r._a", may: []Role{RoleWorker}},
	{name: "put a blob", publish: "gf.blob._main._r.00.0", may: []Role{RoleSubmitter, RoleWorker}},
	{name: "put a blob into another namespace", publish: "gf.blob._other._r.00.0"},
	{name: "write a module", publish: "gf.mod._main.c.00.0", may: []Role{RoleSubmitter, RoleOperator}},
	{name: "keep a run's module", publish: "gf.mod._main.r._local._1.00", may: []Role{RoleSubmitter, RoleOperator}},
	{name: "name a module", publish: "gf.mod._main.r._m._1.00", may: []Role{RoleOperator}},
	{name: "name a module in another namespace", publish: "gf.mod._other.r._m._1.00"},
	{name: "keep a document", publish: "gf.cfg._main._flow._f", may: []Role{RoleOperator}},
	{name: "keep a document in another namespace", publish: "gf.cfg._other._flow._f"},
	{name: "write the live channel", publish: "gf.ch._main._r.k._key"},
	{name: "take a lock", publish: "gf.ch._main._r.l._lock"},
	{name: "mark a run", publish: "gf.idx._main._r"},
	{name: "archive a run", publish: "gf.arc._main._r.0"},
	{name: "say that it is there", publish: "gf.node._main.w._n", may: []Role{RoleWorker}},
	{name: "own a partition", publish: "gf.node._main.p.3"},
	{name: "tell", publish: "gf.log._main._r", may: []Role{RoleWorker}},
	{name: "signal", publish: "gf.sig._main._r"},
	{name: "ask an owner", publish: "gf.ctl._main.3", may: []Role{RoleSubmitter, RoleOperator}},
	{name: "ask an owner of another namespace", publish: "gf.ctl._other.3"},
	{name: "answer in an owner's place", subscribe: "gf.ctl._main.3"},
	{name: "answer another's request", publish: "_INBOX.UOTHER.x"},

	{name: "read a log", publish: "$JS.API.DIRECT.GET.GF_RUN", may: []Role{RoleSubmitter, RoleWorker, RoleOperator, RoleViewer}},
	{name: "read the index", publish: "$JS.API.DIRECT.GET.GF_INDEX", may: []Role{RoleSubmitter, RoleWorker, RoleOperator, RoleViewer}},
	{name: "read an archive", publish: "$JS.API.DIRECT.GET.GF_ARCHIVE", may: []Role{RoleSubmitter, RoleWorker, RoleOperator, RoleViewer}},
	{name: "read a blob", publish: "$JS.API.DIRECT.GET.GF_BLOB.gf.blob._main._r.00.0", may: []Role{RoleSubmitter, RoleWorker, RoleOperator, RoleViewer}},
	{name: "read a blob of another namespace", publish: "$JS.API.DIRECT.GET.GF_BLOB.gf.blob._other._r.00.0"},
	{name: "read any blob", publish: "$JS.API.DIRECT.GET.GF_BLOB"},
	{name: "read any blob through the leader", publish: "$JS.API.STREAM.MSG.GET.GF_BLOB"},
	{name: "read modules", publish: "$JS.API.DIRECT.GET.GF_MOD", may: []Role{RoleSubmitter, RoleWorker, RoleOperator, RoleViewer}},
	{name: "read documents", publish: "$JS.API.DIRECT.GET.GF_CFG", may: []Role{RoleSubmitter, RoleOperator, RoleViewer}},
	{name: "read dead letters", publish: "$JS.API.STREAM.MSG.GET.GF_DEAD", may: []Role{RoleOperator, RoleViewer}},
	{name: "read the queue", publish: "$JS.API.STREAM.MSG.GET.GF_TASKS", may: []Role{RoleOperator, RoleViewer}},
	{name: "read live channels", publish: "$JS.API.STREAM.MSG.GET.GF_CHANNEL", may: []Role{RoleOperator, RoleViewer}},
	{name: "list streams", publish: "$JS.API.STREAM.LIST", may: []Role{RoleOperator, RoleViewer}},
	{name: "take tickets", publish: "$JS.API.CONSUMER.MSG.NEXT.GF_TASKS.c", may: []Role{RoleWorker}},
	{name: "take what others consume", publish: "$JS.API.CONSUMER.MSG.NEXT.GF_RUN.c"},
	{name: "ack a ticket", publish: "$JS.ACK.GF_TASKS.c.1.1.1.1.0", may: []Role{RoleWorker}},
	{name: "ack a ticket in the new form", publish: "$JS.ACK._.acc.GF_TASKS.c.1.1.1.1.0.x", may: []Role{RoleWorker}},
	{name: "ack what others consume", publish: "$JS.ACK.GF_RUN.c.1.1.1.1.0"},

	{name: "create a stream", publish: "$JS.API.STREAM.CREATE.GF_RUN"},
	{name: "change a stream", publish: "$JS.API.STREAM.UPDATE.GF_RUN"},
	{name: "delete a stream", publish: "$JS.API.STREAM.DELETE.GF_RUN"},
	{name: "purge logs", publish: "$JS.API.STREAM.PURGE.GF_RUN"},
	{name: "purge the queue", publish: "$JS.API.STREAM.PURGE.GF_TASKS"},
	{name: "purge blobs", publish: "$JS.API.STREAM.PURGE.GF_BLOB"},
	{name: "purge modules", publish: "$JS.API.STREAM.PURGE.GF_MOD", may: []Role{RoleOperator}},
	{name: "delete a dead letter", publish: "$JS.API.STREAM.MSG.DELETE.GF_DEAD", may: []Role{RoleOperator}},
	{name: "delete an event", publish: "$JS.API.STREAM.MSG.DELETE.GF_RUN"},
	{name: "restore a stream", publish: "$JS.API.STREAM.RESTORE.GF_RUN"},
	{name: "copy a stream", publish: "$JS.API.STREAM.SNAPSHOT.GF_RUN"},
	{name: "create a consumer", publish: "$JS.API.CONSUMER.CREATE.GF_RUN.c.gf.run.>"},
	{name: "create a durable consumer", publish: "$JS.API.CONSUMER.DURABLE.CREATE.GF_TASKS.c"},
	{name: "create a consumer of tickets", publish: "$JS.API.CONSUMER.CREATE.GF_TASKS.c"},
	{name: "delete a consumer", publish: "$JS.API.CONSUMER.DELETE.GF_TASKS.c"},
	{name: "pause a consumer", publish: "$JS.API.CONSUMER.PAUSE.GF_TASKS.c"},
	{name: "unpin a consumer", publish: "$JS.API.CONSUMER.UNPIN.GF_TASKS.c"},
	{name: "step a leader down", publish: "$JS.API.STREAM.LEADER.STEPDOWN.GF_RUN"},

	{name: "limit a queue", publish: "gf.adm._main.limit", may: []Role{RoleOperator}},
	{name: "limit a queue of another namespace", publish: "gf.adm._other.limit"},

	{name: "hear signals", subscribe: "gf.sig._main.*", may: []Role{RoleWorker}},
	{name: "hear of classes", subscribe: "gf.class._main", may: []Role{RoleWorker}},
	{name: "hear signals of another namespace", subscribe: "gf.sig._other.*"},
	{name: "follow runs", subscribe: "gf.run.*._main._r.>", may: []Role{RoleSubmitter, RoleOperator, RoleViewer}},
	{name: "follow runs of another namespace", subscribe: "gf.run.*._other._r.>"},
	{name: "follow notices", subscribe: "gf.log._main._r", may: []Role{RoleSubmitter, RoleOperator, RoleViewer}},
	{name: "hear all commits", subscribe: "gf.run.>"},
	{name: "hear the queue", subscribe: "gf.task.>"},
	{name: "hear requests to owners", subscribe: "gf.ctl.>"},
	{name: "hear everything", subscribe: ">"},
	{name: "hear all inboxes", subscribe: "_INBOX.>"},
	{name: "hear an inbox of the process", subscribe: "_INBOX.x.>"},
	{name: "hear advisories", subscribe: "$JS.EVENT.ADVISORY.>"},
	{name: "hear requests to JetStream", subscribe: "$JS.API.>"},
	{name: "hear the system", subscribe: "$SYS.>"},
}

// TestRolesMayDoNothingElse tries all deeds in all roles, of which an owner may do
// all, on a server without streams.
func TestRolesMayDoNothingElse(t *testing.T) {
	t.Parallel()
	s, _ := roleServer(t, false)
	for _, role := range Roles() {
		nc, err := roleDial(s, role)()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		for _, deed := range deeds {
			want := slices.Contains(deed.may, role) || role == RoleOwner
			if got := mayDo(t, nc, deed.publish, deed.subscribe); got != want {
				t.Errorf("%s may %s: %t, want %t", role, deed.name, got, want)
			}
		}
	}
}

// mayDo tries something. Each subject is tried once on a connection: a refusal names
// it.
func mayDo(t *testing.T, nc *nats.Conn, publish, subscribe string) bool {
	t.Helper()
	if publish != "" {
		if err := nc.Publish(publish, nil); err != nil {
			t.Fatal(err)
		}
	} else if _, err := nc.SubscribeSync(subscribe); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil { // the answer to it comes after the refusal
		t.Fatal(err)
	}
	err := nc.LastError()
	return !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), `"`+publish+subscribe+`"`)
}

// TestRolesReadNoOtherInbox has each role listen for what is said to the others.
func TestRolesReadNoOtherInbox(t *testing.T) {
	t.Parallel()
	s, _ := roleServer(t, false)
	conns := map[Role]*nats.Conn{}
	for _, role := range Roles() {
		nc, err := roleDial(s, role)()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		conns[role] = nc
	}
	for own, nc := range conns {
		for other, theirs := range conns {
			inbox := strings.Join(strings.Split(theirs.NewInbox(), ".")[:2], ".") + ".>"
			if got := mayDo(t, nc, "", inbox); got != (own == other || own == RoleOwner) {
				t.Errorf("%s may hear what is said to %s: %t", own, other, got)
			}
		}
	}
}

func TestPermissionsOfUnknownRole(t *testing.T) {
	t.Parallel()
	if p, err := Permissions("root", ""); err == nil || p.Publish != nil || p.Subscribe != nil {
		t.Errorf("role root may %+v, %v", p, err)
	}
	if _, err := Template("root", ""); err == nil {
		t.Error("there is a template for root")
	}
}

// TestWorkerWorks does all that a worker does, on its credentials.
func TestWorkerWorks(t *testing.T) {
	t.Parallel()
	s, owner := roleServer(t, true)
	ctx := t.Context()
	consumer, err := owner.js.CreateConsumer(ctx, streamTasks, jetstream.ConsumerConfig{
		Durable: "c", FilterSubject: "gf.task._default.>", AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		t.Fatal(err)
	}
	digest, _, err := newBlobs(owner).Put(ctx, "r", strings.NewReader("graph"))
	if err != nil {
		t.Fatal(err)
	}
	publishAll(t, owner, owner.runPrefix("r")+leafStart, "gf.task._default._.n._main._r._a.1")

	worker := asRole(t, s, RoleWorker)
	if data, err := read(ctx, worker, "r", digest); err != nil || string(data) != "graph" {
		t.Errorf("open a blob: %q, %v", data, err)
	}
	if _, _, err := newBlobs(worker).Put(ctx, "r", bytes.NewReader(random(t, 2*chunkBytes))); err != nil {
		t.Error(err)
	}
	tickets, err := worker.js.Consumer(ctx, streamTasks, "c")
	if err != nil {
		t.Fatal(err)
	}
	m, err := tickets.Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := worker.look(ctx, streamRuns, lookup{Last: worker.runPrefix("r") + leafDecisions}); err != nil {
		t.Errorf("read a log: %v", err)
	}
	publishAll(t, worker, worker.runPrefix("r")+leafTask+"_a", "gf.dead._main._r._a", "gf.node._main.w._n")
	if err := errors.Join(m.InProgress(), m.DoubleAck(ctx)); err != nil {
		t.Errorf("ack: %v", err)
	}
	if info, err := consumer.Info(ctx); err != nil || info.NumAckPending != 0 || info.NumPending != 0 {
		t.Errorf("the consumer after the ack: %+v, %v", info, err)
	}
}

// publishAll stores a message on each subject.
func publishAll(tb testing.TB, b *Bus, subjects ...string) {
	tb.Helper()
	for _, subject := range subjects {
		if _, err := b.js.Publish(tb.Context(), subject, []byte("{}")); err != nil {
			tb.Errorf("publish to %s: %v", subject, err)
		}
	}
}

// TestSubmitterWorks starts a run, asks its owner, who has the credentials of that
// role, and follows it.
func TestSubmitterWorks(t *testing.T) {
	t.Parallel()
	s, _ := roleServer(t, true)
	owner, submitter := asRole(t, s, RoleOwner), asRole(t, s, RoleSubmitter)
	if err := owner.Setup(t.Context()); err != nil {
		t.Errorf("set up as an owner: %v", err)
	}
	if _, err := owner.nc.Subscribe("gf.ctl._main.*", func(m *nats.Msg) { _ = m.Respond([]byte("yes")) }); err != nil {
		t.Fatal(err)
	}
	events, err := submitter.nc.SubscribeSync(submitter.runPrefix("r") + ".>")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []*Bus{owner, submitter} {
		if err := b.nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := newBlobs(submitter).Put(t.Context(), "r", strings.NewReader("graph")); err != nil {
		t.Error(err)
	}
	publishAll(t, submitter, submitter.runPrefix("r")+leafStart)
	if _, err := events.NextMsgWithContext(t.Context()); err != nil {
		t.Errorf("follow: %v", err)
	}
	m, err := submitter.nc.RequestWithContext(t.Context(), "gf.ctl._main.3", nil)
	if err != nil || string(m.Data) != "yes" {
		t.Errorf("ask: %v, %v", m, err)
	}
	publishAll(t, owner, "gf.idx._main._r")
	if _, err := submitter.Run(t.Context(), "none"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("look for a run: %v", err)
	}
	if _, err := submitter.Nodes(t.Context()); err != nil {
		t.Errorf("list processes: %v", err)
	}
}

// TestViewerAndOperatorWork read all there is; the operator also keeps it.
func TestViewerAndOperatorWork(t *testing.T) {
	t.Parallel()
	s, owner := roleServer(t, true)
	digest, _, err := newBlobs(owner).Put(t.Context(), "r", strings.NewReader("value"))
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Bury(t.Context(), engine.DeadLetter{Run: "r", Activation: "a", Reason: "test"}); err != nil {
		t.Fatal(err)
	}
	for _, role := range []Role{RoleViewer, RoleOperator} {
		b := asRole(t, s, role)
		if drift, err := b.Drift(t.Context()); err != nil || len(drift) != 0 {
			t.Errorf("%s: drift %q, %v", role, drift, err)
		}
		if data, err := read(t.Context(), b, "r", digest); err != nil || string(data) != "value" {
			t.Errorf("%s opens a blob: %q, %v", role, data, err)
		}
		if dead, err := b.DeadLetters(t.Context(), 0, 10); err != nil || len(dead) != 1 {
			t.Errorf("%s: dead letters %v, %v", role, dead, err)
		}
		if _, err := b.Modules(t.Context()); err != nil {
			t.Errorf("%s lists modules: %v", role, err)
		}
	}
	operator := asRole(t, s, RoleOperator)
	if err := operator.RemoveDead(t.Context(), 1); err != nil {
		t.Errorf("remove a dead letter: %v", err)
	}
	r, err := operator.PutModule(t.Context(), ModuleRecord{Name: "m"}, strings.NewReader("bytes"))
	if err != nil {
		t.Fatalf("push a module: %v", err)
	}
	module, err := asRole(t, s, RoleWorker).OpenModule(t.Context(), r.Digest)
	if err != nil {
		t.Fatalf("a worker opens a module: %v", err)
	}
	if data, err := io.ReadAll(module); err != nil || string(data) != "bytes" {
		t.Errorf("a worker reads %q, %v", data, err)
	}
	if err := operator.RemoveModule(t.Context(), "m"); err != nil {
		t.Errorf("remove a module: %v", err)
	}
}

// TestWorkerHasNoPowerByHeaders tries what headers can do to streams where a worker
// may write: fact 7 of the design.
func TestWorkerHasNoPowerByHeaders(t *testing.T) {
	t.Parallel()
	s, owner := roleServer(t, true)
	publishAll(t, owner, owner.runPrefix("r")+leafStart, "gf.node._main.p.3", "gf.dead._main._x._y")
	worker := asRole(t, s, RoleWorker)
	for _, subject := range []string{
		worker.runPrefix("r") + leafTask + "_a", "gf.node._main.w._n", "gf.dead._main._r._a", "gf.blob._main._r.00.0",
	} {
		for header, value := range map[string]string{
			"Nats-Rollup": "all", "Nats-Schedule": "@every 1s", "Nats-Schedule-Target": "gf.run.3._main._r.d.ev", "Nats-Incr": "+1",
		} {
			m := &nats.Msg{Subject: subject, Header: nats.Header{header: {value}}, Data: []byte("{}")}
			if ack, err := worker.js.PublishMsg(t.Context(), m); err == nil && header != "Nats-Schedule-Target" {
				t.Errorf("%s: %s to %s was taken: %+v", header, value, subject, ack)
			}
		}
	}
	for _, want := range []struct{ stream, subject string }{
		{streamRuns, owner.runPrefix("r") + leafStart}, {streamNodes, "gf.node._main.p.3"}, {streamDead, "gf.dead._main._x._y"},
	} {
		if _, err := owner.look(t.Context(), want.stream, lookup{Last: want.subject}); err != nil {
			t.Errorf("%s is gone: %v", want.subject, err)
		}
	}
}

// TestAnswersGoNowhereElse has users direct the answer to a request that is theirs to
// make to where they may not publish: the server does not ask whether they may.
func TestAnswersGoNowhereElse(t *testing.T) {
	t.Parallel()
	s, owner := roleServer(t, true)
	if _, err := owner.js.CreateConsumer(t.Context(), streamTasks, jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
		t.Fatal(err)
	}
	publishAll(t, owner, "gf.task._default._.n._main._r._a.1")
	worker := asRole(t, s, RoleWorker)
	digest, _, err := newBlobs(worker).Put(t.Context(), "r", strings.NewReader(`{"type":"run_canceled"}`))
	if err != nil {
		t.Fatal(err)
	}
	blob := "$JS.API.DIRECT.GET.GF_BLOB." + newBlobs(worker).subject("r", digest[len(digestPrefix):], 0)
	decision := owner.runPrefix("r") + leafDecision
	heard, err := owner.nc.SubscribeSync(">")
	if err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct {
		role             Role
		request, payload string
	}{
		{RoleWorker, blob, ""},
		{RoleViewer, blob, ""},
		{RoleSubmitter, "$JS.API.DIRECT.GET.GF_RUN", `{"seq":1}`},
		{RoleViewer, "$JS.API.STREAM.INFO.GF_RUN", ""},
		{RoleWorker, "$JS.API.CONSUMER.MSG.NEXT.GF_TASKS.c", "1"},
		{RoleWorker, owner.runPrefix("r") + leafTask + "_a", "{}"}, // whose answer is an ack
	} {
		b := asRole(t, s, try.role)
		if err := b.nc.PublishRequest(try.request, decision, []byte(try.payload)); err != nil {
			t.Fatal(err)
		}
		// When the leader has answered a later request, it has answered that one.
		if _, err := b.nc.RequestWithContext(t.Context(), "$JS.API.STREAM.INFO.GF_RUN", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := owner.look(t.Context(), streamRuns, lookup{Last: decision}); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("%s had the answer to %s stored as a decision", try.role, try.request)
		}
	}
	if err := owner.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	for n, _, _ := heard.Pending(); n > 0; n-- {
		if m, err := heard.NextMsgWithContext(t.Context()); err != nil || m.Subject == decision {
			t.Errorf("published: %+v, %v", m, err)
		}
	}
}

// TestTemplatesAreOfTheirNamespace sees that no other namespace, nor all, is in them.
func TestTemplatesAreOfTheirNamespace(t *testing.T) {
	t.Parallel()
	for _, role := range Roles() {
		text, err := Template(role, "team")
		if err != nil {
			t.Fatal(err)
		}
		if role != RoleOwner && (!strings.Contains(text, "._team") || strings.Contains(text, "_main") || strings.Contains(text, `"gf.>"`)) {
			t.Errorf("%s:\n%s", role, text)
		}
		if !strings.Contains(text, Self) {
			t.Errorf("%s: no place for the user's key:\n%s", role, text)
		}
		if fmt.Sprint(Permissions(role, "")) != fmt.Sprint(Permissions(role, "main")) {
			t.Errorf("%s: no namespace is not main", role)
		}
	}
}
