package runtimes_test

import (
	"strings"
	"testing"
)

// What of the standard library is ours, or would not work without care.
func TestPythonLibrary(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ code, want string }{
		// RFC 7914, section 11, and hashlib.pbkdf2_hmac("sha1", b"k" * 100, b"NaCl", 5) with OpenSSL.
		"pbkdf2":           {"import hashlib\nhashlib.pbkdf2_hmac('sha256', b'passwd', b'salt', 1, 64).hex()", `"55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"`},
		"pbkdf2, long key": {"import hashlib\nhashlib.pbkdf2_hmac('sha1', b'k' * 100, bytearray(b'NaCl'), 5).hex()", `"db420a86c6fc678c33164ce861594a5f20d69adf"`},
		"file of a module": {"import json, os.path\n[json.__file__, os.path.dirname(os.__file__)]", `["/usr/local/lib/python3.13/json/__init__.py","/usr/local/lib/python3.13"]`},
		"day of no year":   {"from datetime import datetime\ndatetime.strptime('28 Feb', '%d %b').isoformat()", `"1900-02-28T00:00:00"`},
		"time of process":  {"import time\n0 <= time.process_time() < 3600", "true"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantValue(t, run(t, test.code), test.want)
		})
	}
}

// Streams that code has put in place of stdout and stderr may raise anything.
func TestPythonHostileStreams(t *testing.T) {
	t.Parallel()
	got := run(t, code(
		"import sys",
		"class Stream:",
		"    def write(self, *text): raise SystemExit",
		"    def flush(self): raise SystemExit",
		"sys.stdout = sys.stderr = Stream()",
		"sys.excepthook = None",
		"1 / 0",
	))
	if got.Error == nil || got.Error.Type != "ZeroDivisionError" || !strings.Contains(got.Error.Traceback, "1 / 0") {
		t.Errorf("got %+v, want the ZeroDivisionError", got.Error)
	}
}
