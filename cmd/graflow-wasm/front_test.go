package main

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFronts logs one browser in to two servers of one host, of which neither ends the
// session on the other: the API beside a console takes its cookie, and no other. Then a
// token is taken back, and tries to log in come to their bound.
func TestFronts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := fronts{t, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	var urls []string
	file := func(server string) string { return filepath.Join(dir, server, tokensDir, "operator.token") }
	for _, name := range []string{"one", "two"} {
		urls = append(urls, begin(t, dir, "server", "--dir", name, "--listen-nats", "127.0.0.1:0", "--listen", "127.0.0.1:0").await(`console and API at (http://\S+);`))
		token, err := os.ReadFile(file(name))
		if err != nil {
			t.Fatal(err)
		}
		if got := b.login(urls[len(urls)-1], string(token)); got != http.StatusSeeOther {
			t.Fatalf("log in to %s: %d", name, got)
		}
	}
	for _, url := range urls {
		for _, path := range []string{"/runs", "/v1/service"} {
			if got := b.get(url + path); got != http.StatusOK {
				t.Errorf("%s%s: got %d", url, path, got)
			}
		}
	}
	if err := os.WriteFile(file("one"), []byte("another token of the operator\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); b.get(urls[0]+"/v1/service") != http.StatusUnauthorized; {
		if time.Now().After(end) {
			t.Fatal("a token that was taken back is accepted")
		}
		<-time.After(20 * time.Millisecond) // nobody tells
	}
	if got := b.get(urls[1] + "/v1/service"); got != http.StatusOK {
		t.Errorf("on the other server: got %d", got)
	}
	if got := b.login(urls[0], "another token of the operator"); got != http.StatusSeeOther {
		t.Errorf("the new token: got %d", got)
	}
	for try := 0; b.login(urls[0], "guessed") != http.StatusTooManyRequests; try++ {
		if try > 1000 {
			t.Fatal("who guesses is never told to wait")
		}
	}
}

type fronts struct {
	t *testing.T
	*http.Client
}

func (b fronts) get(at string) int {
	b.t.Helper()
	return b.ask(http.MethodGet, at, nil)
}

func (b fronts) login(at, token string) int {
	b.t.Helper()
	return b.ask(http.MethodPost, at+"/login", strings.NewReader(url.Values{"token": {token}}.Encode()))
}

func (b fronts) ask(method, at string, form io.Reader) int {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, at, form)
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}
