package deps_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/graflow/graflow-wasm"

// Third-party modules, by the short names that the tables use.
const (
	age        = "filippo.io/age"
	cancelRead = "github.com/muesli/cancelreader"
	charm      = "github.com/charmbracelet" // widths and modes of terminals
	chromedp   = "github.com/chromedp"
	cron       = "github.com/robfig/cron/v3"
	containerd = "github.com/containerd/errdefs" // the errors of Docker's client
	docker     = "github.com/docker"
	expr       = "github.com/expr-lang/expr"
	goInternal = "github.com/rogpeppe/go-internal"
	goleak     = "go.uber.org/goleak"
	huma       = "github.com/danielgtaylor/huma/v2"
	jsonschema = "github.com/santhosh-tekuri/jsonschema/v6"
	mcpSDK     = "github.com/modelcontextprotocol/go-sdk"
	moby       = "github.com/moby"
	natsGo     = "github.com/nats-io/nats.go"
	natsServer = "github.com/nats-io/nats-server/v2"
	nkeys      = "github.com/nats-io/nkeys"
	nuid       = "github.com/nats-io/nuid"
	otel       = "go.opentelemetry.io/otel"
	prometheus = "github.com/prometheus/client_golang"
	promCommon = "github.com/prometheus/common"
	promModel  = "github.com/prometheus/client_model"
	otlpProto  = "go.opentelemetry.io/proto/otlp"
	protobuf   = "google.golang.org/protobuf"
	rapid      = "pgregory.net/rapid"
	registry   = "github.com/google/go-containerregistry"
	ulid       = "github.com/oklog/ulid/v2"
	wazero     = "github.com/tetratelabs/wazero"
	xSync      = "golang.org/x/sync"
	xSys       = "golang.org/x/sys"
	xTime      = "golang.org/x/time"
	yaml       = "github.com/goccy/go-yaml"
)

// anything stands for every import that neither private nor confined forbids.
const anything = "..."

// A rule says what one package may import beside the standard library: our own
// packages by their path in the module, third-party modules by module path.
type rule struct {
	pkg   string   // path in the module; "x/..." is x and all below it
	may   []string // in the package
	tests []string // in its tests, beside may and testTools
}

// rules is the dependency rule. A package takes the rule with its own path,
// otherwise the longest "..." above it.
var rules = []rule{
	{pkg: "cmd/...", may: []string{anything}},
	{pkg: "examples/...", may: []string{anything}},

	{
		pkg: "engine", may: []string{expr, ulid},
		tests: []string{"engine/enginetest", "handlers/builtin", "handlers/direct", "natsbus", "natsbus/embedded"},
	},
	{pkg: "engine/enginetest", may: []string{"engine", rapid}, tests: []string{"handlers/direct"}},
	{pkg: "engine/enginetest/sim", may: []string{"engine"}},

	{pkg: "wasmhost", may: []string{"internal/linelog", "sdk/abi", "wasmhost/...", wazero, xSys, xSync}},
	{pkg: "wasmhost/...", may: []string{"internal/dirlock", "sdk/abi", "wasmhost/...", wazero, xSys, xSync}, tests: []string{"wasmhost"}},

	{pkg: "sdk", may: []string{"sdk/abi"}, tests: []string{"wasmhost"}},
	{pkg: "sdk/abi"},
	{pkg: "sdk/assemblyscript"},
	{pkg: "sdk/c"},
	{pkg: "sdk/rust"},

	{pkg: "script", may: []string{"runtimes", "sdk/abi", "wasmhost", jsonschema}, tests: []string{"internal/guesttest"}},

	{pkg: "handlers/direct", may: []string{"engine"}},
	{pkg: "handlers/builtin", may: []string{"engine"}, tests: []string{"handlers/direct"}},
	{pkg: "handlers/internal/guest", may: []string{"engine", "wasmhost", "sdk/abi"}},
	{pkg: "handlers/wasm", may: []string{"engine", "handlers/internal/guest", "wasmhost", "sdk/abi"}},
	{pkg: "handlers/script", may: []string{"engine", "handlers/internal/guest", "script", "wasmhost"}, tests: []string{"handlers/builtin", "sdk/abi"}},
	{pkg: "handlers/docker", may: []string{"engine", "handlers/internal/guest", "handlers/docker/inside", "handlers/docker/internal/...", "internal/dirlock", "internal/linelog", "wasmhost", "sdk/abi", docker, containerd, moby, xSys}},
	{pkg: "handlers/docker/inside", may: []string{"handlers/docker/internal/pooled", "wasmhost", "sdk/abi", xSys}, tests: []string{"handlers/docker/internal/lines"}},
	{pkg: "handlers/docker/internal/pooled", tests: []string{"handlers/docker/inside"}},
	{pkg: "handlers/docker/internal/lines", may: []string{"sdk/abi", "wasmhost", xSys}, tests: []string{"sdk"}},

	{
		pkg: "natsbus", may: []string{"engine", "natsbus/access", natsGo, nkeys, nuid},
		tests: []string{"natsbus/embedded", "handlers/direct"},
	},
	{pkg: "natsbus/access"},
	{pkg: "natsbus/streamtext", may: []string{natsGo}, tests: []string{"natsbus", "natsbus/embedded"}},
	{
		pkg: "natsbus/embedded", may: []string{"natsbus/access", natsGo, natsServer, nkeys, "internal/dirlock"},
		tests: []string{"natsbus"},
	},

	{pkg: "statedir", may: []string{"engine", "internal/dirlock"}, tests: []string{"handlers/direct"}},

	{pkg: "flowfile", may: []string{"engine", yaml, jsonschema}},

	{pkg: "internal/policy", may: []string{"flowfile", "handlers/script", "wasmhost"}},
	{pkg: "internal/quarantine", may: []string{"internal/dirlock"}},
	{pkg: "internal/ops", may: []string{"engine", "internal/control"}},
	{pkg: "internal/api", may: []string{"engine", "internal/control", "internal/ops", huma, xTime}, tests: []string{"handlers/direct", "internal/cluster/..."}},
	{pkg: "internal/api/client", may: []string{"engine", "internal/control", "internal/ops"}, tests: []string{"handlers/direct", "internal/api", "internal/cluster/..."}},
	{
		pkg:   "internal/cluster/...",
		may:   []string{"engine", "flowfile", "handlers/...", "internal/cluster", "internal/control", "internal/ops", "internal/schedule", "internal/secrets", "natsbus", "natsbus/embedded", "script", "sdk/abi", "wasmhost", ulid},
		tests: []string{"internal/cluster/..."},
	},
	{pkg: "internal/schedule", may: []string{"engine", "internal/control", "internal/ops", cron}, tests: []string{"handlers/direct", "internal/cluster/...", "natsbus"}},
	{pkg: "internal/layout", may: []string{"engine", "runtimes", "script", "wasmhost"}},
	{pkg: "internal/oci", may: []string{registry}},
	{pkg: "internal/receipt", may: []string{"engine", "handlers/wasm"}, tests: []string{"handlers/direct", "flowfile"}},
	{pkg: "internal/flowtest", may: []string{"engine", "flowfile", "handlers/...", "internal/control", yaml, jsonschema}},
	{pkg: "internal/term", may: []string{charm, cancelRead}, tests: []string{"internal/term/termtest"}},
	{pkg: "internal/term/termtest", may: []string{xSys}, tests: []string{"internal/term"}},
	{pkg: "runtimes", tests: []string{"sdk/abi", "wasmhost"}},
	{pkg: "runtimes/javascript", tests: []string{"runtimes", "sdk/abi", "wasmhost"}},
	{pkg: "runtimes/javascript/conformance", tests: []string{"runtimes", "wasmhost"}},
	{pkg: "runtimes/python/conformance", tests: []string{"runtimes", "script", "wasmhost"}},
	{pkg: "docs", tests: []string{"flowfile"}},
	{pkg: "internal/console", may: []string{"engine", "internal/control", "internal/layout", "internal/ops"}, tests: []string{"handlers/direct", "internal/api", "internal/cluster/...", "internal/console/browsertest", "script", chromedp}},
	{pkg: "internal/console/browsertest", may: []string{chromedp}},
	{
		pkg: "internal/telemetry", may: []string{"engine", "internal/ops", "sdk/abi", "wasmhost", prometheus, otel},
		tests: []string{"handlers/direct", "handlers/docker", "handlers/wasm", "internal/cluster/...", "natsbus", "natsbus/embedded", "sdk", promCommon, promModel, otlpProto, protobuf, yaml},
	},
	{pkg: "internal/dirlock", may: []string{xSys}},
	{pkg: "internal/secrets", may: []string{"engine", age}},
	{pkg: "internal/control", may: []string{"engine"}, tests: []string{"handlers/direct"}},
	{pkg: "internal/dockertest", may: []string{"internal/guesttest", "internal/loopback"}},
	{pkg: "internal/guesttest", may: []string{goleak}},
	{pkg: "internal/linelog"},
	{pkg: "internal/mcp", may: []string{"runtimes", "script", "sdk/abi", "wasmhost", mcpSDK}, tests: []string{"flowfile"}},
	{pkg: "internal/loopback"},
	{pkg: "internal/soak", may: []string{"engine", "handlers/builtin", "handlers/direct", "handlers/wasm", "internal/control", "natsbus", "natsbus/embedded", "wasmhost"}},
	{pkg: "internal/soak/cmd/soak", may: []string{"internal/soak", "wasmhost"}},
	{pkg: "internal/deps"},
}

// testTools is what the tests of every package may import.
var testTools = []string{"engine", "engine/enginetest", "internal/dockertest", "internal/guesttest", "internal/loopback", rapid, goInternal, goleak, xSync, xTime}

// confined lists the third-party modules that live behind one door, and who
// holds the key. It binds cmd, examples and tests too.
var confined = []struct{ module, pkg string }{
	{wazero, "wasmhost/..."},
	{docker, "handlers/docker"},
	{containerd, "handlers/docker"},
	{moby, "handlers/docker"},
	{natsGo, "natsbus/..."},
	{natsServer, "natsbus/embedded"},
	{nkeys, "natsbus/..."},
	{nuid, "natsbus"},
}

// private lists the trees that nothing outside them imports.
var private = []string{"cmd/...", "examples/..."}

// A listed package is what `go list -json` tells of a package.
type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func TestImports(t *testing.T) {
	t.Parallel()
	// Each of these may have files, and thus imports, of its own.
	for _, platform := range []string{"linux/amd64", "darwin/arm64", "windows/amd64", "wasip1/wasm"} {
		t.Run(platform, func(t *testing.T) {
			t.Parallel()
			packages := list(t, platform)
			if len(packages) == 0 {
				t.Fatal("go list names no package")
			}
			if !slices.ContainsFunc(packages, func(p listed) bool { return slices.Contains(p.Imports, own("engine")) }) {
				t.Fatal("go list tells no imports, so the rule would hold whatever they are")
			}
			for _, violation := range check(packages) {
				t.Error(violation)
			}
		})
	}
}

func TestCheckAllows(t *testing.T) {
	t.Parallel()
	for _, p := range []listed{
		{ImportPath: "engine", Imports: []string{"context", "encoding/json", expr, expr + "/vm", ulid}},
		{ImportPath: "engine", XTestImports: []string{own("engine"), own("engine/enginetest"), own("handlers/direct")}},
		{ImportPath: "wasmhost", Imports: []string{own("sdk/abi"), wazero, wazero + "/api"}},
		{ImportPath: "handlers/script", Imports: []string{own("engine"), own("script")}},
		{ImportPath: "cmd/graflow-wasm", Imports: []string{own("engine"), own("natsbus"), "github.com/spf13/cobra"}},
		{ImportPath: "examples/01-hello", TestImports: []string{own("examples/internal/run")}},
	} {
		p.ImportPath = own(p.ImportPath)
		if got := check([]listed{p}); len(got) != 0 {
			t.Errorf("%+v: got %q, want no violation", p, got)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pkg, imports string
		inTest       bool
		want         string // part of the one violation
	}{
		{pkg: "engine", imports: wazero, want: "engine imports " + wazero},
		{pkg: "engine", imports: wazero + "/api", want: "only wasmhost"},
		{pkg: "engine", imports: own("sdk/abi"), want: "engine imports sdk/abi"},
		{pkg: "engine", imports: own("handlers/direct"), want: "engine imports handlers/direct"},
		{pkg: "engine", imports: own("flowfile"), inTest: true, want: "a test of engine imports flowfile"},
		{pkg: "engine", imports: expr + "ession/x", want: "engine imports"}, // a prefix of a name is another module
		{pkg: "wasmhost", imports: own("engine"), want: "wasmhost imports engine"},
		{pkg: "sdk", imports: own("engine"), want: "sdk imports engine"},
		{pkg: "sdk/abi", imports: own("sdk"), want: "sdk/abi imports sdk"},
		{pkg: "handlers/wasm", imports: own("handlers/direct"), want: "handlers/wasm imports handlers/direct"},
		{pkg: "handlers/script", imports: own("handlers/docker"), want: "handlers/script imports handlers/docker"},
		{pkg: "natsbus", imports: natsServer + "/server", want: "only natsbus/embedded"},
		{pkg: "natsbus", imports: own("handlers/wasm"), want: "natsbus imports handlers/wasm"},
		{pkg: "cmd/graflow-wasm", imports: natsGo + "/jetstream", want: "only natsbus/..."},
		{pkg: "flowfile", imports: docker + "/docker/client", inTest: true, want: "only handlers/docker"},
		{pkg: "flowfile", imports: own("cmd/graflow-wasm"), want: "nothing outside cmd/... imports it"},
		{pkg: "cmd/graflow-wasm", imports: own("examples/01-hello"), want: "nothing outside examples/... imports it"},
		{pkg: "handlers/new", imports: "fmt", want: "add it to rules in internal/deps/deps_test.go"},
	} {
		p := listed{ImportPath: own(test.pkg)}
		if test.inTest {
			p.XTestImports = []string{test.imports}
		} else {
			p.Imports = []string{test.imports}
		}
		got := check([]listed{p})
		if len(got) != 1 || !strings.Contains(got[0], test.want) {
			t.Errorf("%s importing %s: got %q, want one violation with %q", test.pkg, test.imports, got, test.want)
		}
	}
}

// check returns one line for each import that the tables forbid and for each
// package that they do not know.
func check(packages []listed) []string {
	var violations []string
	for _, p := range packages {
		pkg := short(p.ImportPath)
		r, ok := ruleFor(pkg)
		if !ok {
			violations = append(violations, pkg+": a package without a rule; add it to rules in internal/deps/deps_test.go")
			continue
		}
		for _, imported := range p.Imports {
			if why := forbidden(pkg, imported, r.may); why != "" {
				violations = append(violations, fmt.Sprintf("%s imports %s: %s", pkg, short(imported), why))
			}
		}
		inTests := slices.Concat(r.may, r.tests, testTools, []string{pkg})
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if why := forbidden(pkg, imported, inTests); why != "" {
				violations = append(violations, fmt.Sprintf("a test of %s imports %s: %s", pkg, short(imported), why))
			}
		}
	}
	return violations
}

// forbidden says why pkg may not import what it imports, "" if it may.
func forbidden(pkg, imported string, may []string) string {
	if standard(imported) {
		return ""
	}
	name := short(imported)
	for _, tree := range private {
		if name != imported && within(name, tree) && !within(pkg, tree) {
			return "nothing outside " + tree + " imports it"
		}
	}
	for _, c := range confined {
		if within(name, c.module+"/...") && !within(pkg, c.pkg) {
			return "only " + c.pkg + " may"
		}
	}
	for _, allowed := range may {
		thirdParty := name == imported && within(name, allowed+"/...")
		if allowed == anything || within(name, allowed) || thirdParty {
			return ""
		}
	}
	return fmt.Sprintf("the rule allows %q", may)
}

// ruleFor finds the rule of a package: its own, else the longest tree above.
func ruleFor(pkg string) (rule, bool) {
	var best rule
	for _, r := range rules {
		if r.pkg == pkg {
			return r, true
		}
		if within(pkg, r.pkg) && len(r.pkg) > len(best.pkg) {
			best = r
		}
	}
	return best, best.pkg != ""
}

// within tells whether path is pattern or, for "x/...", x or below it.
func within(path, pattern string) bool {
	root, tree := strings.CutSuffix(pattern, "/...")
	return path == root || tree && strings.HasPrefix(path, root+"/")
}

// standard tells the standard library's paths, whose first element has no dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func own(path string) string { return module + "/" + path }

func short(path string) string { return strings.TrimPrefix(path, module+"/") }

// list asks go for the module's packages as built for a platform "os/arch".
func list(t *testing.T, platform string) []listed {
	t.Helper()
	goos, goarch, _ := strings.Cut(platform, "/")
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list for %s: %v", platform, err)
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatalf("go list for %s: decode: %v", platform, err)
		}
		packages = append(packages, p)
	}
}
