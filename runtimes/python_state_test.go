package runtimes_test

import (
	"bytes"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// Every call finds the interpreter as it was after warm-up.
func TestPythonForgets(t *testing.T) {
	t.Parallel()
	change := "import json, builtins, sys\njson.dumps = None\nbuiltins.leak = 1\nleft = 2\nsys.modules['leak'] = sys\nsys.path.append('/x')"
	look := "import json, builtins, sys\n[json.dumps({}), hasattr(builtins, 'leak'), 'left' in globals(), 'leak' in sys.modules, sys.path]"
	for range 20 {
		if got := run(t, change); got.Error != nil {
			t.Fatal(got.Error.Traceback)
		}
		wantValue(t, run(t, look), `["{}",false,false,false,[]]`)
	}
}

func TestPythonRandomness(t *testing.T) {
	t.Parallel()
	draw := document{Code: "import random, uuid, secrets\n[random.random(), str(uuid.uuid4()), secrets.token_hex(8)]"}
	seeded := wasmhost.Options{Grants: wasmhost.Grants{Random: wasmhost.RandomSeeded, Seed: 7}}
	var secure, same [2]answer
	for i := range 2 {
		var err error
		if secure[i], _, err = call(t, draw, wasmhost.Options{}); err != nil {
			t.Fatal(err)
		}
		if same[i], _, err = call(t, draw, seeded); err != nil {
			t.Fatal(err)
		}
	}
	if bytes.Equal(secure[0].Value, secure[1].Value) {
		t.Errorf("two calls drew %s", secure[0].Value)
	}
	if !bytes.Equal(same[0].Value, same[1].Value) {
		t.Errorf("with the same seed: %s and %s", same[0].Value, same[1].Value)
	}
}

func TestPythonClock(t *testing.T) {
	t.Parallel()
	doc := document{Code: code(
		"import time, asyncio",
		"from datetime import datetime",
		"began = time.monotonic()",
		"time.sleep(100)",
		"await asyncio.sleep(200)",
		"[datetime.now().year, round(time.monotonic() - began, 1)]",
	)}
	got, _, err := call(t, doc, wasmhost.Options{Grants: wasmhost.Grants{Clock: wasmhost.ClockVirtual}})
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, got, "[2026,300.0]")
}

// The same call takes the same fuel with a snapshot and without, and in every
// sandbox: nothing of the machine is in what it does.
func TestPythonDeterminism(t *testing.T) {
	t.Parallel()
	doc := document{Code: "import random, time\nresult = [random.random(), time.time(), hash('x'), id(object()) % 1, {'b', 'a'}]"}
	opt := wasmhost.Options{Grants: wasmhost.Grants{Clock: wasmhost.ClockVirtual, Random: wasmhost.RandomSeeded}}
	first, used, err := call(t, doc, opt)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		got, ledger, err := call(t, doc, opt)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Value, first.Value) || ledger.Fuel != used.Fuel {
			t.Errorf("got %s for %d, first %s for %d", got.Value, ledger.Fuel, first.Value, used.Fuel)
		}
	}
}

func TestPythonFiles(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{
		"helper.py":       []byte("import json\nVALUE = 5\ndef fail():\n    raise ValueError('in a bundle')\n"),
		"pkg/__init__.py": []byte("from .part import PART\n"),
		"pkg/part.py":     []byte("PART = 'part'\n"),
		"broken.py":       []byte("x = 1\ndef f(:\n"),
	}
	opt := wasmhost.Options{Grants: wasmhost.Grants{Mounts: []wasmhost.Mount{
		{Guest: "/tmp", Memory: true}, {Guest: "/with/0", Memory: true, Files: files},
	}}}
	tests := map[string]struct{ code, want string }{
		"write and read": {"import os, pathlib\nwith open('/tmp/a.txt', 'w') as f: f.write('ü')\npathlib.Path('/tmp/b').write_bytes(b'x')\n[open('/tmp/a.txt').read(), sorted(os.listdir('/tmp')), os.path.getsize('/tmp/b')]", `["ü",["a.txt","b"],1]`},
		"temporary":      {"import tempfile\nwith tempfile.NamedTemporaryFile('w+') as f:\n    f.write('x')\n    f.seek(0)\n    result = f.read()", `"x"`},
		"csv":            {"import csv\nwith open('/tmp/a.csv', 'w', newline='') as f: csv.writer(f).writerows([[1, 'a'], [2, 'b']])\nlist(csv.DictReader(open('/tmp/a.csv'), ['n', 's']))", `[{"n":"1","s":"a"},{"n":"2","s":"b"}]`},
		"zip":            {"import zipfile, gzip\nwith zipfile.ZipFile('/tmp/a.zip', 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('a', 'x' * 1000)\n[len(zipfile.ZipFile('/tmp/a.zip').read('a')), gzip.decompress(gzip.compress(b'y')).decode()]", `[1000,"y"]`},
		"relative":       {"import os, pathlib\nopen('a.txt', 'w').close()\npathlib.Path('d').mkdir()\nos.chdir('d')\npathlib.Path('b').touch()\n[os.getcwd(), os.path.abspath('b'), os.listdir(), os.listdir('..')]", `["/tmp/d","/tmp/d/b",["b"],["a.txt","d"]]`},
		"open as method": {"class A:\n    open = open\n    def f(self): return self.open('/tmp/a', 'w')\nA().f().name", `"/tmp/a"`},
		"bundle":         {"import helper, pkg\n[helper.VALUE, pkg.PART, helper.__file__]", `[5,"part","/with/0/helper.py"]`},
		"wheel":          {"import sys, zipfile\nwith zipfile.ZipFile('/tmp/w.whl', 'w') as z: z.writestr('inwheel.py', 'X = 3')\nsys.path.append('/tmp/w.whl')\nimport inwheel\ninwheel.X", "3"},
		"no escape":      {"try:\n    open('/etc/passwd')\nexcept OSError as e:\n    result = type(e).__name__", `"FileNotFoundError"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _, err := call(t, document{Code: test.code, Path: []string{"/with/0"}}, opt)
			if err != nil {
				t.Fatal(err)
			}
			wantValue(t, got, test.want)
		})
	}

	t.Run("error in a bundle", func(t *testing.T) {
		t.Parallel()
		got, _, err := call(t, document{Code: "import helper\n\nhelper.fail()", Path: []string{"/with/0"}}, opt)
		if err != nil {
			t.Fatal(err)
		}
		want := "Traceback (most recent call last):\n  File \"main.py\", line 3, in <module>\n    helper.fail()\n    ~~~~~~~~~~~^^\n" +
			"  File \"/with/0/helper.py\", line 4, in fail\n    raise ValueError('in a bundle')\nValueError: in a bundle"
		if got.Error == nil || got.Error.Line != 3 || got.Error.Traceback != want {
			t.Errorf("got %+v, want line 3 and\n%s", got.Error, want)
		}
	})

	t.Run("broken bundle", func(t *testing.T) {
		t.Parallel()
		got, _, err := call(t, document{Code: "\nimport broken", Path: []string{"/with/0"}}, opt)
		if err != nil {
			t.Fatal(err)
		}
		if e := got.Error; e == nil || e.Kind != "exception" || e.File != "/with/0/broken.py" || e.Line != 2 {
			t.Errorf("got %+v, want a SyntaxError in /with/0/broken.py, line 2", got.Error)
		}
	})
}

// A file that code forgot to close holds what it wrote.
func TestPythonFlushesFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opt := wasmhost.Options{Grants: wasmhost.Grants{Mounts: []wasmhost.Mount{{Guest: "/out", Host: dir, Writable: true}}}}
	got, _, err := call(t, document{Code: "f = open('/out/a', 'w')\nf.write('kept')"}, opt)
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, got, "4")
	wantFile(t, dir+"/a", "kept")
}
