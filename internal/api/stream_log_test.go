package api_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
)

// logStream is the server's stream of what tasks log, in the hands of a test.
type logStream struct {
	testing.TB

	request func(subject string, data []byte) []byte
	listen  func() (next func() (subject string, data []byte))
}

func newLogStream(tb testing.TB, c *clustertest.Cluster) logStream {
	tb.Helper()
	nc, err := c.Server.Connect()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	request := func(subject string, data []byte) []byte {
		tb.Helper()
		answer, err := nc.Request(subject, data, until)
		if err != nil {
			tb.Fatal(err)
		}
		return answer.Data
	}
	listen := func() func() (string, []byte) {
		tb.Helper()
		sub, err := nc.SubscribeSync("gf.log.>")
		if err != nil || nc.Flush() != nil {
			tb.Fatal("listen to the log: ", err)
		}
		return func() (string, []byte) {
			tb.Helper()
			m, err := sub.NextMsg(until)
			if err != nil {
				tb.Fatal(err)
			}
			return m.Subject, m.Data
		}
	}
	return logStream{tb, request, listen}
}

// store has it store what is sent to some subjects, and nothing else.
func (l logStream) store(subjects string) {
	l.Helper()
	var info struct {
		Config map[string]any `json:"config"`
	}
	if err := json.Unmarshal(l.request("$JS.API.STREAM.INFO.GF_LOG", nil), &info); err != nil {
		l.Fatal(err)
	}
	info.Config["subjects"] = []string{subjects}
	config, err := json.Marshal(info.Config)
	if err != nil {
		l.Fatal(err)
	}
	if answer := string(l.request("$JS.API.STREAM.UPDATE.GF_LOG", config)); strings.Contains(answer, `"error"`) {
		l.Fatal(answer)
	}
}

// TestStreamLastWords has the last line of a task stored only after its run has ended: who
// follows the run is told it before the outcome.
func TestStreamLastWords(t *testing.T) {
	t.Parallel()
	h, release := direct.New(), make(chan struct{})
	direct.Func(h, "talk", func(c *direct.Context, _ any) (any, error) {
		c.Log("first words")
		<-release
		c.Log("last words")
		return nil, nil
	})
	all := clustertest.Start(t, clustertest.Config{Direct: h})
	f, log := serve(t, api.Config{Service: all.Service}), newLogStream(t, all)
	run := f.submit("name: talks\ntasks:\n  talk: {direct: {func: talk}}\n", nil)
	var got []string
	f.streamTo("/v1/runs/"+run+"/stream", "", func(e event) bool {
		var n engine.Notice
		if err := json.Unmarshal([]byte(e.data), &n); err != nil {
			t.Fatal(err)
		}
		switch {
		case e.name == "outcome":
			got = append(got, e.name)
		case n.Message == "first words": // what comes from here on is heard
			log.store("gf.log.none")
			heard := log.listen()
			close(release)
			subject, data := heard()
			f.noted(run)
			log.store("gf.log.>")
			log.request(subject, data)
		case n.Type == engine.NoticeTaskLog:
			got = append(got, n.Message)
		}
		return true
	})
	if want := []string{"last words", "outcome"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// noted waits until it is noted that a run has ended.
func (f *fixture) noted(run string) {
	f.Helper()
	for end := time.Now().Add(until); ; {
		switch s, err := f.service.Runs.Show(f.Context(), run); {
		case err != nil:
			f.Fatal(err)
		case !s.Ended.IsZero():
			return
		case time.Now().After(end):
			f.Fatalf("run %s does not end", run)
		}
		<-time.After(time.Millisecond)
	}
}
