package dockertest_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/dockertest"
)

func TestRegistry(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	reference := dockertest.Push(t, image, dockertest.Registry(t))
	if err := dockertest.Do(t, http.MethodGet, "/images/"+reference+"/json", nil, nil); err == nil {
		t.Errorf("%s is there before it is pulled", reference)
	}
	if err := dockertest.Pull(t, reference, ""); err != nil {
		t.Fatal(err)
	}
	if output, _, exit := dockertest.Run(t, reference, "echo", "pulled"); output != "pulled\n" || exit != 0 {
		t.Errorf("got %q and exit code %d, want pulled and 0", output, exit)
	}
}

func TestPrivateRegistry(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	reference := ""
	t.Run("pull", func(t *testing.T) {
		reference = dockertest.Push(t, image, dockertest.PrivateRegistry(t))
		login := func(password string) string {
			return base64.URLEncoding.EncodeToString([]byte(`{"username":"` + dockertest.User + `","password":"` + password + `"}`))
		}
		for _, wrong := range []string{"", login("wrong")} {
			if err := dockertest.Pull(t, reference, wrong); err == nil || !strings.Contains(err.Error(), "no basic auth credentials") && !strings.Contains(err.Error(), "unauthorized") {
				t.Errorf("got %v, want to be refused without the password", err)
			}
		}
		if err := dockertest.Pull(t, reference, login(dockertest.Password)); err != nil {
			t.Error(err)
		}
	})
	if err := dockertest.Do(t, http.MethodGet, "/images/"+reference+"/json", nil, nil); err == nil {
		t.Errorf("%s is left after its test", reference)
	}
	if err := dockertest.Do(t, http.MethodGet, "/images/"+image+"/json", nil, nil); err != nil {
		t.Errorf("what was pushed has gone: %v", err)
	}
}
