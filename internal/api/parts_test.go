package api_test

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/internal/ops"
)

func TestService(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	var info api.ServiceInfo
	f.want(f.askAs(ops.RoleViewer, "GET", "/v1/service", nil), 200, &info)
	if info.Role != ops.RoleViewer || info.Name != "viewer" || info.Version != "test" || info.Namespace != "main" || len(info.Parts) < 8 {
		t.Errorf("got %+v", info)
	}
	// One that has nothing says so, and fails nowhere.
	f = serve(t, api.Config{})
	f.want(f.ask("GET", "/v1/service", nil), 200, &info)
	if len(info.Parts) != 0 {
		t.Errorf("got %+v, want no parts", info)
	}
	f.want(f.ask("GET", "/v1/runs", nil), 501, nil)
	f.want(f.ask("PUT", "/v1/secrets/a", []byte("b")), 501, nil)
}

func TestFlows(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	var valid struct {
		Name  string
		Graph engine.Spec
	}
	f.want(f.askAs(ops.RoleSubmitter, "POST", "/v1/flows/validate", hello), 200, &valid)
	if valid.Name != "hello" || len(valid.Graph.Tasks) != 1 {
		t.Errorf("got %+v", valid)
	}
	bad := "name: bad\ntasks:\n  a: {direct: {func: greet}, retry: {max: -1}}\n  b: {nothing: 1}\n"
	r := f.ask("POST", "/v1/flows/validate", bad)
	f.want(r, 422, nil)
	if p := f.wantProblem(r); len(p.Errors) == 0 || !strings.HasPrefix(p.Errors[0].Location, "3:") && !strings.HasPrefix(p.Errors[0].Location, "4:") {
		t.Errorf("got %+v, want faults with their lines", p)
	}
	f.want(f.ask("PUT", "/v1/flows", bad), 422, nil)
	f.want(f.ask("PUT", "/v1/flows", "name: \xff"), 422, nil)

	var stored ops.Flow
	f.want(f.ask("PUT", "/v1/flows", hello), 200, &stored)
	if stored.Name != "hello" || stored.By != "operator" || stored.Version == "" {
		t.Errorf("got %+v", stored)
	}
	f.want(f.ask("PUT", "/v1/flows", strings.Replace(hello, "name: hello", "name: hello\ndescription: another", 1)), 200, nil)
	var all struct{ Flows []ops.Flow }
	f.want(f.askAs(ops.RoleViewer, "GET", "/v1/flows", nil), 200, &all)
	if len(all.Flows) != 1 || all.Flows[0].About != "another" || all.Flows[0].Source != "" {
		t.Errorf("got %+v, want the latest version, without its text", all)
	}
	var shown ops.Flow
	f.want(f.ask("GET", "/v1/flows/hello@"+stored.Version, nil), 200, &shown)
	if shown.Source != hello {
		t.Errorf("got %q", shown.Source)
	}
	var begun ops.Submitted
	f.want(f.ask("POST", "/v1/runs", map[string]any{"flow": "hello", "input": map[string]string{"name": "Ada"}}), 201, &begun)
	if o := f.ended(begun.Run); o.Status != engine.StatusSucceeded {
		t.Errorf("it came to %+v", o)
	}
	f.want(f.ask("DELETE", "/v1/flows/hello", nil), 204, nil)
	f.want(f.ask("GET", "/v1/flows/hello", nil), 404, nil)
	f.want(f.ask("DELETE", "/v1/flows/hello", nil), 404, nil)
	f.want(f.ask("GET", "/v1/flows", nil), 200, &all)
	if string(f.ask("GET", "/v1/flows", nil).body) != "{\"flows\":[]}\n" {
		t.Errorf("no flows are %+v, want an empty list", all)
	}
}

func TestModules(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	code, err := os.ReadFile(guesttest.Build(t, "../mcp/testdata/guest"))
	if err != nil {
		t.Fatal(err)
	}
	wasm := []string{"Content-Type", "application/wasm"}
	var m ops.Module
	f.want(f.ask("POST", "/v1/modules?name=boxes&version=v1", code, wasm...), 201, &m)
	if m.Name != "boxes" || m.Version != "v1" || m.By != "operator" || len(m.Tasks) < 4 || m.Size != int64(len(code)) {
		t.Errorf("got %+v", m)
	}
	f.want(f.ask("POST", "/v1/modules?name=boxes&version=v1", code, wasm...), 201, nil) // it is there
	var list struct{ Modules []ops.Module }
	f.want(f.ask("GET", "/v1/modules", nil), 200, &list)
	if len(list.Modules) != 1 || list.Modules[0].Digest != m.Digest {
		t.Errorf("got %+v", list)
	}
	for _, ref := range []string{"boxes", "boxes@v1", m.Digest} {
		var shown ops.Module
		f.want(f.ask("GET", "/v1/modules/"+ref, nil), 200, &shown)
		if shown.Digest != m.Digest || len(shown.Description) == 0 {
			t.Errorf("%s: got %+v", ref, shown)
		}
		r := f.ask("GET", "/v1/modules/"+ref+"/content", nil)
		f.want(r, 200, nil)
		if string(r.body) != string(code) || r.header.Get("Content-Type") != "application/wasm" {
			t.Errorf("%s: %d bytes of %s", ref, len(r.body), r.header.Get("Content-Type"))
		}
	}
	var begun ops.Submitted
	f.want(f.ask("POST", "/v1/runs", map[string]any{"module": "boxes", "export": "shout", "input": "hey"}), 201, &begun)
	if o := f.ended(begun.Run); string(o.Output) != `"hey!"` {
		t.Errorf("it came to %+v", o)
	}
	f.want(f.ask("DELETE", "/v1/modules/boxes@v1", nil), 204, nil)
	f.want(f.ask("DELETE", "/v1/modules/@", nil), 422, nil)
	for _, path := range []string{"/v1/modules/boxes", "/v1/modules/boxes/content"} {
		f.want(f.ask("GET", path, nil), 404, nil)
	}
}

func TestPushRefuses(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	code, err := os.ReadFile(guesttest.Build(t, "../mcp/testdata/guest"))
	if err != nil {
		t.Fatal(err)
	}
	wasm := []string{"Content-Type", "application/wasm"}
	f.want(f.askAs(ops.RoleSubmitter, "POST", "/v1/modules?name=boxes", code, wasm...), 403, nil)
	f.want(f.askAs(ops.RoleViewer, "POST", "/v1/modules?local=true", code, wasm...), 403, nil)
	f.want(f.askAs(ops.RoleSubmitter, "POST", "/v1/modules?local=true", code, wasm...), 201, nil)
	for _, query := range []string{"", "name=a&local=true", "name=%2F", "name=a&signer=00", "name=a&signer=" + strings.Repeat("0", 64), "name=a&version=%20"} {
		f.want(f.ask("POST", "/v1/modules?"+query, code, wasm...), 422, nil)
	}
	f.want(f.ask("POST", "/v1/modules?name=a", []byte("no module"), wasm...), 422, nil)
	f.want(f.ask("POST", "/v1/modules?name=a", nil, wasm...), 400, nil)

	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(signature []byte) string {
		return "/v1/modules?name=signed&signer=" + hex.EncodeToString(public) + "&signature=" + hex.EncodeToString(signature)
	}
	f.want(f.ask("POST", signed(ed25519.Sign(private, code)), code, wasm...), 422, nil) // not the bytes are signed
}

func TestWorkersAndQueues(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	var workers struct{ Workers []ops.Worker }
	for end := time.Now().Add(until); len(workers.Workers) == 0 && time.Now().Before(end); {
		f.want(f.askAs(ops.RoleViewer, "GET", "/v1/workers", nil), 200, &workers)
	}
	if len(workers.Workers) != 1 || workers.Workers[0].Node != "node" {
		t.Errorf("got %+v", workers)
	}
	f.want(f.ask("PUT", "/v1/queues/default/limit", api.QueueLimit{Limit: 3}), 204, nil)
	var queues struct{ Queues []ops.Queue }
	f.want(f.askAs(ops.RoleViewer, "GET", "/v1/queues", nil), 200, &queues)
	if len(queues.Queues) == 0 || queues.Queues[0].Queue != "default" || queues.Queues[0].Limit != 3 {
		t.Errorf("got %+v, want the queue default with its limit", queues)
	}
	f.want(f.ask("PUT", "/v1/queues/default/limit", map[string]int{"limit": -1}), 422, nil)
	f.want(f.ask("PUT", "/v1/queues/default/limit", map[string]int{}), 422, nil)
	f.want(f.askAs(ops.RoleSubmitter, "PUT", "/v1/queues/default/limit", api.QueueLimit{}), 403, nil)
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	c := clustertest.Start(t, clustertest.Config{Direct: functions()})
	f := serve(t, api.Config{Service: c.Service})
	run := f.submit(fails, nil)
	f.ended(run)
	for i := range 3 {
		if err := c.Bus.Bury(t.Context(), engine.DeadLetter{Run: run, Task: "fail", Activation: fmt.Sprint("fail", i), Attempt: i + 1, Rev: uint64(i), Reason: "a test"}); err != nil {
			t.Fatal(err)
		}
	}
	var all struct {
		DeadLetters []ops.DeadLetter `json:"dead_letters"`
	}
	f.want(f.askAs(ops.RoleViewer, "GET", "/v1/dead?limit=2", nil), 200, &all)
	if len(all.DeadLetters) != 2 || all.DeadLetters[0].Attempt != 3 {
		t.Fatalf("got %+v, want the newest two", all)
	}
	last := all.DeadLetters[1].Number
	f.want(f.ask("GET", fmt.Sprintf("/v1/dead?before=%d", last), nil), 200, &all)
	if len(all.DeadLetters) != 1 || all.DeadLetters[0].Attempt != 1 {
		t.Errorf("got %+v, want the oldest", all)
	}
	at := fmt.Sprintf("/v1/dead/%d", last)
	var one ops.DeadLetter
	f.want(f.ask("GET", at, nil), 200, &one)
	if one.Number != last || one.Run != run {
		t.Errorf("got %+v", one)
	}
	var begun struct{ Run string }
	f.want(f.ask("POST", at+"/retry", nil), 200, &begun)
	if begun.Run != run {
		t.Errorf("got %+v, want %s to go on", begun, run)
	}
	f.want(f.ask("GET", at, nil), 404, nil)
	f.want(f.ask("DELETE", fmt.Sprintf("/v1/dead/%d", all.DeadLetters[0].Number), nil), 204, nil)
	f.want(f.ask("DELETE", "/v1/dead/999", nil), 404, nil)
	for _, path := range []string{"/v1/dead/x", "/v1/dead/0", "/v1/dead/-1", "/v1/dead/99999999999999999999"} {
		f.want(f.ask("GET", path, nil), 422, nil)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{MaxSecret: 100})
	var set api.SecretSet
	value := []byte("pa\x00ss\xff-word")
	f.want(f.ask("PUT", "/v1/secrets/api_key", value), 200, &set)
	if set.Name != "api_key" || set.Replaced {
		t.Errorf("got %+v", set)
	}
	f.want(f.ask("PUT", "/v1/secrets/api_key", value), 200, &set)
	if !set.Replaced {
		t.Errorf("got %+v, want it replaced", set)
	}
	r := f.ask("GET", "/v1/secrets", nil)
	var all struct{ Secrets []ops.Secret }
	f.want(r, 200, &all)
	if len(all.Secrets) != 1 || all.Secrets[0].Name != "api_key" || strings.Contains(string(r.body), "word") {
		t.Errorf("got %s", r.body)
	}
	f.want(f.ask("GET", "/v1/secrets/api_key", nil), 405, nil)
	for path, value := range map[string]string{"/v1/secrets/a%20b": "hidden-value", "/v1/secrets/api_key": strings.Repeat("hidden-value", 10)} {
		r := f.ask("PUT", path, []byte(value))
		if r.status != 422 && r.status != 413 || strings.Contains(string(r.body), "hidden") {
			t.Errorf("%s: got %d %s", path, r.status, r.body)
		}
	}
	for _, role := range []ops.Role{ops.RoleViewer, ops.RoleSubmitter} {
		f.want(f.askAs(role, "GET", "/v1/secrets", nil), 403, nil)
		f.want(f.askAs(role, "PUT", "/v1/secrets/api_key", value), 403, nil)
	}
	f.want(f.ask("DELETE", "/v1/secrets/api_key", nil), 204, nil)
	f.want(f.ask("DELETE", "/v1/secrets/api_key", nil), 404, nil)
}

func TestCode(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	var got ops.CodeResult
	f.want(f.askAs(ops.RoleSubmitter, "POST", "/v1/code", map[string]any{
		"language": "javascript", "source": "import fs from 'graflow:fs'; console.log('hi'); fs.writeFile('/out/b.txt', fs.readFile('/in/a.txt', 'utf8').repeat(input)); input * 2",
		"input": 2, "files": map[string][]byte{"a.txt": []byte("x")}, "files_out": []string{"*.txt"},
	}), 200, &got)
	if got.Status != "succeeded" || string(got.Result) != "4" || got.Stdout != "hi\n" || string(got.Files["b.txt"]) != "xx" || !json.Valid(got.Ledger) {
		t.Errorf("got %+v", got)
	}
	f.want(f.ask("POST", "/v1/code", map[string]any{"language": "javascript", "source": "null.x"}), 200, &got)
	if got.Status != "failed" || got.Error == nil || got.Error.Type != "TypeError" {
		t.Errorf("got %+v", got)
	}
	for _, body := range []map[string]any{{"language": "cobol", "source": ""}, {"source": "1"}, {"language": "python", "source": "1", "limits": map[string]string{"memory": "lots"}}} {
		f.want(f.ask("POST", "/v1/code", body), 422, nil)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r := f.request("POST", "/v1/code", map[string]any{"language": "javascript", "source": "for (;;) {}"}, "Authorization", "Bearer "+f.tokens[ops.RoleSubmitter])
	if resp, err := f.client.Do(r.WithContext(ctx)); err == nil { // the client goes away, and so does the code
		resp.Body.Close()
		t.Errorf("got %d of code that never ends", resp.StatusCode)
	}
}
