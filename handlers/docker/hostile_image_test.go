package docker

import (
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/dockertest"
)

// TestImageTricks has images that would be more than a task is.
func TestImageTricks(t *testing.T) {
	t.Parallel()
	h := newHandler(t, Config{Binary: dockertest.Program(t, "./inside/testdata/inside"), Policy: Policy{Pool: true}})
	busybox, err := h.docker.ImageInspect(t.Context(), dockertest.Busybox(t))
	if err != nil || busybox.Config == nil {
		t.Fatal(err)
	}
	program := dockertest.File{Path: dockertest.Program(t, "./testdata/hostile")}
	evil := dockertest.File{Mode: 0o644, Data: []byte("evil:x:0:0::/:/run\nnobody:x:65534:65534::/:/run\ngood:x:1000:1000::/:/run\n")}
	for name, test := range map[string]struct {
		files   map[string]dockertest.File
		changes []string
		keys    string
		want    string // what "id" says
		kind    string
	}{
		"root":                    {changes: []string{"USER root"}, want: "65534:65534"},
		"root by number":          {changes: []string{"USER 0:0"}, want: "65534:65534"},
		"root by another name":    {files: map[string]dockertest.File{"etc/passwd": evil}, changes: []string{"USER evil"}, want: "65534:65534"},
		"the same in a pool":      {files: map[string]dockertest.File{"etc/passwd": evil}, changes: []string{"USER evil"}, keys: `"reuse":"pool",`, want: "65534:65534"},
		"another by name":         {files: map[string]dockertest.File{"etc/passwd": evil}, changes: []string{"USER good"}, want: "1000:1000"},
		"users behind a link":     {files: map[string]dockertest.File{"etc/passwd": {Link: "/etc/other"}, "etc/other": evil}, changes: []string{"USER evil"}, want: "65534:65534"},
		"a name that nobody has":  {changes: []string{"USER missing"}, kind: "error"},
		"a check, and what comes": {changes: []string{"USER 1000:1000", `HEALTHCHECK --interval=1s CMD ["/hostile", "id"]`, `ONBUILD RUN ["/hostile"]`}, want: "1000:1000"},
		"engine's names":          {changes: []string{"ENV GRAFLOW_SOCKET=/nowhere GRAFLOW_RUN=other GRAFLOW_RESULT=/nowhere", "USER 1000:1000"}, want: "1000:1000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]dockertest.File{"hostile": program}
			for name, file := range test.files {
				files[name] = file
			}
			image := dockertest.Image(t, "tricks", files, append(test.changes, `ENTRYPOINT ["/hostile"]`)...)
			got, err := h.Handle(t.Context(), callOf(`{`+test.keys+`"image":"`+image+`","command":["id"]}`, ""))
			if test.kind != "" {
				wantKind(t, err, test.kind)
				return
			}
			if err != nil || strings.Trim(string(got.Value), `"`) != test.want {
				t.Errorf("it is %s, %v; want %s", got.Value, err, test.want)
			}
		})
	}
	t.Run("volumes", func(t *testing.T) {
		t.Parallel()
		image := dockertest.Image(t, "tricks", map[string]dockertest.File{"hostile": program}, `VOLUME ["/data", "/run/graflow", "/tmp"]`, `ENTRYPOINT ["/hostile"]`)
		got, err := h.Handle(t.Context(), callOf(`{"image":"`+image+`","command":["mounts"]}`, ""))
		if err != nil || strings.Count(string(got.Value), "/data tmpfs") != 1 || !strings.Contains(string(got.Value), "ro,") {
			t.Errorf("mounts %s, %v: want its volume in memory", got.Value, err)
		}
	})
}
