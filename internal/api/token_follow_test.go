package api_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// TestFollowTokens changes the files of a server that runs: what is taken out is refused,
// what is put in accepted, and what can't be read changes nothing.
func TestFollowTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		all, err := api.OpenTokens(dir)
		if err != nil {
			t.Fatal(err)
		}
		write := func(name, text string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		operator, err := os.ReadFile(filepath.Join(dir, "operator.token"))
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex // guards told
		var told []error
		ctx, cancel := context.WithCancel(t.Context())
		followed := make(chan struct{})
		go func() {
			defer close(followed)
			all.Follow(ctx, dir, time.Second, func(err error) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, err)
			})
		}()
		looks := func(changes, faults int, accepted map[string]bool) {
			t.Helper()
			mu.Lock()
			told = nil
			mu.Unlock()
			time.Sleep(5 * time.Second) // of the bubble's clock
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			bad := 0
			for _, err := range told {
				if err != nil {
					bad++
				}
			}
			if len(told) != changes || bad != faults {
				t.Errorf("told %v, want %d changes, %d that can't be read", told, changes, faults)
			}
			for token, want := range accepted {
				if _, _, ok := all.Authenticate(token); ok != want {
					t.Errorf("%q: got %t, want %t", token, ok, want)
				}
			}
		}
		first, cookie := strings.TrimSpace(string(operator)), all.Cookie()
		looks(0, 0, map[string]bool{first: true, "of ada": false})
		write("list", api.TokenLine(ops.RoleViewer, "of ada", "ada"))
		looks(1, 0, map[string]bool{first: true, "of ada": true})
		write("list", "nonsense")
		looks(1, 1, map[string]bool{first: true, "of ada": true})
		if err := os.Remove(filepath.Join(dir, "list")); err != nil {
			t.Fatal(err)
		}
		looks(1, 0, map[string]bool{first: true, "of ada": false})
		write("operator.token", "another one of the operator\n")
		looks(1, 0, map[string]bool{first: false, "another one of the operator": true})
		if err := os.Remove(filepath.Join(dir, "operator.token")); err != nil {
			t.Fatal(err)
		}
		looks(1, 0, map[string]bool{first: false, "another one of the operator": false})
		drawn, err := os.ReadFile(filepath.Join(dir, "operator.token"))
		if err != nil {
			t.Fatal(err)
		}
		looks(0, 0, map[string]bool{strings.TrimSpace(string(drawn)): true})
		if all.Cookie() != cookie {
			t.Error("the cookie has another name, so everybody is logged out")
		}
		cancel()
		<-followed
		write("list", api.TokenLine(ops.RoleViewer, "of ada", "ada"))
		looks(0, 0, map[string]bool{"of ada": false})
	})
}

// TestRevoked takes a token back of which a stream is open and requests are made.
func TestRevoked(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{Heartbeat: 10 * time.Millisecond, RefusedRate: -1})
	run := f.submit(waits, nil)
	revoke := func() {
		var left strings.Builder
		for _, role := range []ops.Role{ops.RoleSubmitter, ops.RoleOperator} {
			left.WriteString(api.TokenLine(role, f.tokens[role], string(role)) + "\n")
		}
		with, err := api.ReadTokens(strings.NewReader(left.String()))
		if err != nil {
			t.Error(err)
			return
		}
		f.all.Replace(with)
	}
	var last event
	f.streamTo("/v1/runs/"+run+"/stream", "", func(e event) bool {
		if last = e; strings.Contains(e.data, "task_started") {
			revoke()
		}
		return true
	})
	if last.name != "error" || !strings.Contains(last.data, "401") || !strings.Contains(last.data, "taken back") {
		t.Errorf("the stream ended with %+v", last)
	}
	f.want(f.askAs(ops.RoleViewer, "GET", "/v1/service", nil), http.StatusUnauthorized, nil)
	f.want(f.askAs(ops.RoleOperator, "GET", "/v1/service", nil), http.StatusOK, nil)
	f.want(f.ask("POST", "/v1/runs/"+run+"/cancel", nil), http.StatusNoContent, nil)
}

// TestCookieNames: two servers of one host have one each, those that share tokens the same.
func TestCookieNames(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	for _, dir := range append(dirs, dirs...) { // the second time it was there
		all, err := api.OpenTokens(dir)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(all.Cookie(), api.Cookie+"_") {
			t.Errorf("got %q", all.Cookie())
		}
		names[all.Cookie()] = true
	}
	if len(names) != 3 {
		t.Errorf("three servers have the names %v", names)
	}
}

func TestTryLogin(t *testing.T) {
	t.Parallel()
	f := serve(t, api.Config{LoginRate: 0.001, LoginBurst: 3})
	for range 3 {
		if wait := f.api.TryLogin("192.0.2.1:1000"); wait != 0 {
			t.Errorf("it waits %v", wait)
		}
	}
	for _, again := range []string{"192.0.2.1:1000", "192.0.2.1:2000"} {
		if wait := f.api.TryLogin(again); wait < time.Minute {
			t.Errorf("%s waits %v", again, wait)
		}
	}
	if wait := f.api.TryLogin("192.0.2.2:1000"); wait != 0 {
		t.Errorf("another address waits %v", wait)
	}
}
