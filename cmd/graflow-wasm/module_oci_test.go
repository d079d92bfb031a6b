package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	registries "github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestOCI runs the scripts of testdata/oci beside two registries of container images:
// one for all, one for those who have its password.
func TestOCI(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/oci",
		Setup: func(env *testscript.Env) error {
			open := registries.New(registries.Logger(log.New(io.Discard, "", 0)))
			for name, handler := range map[string]http.Handler{"REGISTRY": open, "LOCKED": locked{open}} {
				server := httptest.NewServer(handler)
				env.Defer(server.Close)
				env.Setenv(name, strings.TrimPrefix(server.URL, "http://"))
			}
			for name, value := range map[string]string{
				"GRAFLOW_TEST_DIR": os.Getenv("GRAFLOW_TEST_DIR"), "GORACE": os.Getenv("GORACE"), "XDG_CACHE_HOME": cache, "HOME": cache,
				"DOCKER_CONFIG": filepath.Join(env.WorkDir, "nobody"),
			} {
				env.Setenv(name, value)
			}
			return errors.Join(writeModules(env.WorkDir), writeDockerConfig(filepath.Join(env.WorkDir, "ada"), env.Getenv("LOCKED")))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "until": until},
	})
}

// locked is a registry that wants a password.
type locked struct{ http.Handler }

func (l locked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user == "ada" && password == "secret" {
		l.Handler.ServeHTTP(w, r)
		return
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="locked"`)
	w.WriteHeader(http.StatusUnauthorized)
}

// writeDockerConfig writes what `docker login` keeps.
func writeDockerConfig(dir, host string) error {
	auth := base64.StdEncoding.EncodeToString([]byte("ada:secret"))
	return errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "config.json"), fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, host, auth), 0o600))
}
