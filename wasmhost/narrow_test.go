package wasmhost_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
	"pgregory.net/rapid"
)

// limitFields are all fields of Limits, by name, so that none is forgotten.
func limitFields(l *wasmhost.Limits) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	v := reflect.ValueOf(l).Elem()
	for i := range v.NumField() {
		fields[v.Type().Field(i).Name] = v.Field(i)
	}
	return fields
}

func TestLimitsWithin(t *testing.T) {
	t.Parallel()
	const huge = 1 << 60
	defaults := map[string]int64{
		"Fuel": 0, "Timeout": 0, "HostCalls": 0,
		"Memory": wasmhost.DefaultMemory, "Stack": wasmhost.DefaultStack, "TableElements": wasmhost.DefaultTableElements,
		"OutputBytes": wasmhost.DefaultOutputBytes, "LogBytes": wasmhost.DefaultLogBytes,
		"OpenFiles": wasmhost.DefaultOpenFiles, "DiskBytes": wasmhost.DefaultDiskBytes,
		"HTTPRequests": wasmhost.DefaultHTTPRequests, "HTTPBytes": wasmhost.DefaultHTTPBytes,
		"ChannelOps": wasmhost.DefaultChannelOps,
	}
	for name := range limitFields(new(wasmhost.Limits)) {
		byDefault, known := defaults[name]
		if !known {
			t.Errorf("%s: the test knows no default", name)
		}
		if byDefault == 0 {
			byDefault = huge // no limit, so the maximum
		}
		for _, c := range []struct{ asked, most, want int64 }{
			{20, 10, 10},
			{5, 10, 5},
			{0, 10, 10},
			{-1, 10, 10},
			{0, huge, byDefault},
			{20, 0, 20},
			{20, -1, 20},
			{0, 0, 0},
			{-1, 0, 0},
		} {
			var asked, most wasmhost.Limits
			limitFields(&asked)[name].SetInt(c.asked)
			limitFields(&most)[name].SetInt(c.most)
			got := asked.Within(most)
			if n := limitFields(&got)[name].Int(); n != c.want {
				t.Errorf("%s: %d within %d: got %d, want %d", name, c.asked, c.most, n, c.want)
			}
			limitFields(&got)[name].SetInt(0)
			if got != (wasmhost.Limits{}) {
				t.Errorf("%s: %d within %d changes others: %+v", name, c.asked, c.most, got)
			}
		}
	}
}

func TestLimitsWithinProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) (l wasmhost.Limits) {
			for name, f := range limitFields(&l) {
				f.SetInt(rapid.SampledFrom([]int64{-1, 0, 1, 2, 1000, 1 << 40}).Draw(t, label+name))
			}
			return l
		}
		asked, most := draw("asked"), draw("most")
		got := asked.Within(most)
		if again := got.Within(most); again != got {
			t.Errorf("got %+v, then %+v", got, again)
		}
		for name, f := range limitFields(&got) {
			a, m := limitFields(&asked)[name].Int(), limitFields(&most)[name].Int()
			if a > 0 && f.Int() > a || m > 0 && f.Int() > m || m > 0 && f.Int() == 0 {
				t.Errorf("%s: %d within %d: got %d", name, a, m, f.Int())
			}
		}
	})
}

// within checks grants and looks for texts in the error; none wanted is no error.
func within(t *testing.T, asked wasmhost.Grants, most *wasmhost.Grants, want ...string) wasmhost.Grants {
	t.Helper()
	got, err := asked.Within(most)
	switch {
	case err != nil && len(want) == 0:
		t.Errorf("%+v: got %v, want no error", asked, err)
	case err == nil && len(want) > 0:
		t.Errorf("%+v: got no error, want %q", asked, want)
	case err != nil && !reflect.DeepEqual(got, wasmhost.Grants{}):
		t.Errorf("%+v: got %+v beside an error", asked, got)
	}
	for _, w := range want {
		if err != nil && !strings.Contains(err.Error(), w) {
			t.Errorf("got %q, want %q in it", err, w)
		}
	}
	return got
}

var yes, no = true, false

func TestGrantsWithin(t *testing.T) {
	t.Parallel()
	most := &wasmhost.Grants{
		Env: map[string]string{"NAME": ""}, Config: map[string]string{"key": ""},
		HTTP: []string{"*.example.com"}, HTTPNetworks: []string{"10.0.0.0/8", "fd00::/8"},
		Secrets: []string{"token"}, Tools: []string{"search", "fetch"},
		Clock: wasmhost.ClockCoarse, Random: wasmhost.RandomSeeded, Seed: 7, Channel: &no,
	}
	for name, c := range map[string]struct {
		asked, want wasmhost.Grants
		faults      []string
	}{
		"what is left open": {
			want: wasmhost.Grants{Clock: "coarse", Random: "seeded", Seed: 7, Channel: &no},
		},
		"all that is allowed": {
			asked: wasmhost.Grants{
				Env: map[string]string{"NAME": "x"}, Config: map[string]string{"key": "v"},
				HTTP: []string{"api.Example.com"}, HTTPNetworks: []string{"10.1.2.3", "fd00:1::/32"},
				Secrets: []string{"token"}, Tools: []string{"fetch"},
				Clock: "virtual", Random: "seeded", Seed: 3, Channel: &no, Control: &yes,
			},
			want: wasmhost.Grants{
				Env: map[string]string{"NAME": "x"}, Config: map[string]string{"key": "v"},
				HTTP: []string{"api.Example.com"}, HTTPNetworks: []string{"10.1.2.3", "fd00:1::/32"},
				Secrets: []string{"token"}, Tools: []string{"fetch"},
				Clock: "virtual", Random: "seeded", Seed: 3, Channel: &no, Control: &yes,
			},
		},
		"everything beyond": {
			asked: wasmhost.Grants{
				Env: map[string]string{"PATH": "x"}, Config: map[string]string{"other": "v"},
				HTTP: []string{"example.com", "x_?"}, HTTPNetworks: []string{"0.0.0.0/0", "192.168.0.0/16", "10.0.0.1/8", "10.0.0.0/7"},
				Secrets: []string{"Token", "*"}, Tools: []string{"search", "delete"},
				Clock: "real", Random: "secure", Channel: &yes,
			},
			faults: []string{
				`grants.env: the operator does not allow "PATH"`,
				`grants.config: the operator does not allow "other"`,
				`grants.http[0]: the operator does not allow all of "example.com", only *.example.com`,
				`grants.http[1]: host "x_?": a pattern is`,
				`grants.http_networks[0]: the operator does not allow 0.0.0.0/0`,
				`grants.http_networks[1]: the operator does not allow 192.168.0.0/16`,
				`grants.http_networks[2]: network "10.0.0.1/8": bits are set`,
				`grants.http_networks[3]: the operator does not allow 10.0.0.0/7`,
				`grants.secrets: the operator does not allow "Token"`,
				`grants.secrets: the operator does not allow "*"`,
				`grants.tools: the operator does not allow "delete"`,
				`grants.clock: the operator allows coarse at most, not real`,
				`grants.random: the operator allows seeded at most, not secure`,
				`grants.channel: the operator does not allow it`,
			},
		},
		"unknown words": {
			asked:  wasmhost.Grants{Clock: "slow", Random: "dice"},
			faults: []string{`grants.clock: got "slow", want one of virtual, coarse, real`, `grants.random: got "dice", want one of seeded, secure`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := within(t, c.asked, most, c.faults...); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestGrantsWithinNothing asks for each field alone, where nothing is allowed.
func TestGrantsWithinNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	asked := wasmhost.Grants{
		Mounts: []wasmhost.Mount{{Host: dir, Guest: "/d"}}, Env: map[string]string{"A": ""}, HTTP: []string{"a.com"},
		HTTPNetworks: []string{"10.0.0.0/8"}, Secrets: []string{"s"}, Tools: []string{"t"}, Config: map[string]string{"c": ""},
		Clock: "real", Random: "secure", Seed: 1, Channel: &yes, Control: &yes,
		Start: time.Unix(1, 0),
	}
	nothing := &wasmhost.Grants{Clock: "virtual", Random: "seeded", Channel: &no, Control: &no}
	all := reflect.ValueOf(asked)
	for i := range all.NumField() {
		name := all.Type().Field(i).Name
		if all.Field(i).IsZero() {
			t.Errorf("%s: the test does not ask for it", name)
		}
		var one wasmhost.Grants
		reflect.ValueOf(&one).Elem().Field(i).Set(all.Field(i))
		_, err := one.Within(nothing)
		if free := name == "Seed" || name == "Start"; (err == nil) != free {
			t.Errorf("%s: got %v", name, err)
		}
	}
	within(t, asked, nil)
	everything := asked
	everything.Secrets, everything.Tools, everything.HTTP = []string{"*"}, []string{"*"}, []string{"*:*"}
	everything.Env, everything.Config = map[string]string{"*": ""}, map[string]string{"*": ""}
	if got := within(t, asked, &everything); got.Seed != 1 || !got.Start.Equal(asked.Start) {
		t.Errorf("got seed %d, start %v", got.Seed, got.Start)
	}
}

func TestGrantsWithinNil(t *testing.T) {
	t.Parallel()
	if got := within(t, wasmhost.Grants{}, nil); !reflect.DeepEqual(got, wasmhost.Grants{}) {
		t.Errorf("got %+v, want nothing filled in", got)
	}
	within(t, wasmhost.Grants{Mounts: []wasmhost.Mount{{Host: "no/such/dir", Guest: "/d"}}, HTTP: []string{"*:*"}, HTTPNetworks: []string{"::/0"}}, nil)
	within(t, wasmhost.Grants{HTTP: []string{"https://a.com/path"}, HTTPNetworks: []string{"10"}, Clock: "Real", Random: "x"}, nil,
		`grants.http[0]: host "https://a.com/path"`, `grants.http_networks[0]: network "10"`, `grants.clock: got "Real"`, `grants.random: got "x"`)
	within(t, wasmhost.Grants{}, &wasmhost.Grants{HTTP: []string{"a b"}, HTTPNetworks: []string{"x"}, Clock: "x", Random: "y"},
		`grants.http: what the operator allows: host "a b"`, `grants.http_networks: what the operator allows: network "x"`,
		`grants.clock: the operator allows "x" at most, which is none of`, `grants.random: the operator allows "y" at most`)
}

func TestGrantsWithinMounts(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"open/in", "openly", "drop"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"open/out": "openly", "open/self": "open/in", "alias": "open"} {
		if err := os.Symlink(filepath.Join(dir, to), filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	most := &wasmhost.Grants{Mounts: []wasmhost.Mount{
		{Host: filepath.Join(dir, "alias"), Guest: "/x"},
		{Host: filepath.Join(dir, "drop"), Guest: "/y", Writable: true},
		{Memory: true, Guest: "/z", Writable: true},
	}}
	for _, c := range []struct {
		host     string
		writable bool
		want     string // the directory, or "" and the fault
		fault    string
	}{
		{host: "open", want: "open"},
		{host: "alias", want: "open"},
		{host: "open/in", want: "open/in"},
		{host: "open/self", want: "open/in"},
		{host: "drop", want: "drop"},
		{host: "drop", writable: true, want: "drop"},
		{host: "open", writable: true, fault: "grants.mounts[0]: the operator does not allow writing "},
		{host: "openly", fault: "grants.mounts[0]: the operator does not allow reading "},
		{host: "open/out", fault: "does not allow reading"},
		{host: "open/in/../../openly", fault: "does not allow reading"},
		{host: ".", fault: "does not allow reading"},
		{host: "open/none", fault: "no such file"},
	} {
		host := dir + "/" + c.host
		asked := wasmhost.Grants{Mounts: []wasmhost.Mount{{Host: host, Guest: "/d", Writable: c.writable}}}
		if c.want == "" {
			within(t, asked, most, c.fault)
			continue
		}
		if got, want := within(t, asked, most).Mounts, filepath.Join(dir, c.want); len(got) != 1 || got[0].Host != want {
			t.Errorf("%s: got %v, want %s", c.host, got, want)
		}
		if asked.Mounts[0].Host != host {
			t.Errorf("%s: the caller's mount became %v", c.host, asked.Mounts[0])
		}
	}
	within(t, wasmhost.Grants{Mounts: []wasmhost.Mount{{Guest: "/d"}}}, most, "the host directory is missing")
	memory := wasmhost.Grants{Mounts: []wasmhost.Mount{{Host: dir, Guest: "/d", Memory: true, Writable: true}}}
	if got := within(t, memory, &wasmhost.Grants{}).Mounts; len(got) != 1 || got[0].Host != "" {
		t.Errorf("memory: got %v, want no host directory", got)
	}
}

func TestGrantsWithinHTTP(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		asked, most string // most: several, by space
		want        bool
	}{
		{"example.com", "example.com", true},
		{"EXAMPLE.com.", "example.com", true},
		{"https://example.com", "example.com", true},
		{"https://example.com:443", "example.com", true},
		{"http://example.com:80", "example.com", true},
		{"example.com", "https://example.com", false},
		{"example.com", "https://example.com http://example.com", true},
		{"example.com:443", "example.com", false}, // http on 443 too
		{"example.com:8443", "example.com", false},
		{"example.com:8443", "example.com:*", true},
		{"https://example.com:8443", "http://example.com:*", false},
		{"example.com:*", "example.com example.com:8443", false},
		{"example.com:*", "*:*", true},
		{"example.com:*", "*", false},
		{"example.com", "*", true},
		{"*", "*", true},
		{"*", "*:*", true},
		{"*:*", "*", false},
		{"*", "*.com example.com", false},
		{"http://*", "*", true},
		{"*", "http://*", false},
		{"a.example.com", "*.example.com", true},
		{"a.b.example.com", "*.example.com", true},
		{"*.b.example.com", "*.example.com", true},
		{"*.example.com", "*.example.com", true},
		{"*.example.com", "*.b.example.com", false},
		{"*.example.com", "example.com", false},
		{"example.com", "*.example.com", false},
		{"badexample.com", "*.example.com", false},
		{"*.badexample.com", "*.example.com", false},
		{"example.com.evil.org", "*.example.com", false},
		{"10.0.0.1", "*", true},
		{"10.0.0.1:80", "10.0.0.1", false},
		{"[::1]:8080", "[::1]:*", true},
		{"[::1]", "::1", true},
		{"[::1]:8080", "::1", false},
		{"example.com", "", false},
	} {
		asked := wasmhost.Grants{HTTP: []string{c.asked}}
		var want []string
		if !c.want {
			want = []string{"grants.http[0]: the operator does not allow all of"}
		}
		within(t, asked, &wasmhost.Grants{HTTP: strings.Fields(c.most)}, want...)
	}
}

// drawGrants draws grants of few words, so that asked and allowed ones meet.
func drawGrants(t *rapid.T, label string) wasmhost.Grants {
	list := func(field string, of ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 0, 3, rapid.ID).Draw(t, label+field)
	}
	pairs := func(field string) map[string]string {
		m := map[string]string{}
		for _, name := range list(field, "A", "B", "*") {
			m[name] = label
		}
		return m
	}
	flag := func(field string) *bool {
		return rapid.SampledFrom([]*bool{nil, &yes, &no}).Draw(t, label+field)
	}
	hosts := rapid.Map(rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"", "http://", "https://"}).Draw(t, "scheme") +
			rapid.SampledFrom([]string{"*", "*.com", "*.a.com", "a.com", "b.a.com"}).Draw(t, "name") +
			rapid.SampledFrom([]string{"", ":*", ":80", ":443", ":8080"}).Draw(t, "port")
	}), 0, 3, rapid.ID), func(s []string) []string { return s })
	return wasmhost.Grants{
		Env: pairs("env"), Config: pairs("config"), Secrets: list("secrets", "a", "b", "*"), Tools: list("tools", "a", "b", "*"),
		HTTP:         hosts.Draw(t, label+"http"),
		HTTPNetworks: list("networks", "0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "::/0", "fd00::/8"),
		Clock:        rapid.SampledFrom([]string{"", "real", "coarse", "virtual"}).Draw(t, label+"clock"),
		Random:       rapid.SampledFrom([]string{"", "secure", "seeded"}).Draw(t, label+"random"),
		Seed:         rapid.Uint64Range(0, 2).Draw(t, label+"seed"),
		Channel:      flag("channel"), Control: flag("control"),
	}
}

// powers lists what grants allow, of all that drawGrants can. It reads them by
// itself, as their comments say.
func powers(g wasmhost.Grants) []string {
	var all []string
	add := func(has bool, power ...string) {
		if has {
			all = append(all, strings.Join(power, " "))
		}
	}
	for _, name := range []string{"a", "b", "*", "c"} {
		add(slices.Contains(g.Secrets, name) || slices.Contains(g.Secrets, "*"), "secret", name)
		add(slices.Contains(g.Tools, name) || slices.Contains(g.Tools, "*"), "tool", name)
		for what, m := range map[string]map[string]string{"env": g.Env, "config": g.Config} {
			_, has := m[strings.ToUpper(name)]
			_, every := m["*"]
			add(has || every, what, name)
		}
	}
	for _, scheme := range []string{"http", "https"} {
		for _, host := range []string{"com", "a.com", "b.a.com", "c.b.a.com", "x.com", "x.org"} {
			for _, port := range []string{"80", "443", "8080", "9"} {
				add(slices.ContainsFunc(g.HTTP, func(p string) bool { return matches(p, scheme, host, port) }), scheme, host, port)
			}
		}
	}
	in := map[string][]string{
		"10.1.2.3": {"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3"}, "10.1.2.4": {"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16"},
		"10.2.0.1": {"0.0.0.0/0", "10.0.0.0/8"}, "192.168.0.1": {"0.0.0.0/0"}, "fd00::1": {"::/0", "fd00::/8"}, "fe80::1": {"::/0"},
	}
	for addr, networks := range in {
		add(slices.ContainsFunc(networks, func(n string) bool { return slices.Contains(g.HTTPNetworks, n) }), "network", addr)
	}
	add(g.Clock != "virtual", "coarse clock")
	add(g.Clock == "real" || g.Clock == "", "real clock")
	add(g.Random != "seeded", "secure random")
	add(g.Channel == nil || *g.Channel, "channel")
	add(g.Control == nil || *g.Control, "control")
	return all
}

func matches(pattern, scheme, host, port string) bool {
	if s, rest, found := strings.Cut(pattern, "://"); found {
		if s != scheme {
			return false
		}
		pattern = rest
	}
	name, p, _ := strings.Cut(pattern, ":")
	usual := map[string]string{"http": "80", "https": "443"}[scheme]
	if p != "*" && p != port && (p != "" || port != usual) {
		return false
	}
	return name == "*" || name == host || name[0] == '*' && strings.HasSuffix(host, name[1:])
}

func TestGrantsWithinProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		asked, most := drawGrants(t, "asked "), drawGrants(t, "most ")
		if rapid.Bool().Draw(t, "within reach") { // else nearly all are refused
			asked.Env, asked.Config, asked.HTTP, asked.HTTPNetworks = most.Env, nil, most.HTTP, most.HTTPNetworks
			asked.Secrets, asked.Tools = most.Secrets, nil
			asked.Clock, asked.Random = most.Clock, ""
			asked.Channel, asked.Control = nil, &no
			if _, err := asked.Within(&most); err != nil {
				t.Fatalf("what is allowed is refused: %v", err)
			}
		}
		got, err := asked.Within(&most)
		if err != nil {
			return
		}
		if again, err := got.Within(&most); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("got %+v, then %+v, %v", got, again, err)
		}
		allowed, wanted := powers(most), powers(asked)
		for _, p := range powers(got) {
			if !slices.Contains(allowed, p) || !slices.Contains(wanted, p) {
				t.Errorf("%q was granted: asked %+v of %+v", p, asked, most)
			}
		}
	})
}
