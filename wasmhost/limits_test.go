package wasmhost_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// deterministic are options under which a guest can't tell two calls apart.
func deterministic() wasmhost.Options {
	opt := options()
	opt.Grants.Clock, opt.Grants.Random = wasmhost.ClockVirtual, wasmhost.RandomSeeded
	return opt
}

func TestFuelIsExact(t *testing.T) {
	t.Parallel()
	opt := deterministic()
	want := call(t, abilities(t), "work", "", opt).Ledger.Fuel
	if want < 1_000_000 {
		t.Fatalf("got %d units for 200 000 rounds", want)
	}
	for range 10 {
		if got := call(t, abilities(t), "work", "", opt).Ledger.Fuel; got != want {
			t.Fatalf("got %d units, the first time %d", got, want)
		}
	}
	opt.Limits.Fuel = want
	call(t, abilities(t), "work", "", opt)
	opt.Limits.Fuel = want - 1
	e := trap(t, abilities(t), "work", "", wasmhost.KindFuel, opt)
	if !errors.Is(e, wasmhost.ErrFuel) {
		t.Errorf("got %v, want ErrFuel", e)
	}
}

// TestFuelOnAnyHost meters the same with and without the machine's tricks.
func TestFuelOnAnyHost(t *testing.T) {
	t.Parallel()
	portable := hostWith(t, wasmhost.Config{Portable: true}, guestBytes(t, buildPowers))
	got := call(t, portable, "work", "", deterministic()).Ledger.Fuel
	if want := call(t, abilities(t), "work", "", deterministic()).Ledger.Fuel; got != want {
		t.Errorf("portable: got %d units, want %d", got, want)
	}
}

func TestStackLimit(t *testing.T) {
	t.Parallel()
	e := trap(t, compile(t, recurseModule), "f", "", wasmhost.KindStack, options())
	if !errors.Is(e, wasmhost.ErrStack) || len(e.Stack) == 0 {
		t.Errorf("got %v with stack %q", e, e.Stack)
	}
	opt := options()
	opt.Limits.Stack = 1 << 20
	_ = trap(t, abilities(t), "recurse", "", wasmhost.KindStack, opt)
}

func TestHostCallLimits(t *testing.T) {
	t.Parallel()
	_, opt := withServices()
	opt.Limits.ChannelOps = 100
	if got := text(t, abilities(t), "call_host", opt); got != "-4" { // abi.TooLarge
		t.Errorf("101 channel calls: got %s", got)
	}
	opt.Limits.HostCalls = 50
	e := trap(t, abilities(t), "call_host", "", wasmhost.KindHostCalls, opt)
	if !errors.Is(e, wasmhost.ErrHostCalls) {
		t.Errorf("got %v", e)
	}
}

func TestFileLimits(t *testing.T) {
	t.Parallel()
	opt := options()
	opt.Grants.Mounts = []wasmhost.Mount{{Guest: "/tmp", Memory: true}}
	opt.Limits.OpenFiles = 5
	if got := text(t, abilities(t), "open", opt); !strings.HasPrefix(got, "5 ") {
		t.Errorf("open files: got %q, want 5 to work", got)
	}
	opt.Limits.DiskBytes = 1 << 20
	for _, mount := range []wasmhost.Mount{{Guest: "/tmp", Memory: true}, {Guest: "/tmp", Host: t.TempDir(), Writable: true}} {
		opt.Grants.Mounts = []wasmhost.Mount{mount}
		r := call(t, abilities(t), "fill", "", opt)
		if got := string(r.Output); !strings.HasPrefix(got, `"15 `) {
			t.Errorf("%+v: got %s, want 15 times 64 KiB of 1 MiB to be written", mount, got)
		}
		if r.Ledger.DiskBytes > opt.Limits.DiskBytes || r.Ledger.DiskBytes < 900_000 {
			t.Errorf("got %d bytes of disk", r.Ledger.DiskBytes)
		}
	}
}

func TestClocks(t *testing.T) {
	t.Parallel()
	opt := options()
	opt.Grants.Clock = wasmhost.ClockVirtual
	first := text(t, abilities(t), "clock", opt)
	if !strings.Contains(first, `"1h30m0s"`) || !strings.Contains(first, "2026-01-01T00:00:0") {
		t.Errorf("got %s, want 90 minutes slept at once", first)
	}
	if again := text(t, abilities(t), "clock", opt); again != first {
		t.Errorf("got %s, then %s", first, again)
	}
	opt.Grants.Clock = "sundial"
	if _, err := abilities(t).Call(t.Context(), "clock", nil, opt); err == nil || !strings.Contains(err.Error(), "sundial") {
		t.Errorf("got %v, want the clock refused", err)
	}
}

func TestRandom(t *testing.T) {
	t.Parallel()
	opt := deterministic()
	opt.Grants.Seed = 7
	first, again := text(t, abilities(t), "entropy", opt), text(t, abilities(t), "entropy", opt)
	opt.Grants.Seed = 8
	other := text(t, abilities(t), "entropy", opt)
	if first != again || first == other {
		t.Errorf("seeded: got %q, %q, with another seed %q", first, again, other)
	}
	drawn := func() string { s, _, _ := strings.Cut(text(t, abilities(t), "entropy", options()), " "); return s }
	if a, b := drawn(), drawn(); a == b {
		t.Errorf("secure: got %q twice", a)
	}
}

// offers answers for secrets and tools.
type offers struct{}

func (offers) Secret(_ context.Context, name string) ([]byte, error) {
	return []byte("value of " + name), nil
}

func (offers) CallTool(_ context.Context, name string, args json.RawMessage) (json.RawMessage, error) {
	return json.RawMessage(`"` + name + string(args) + `"`), nil
}

func TestSecretsToolsPause(t *testing.T) {
	t.Parallel()
	_, opt := withServices()
	opt.Services.Secrets, opt.Services.Tools = offers{}, offers{}
	if got, want := string(call(t, abilities(t), "ask", "", opt).Output), `["-2","-2","-2","-2","\"answered\"","-3"]`; got != want {
		t.Errorf("not granted: got %s, want %s", got, want)
	}
	opt.Grants.Secrets, opt.Grants.Tools = []string{"key"}, []string{"add"}
	if got, want := string(call(t, abilities(t), "ask", "", opt).Output), `["value of key","-2","\"add[1,2]\"","-2","\"answered\"","-3"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	opt.Services = wasmhost.Services{}
	if got, want := string(call(t, abilities(t), "ask", "", opt).Output), `["-5","-2","-5","-2","-5","-3"]`; got != want {
		t.Errorf("without services: got %s, want %s", got, want)
	}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		case "/slow":
			<-r.Context().Done()
		default:
			_, _ = w.Write([]byte("hello"))
		}
	}))
	t.Cleanup(server.Close)
	get := func(path string, opt wasmhost.Options) wasmhost.Result {
		return call(t, abilities(t), "get", `"`+server.URL+path+`"`, opt)
	}
	if got := string(get("/", options()).Output); got != `"-2"` {
		t.Errorf("not granted: got %s", got)
	}
	opt := options()
	opt.Grants.HTTP = []string{strings.TrimPrefix(server.URL, "http://")}
	if got := string(get("/", opt).Output); got != `"-2"` {
		t.Errorf("a loopback address that was not granted: got %s", got)
	}
	opt.Grants.HTTPNetworks = []string{"127.0.0.0/8"}
	r := get("/", opt)
	var text string
	var response abi.HTTPResponse
	if err := json.Unmarshal(r.Output, &text); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &response); err != nil || response.Status != 200 || string(response.Body) != "hello" {
		t.Errorf("got %q, %v", text, err)
	}
	if r.Ledger.HTTPRequests != 1 || r.Ledger.HTTPBytes < 5 {
		t.Errorf("got ledger %+v", r.Ledger)
	}
	if got := string(get("/away", opt).Output); got != `"-2"` {
		t.Errorf("a redirect elsewhere: got %s", got)
	}
	opt.Limits.Timeout = 200e6
	_ = trap(t, abilities(t), "get", `"`+server.URL+`/slow"`, wasmhost.KindTimeout, opt)
	opt = options()
	opt.Grants.HTTP, opt.Grants.HTTPNetworks = []string{"http://"}, nil
	if _, err := abilities(t).Call(t.Context(), "get", []byte(`"x"`), opt); err == nil || !strings.Contains(err.Error(), "http://") {
		t.Errorf("a bad host pattern: got %v", err)
	}
}
