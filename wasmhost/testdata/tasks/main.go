// Command tasks is a graflow_v1 reactor with one task for each thing a guest
// may do, and for most that it may not.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
	"unsafe"
)

//go:wasmimport graflow_v1 input_len
func inputLen() int32

//go:wasmimport graflow_v1 input_read
func inputRead(ptr unsafe.Pointer, n uint32) int32

//go:wasmimport graflow_v1 output_write
func outputWrite(ptr unsafe.Pointer, n uint32) int32

//go:wasmimport graflow_v1 fail
func hostFail(kind unsafe.Pointer, kindLen uint32, msg unsafe.Pointer, msgLen uint32, flags int64)

//go:wasmimport graflow_v1 log
func hostLog(level int32, ptr unsafe.Pointer, n uint32)

//go:wasmimport graflow_v1 progress
func progress(done, total float64, ptr unsafe.Pointer, n uint32)

//go:wasmimport graflow_v1 meta
func meta() int64

//go:wasmimport graflow_v1 result_get
func resultGet(ptr unsafe.Pointer, n uint32) int64

//go:wasmimport graflow_v1 channel_get
func channelGet(ptr unsafe.Pointer, n uint32) int64

//go:wasmimport graflow_v1 channel_set
func channelSet(ptr unsafe.Pointer, n uint32, val unsafe.Pointer, valLen uint32) int32

//go:wasmimport graflow_v1 channel_add
func channelAdd(ptr unsafe.Pointer, n uint32, val unsafe.Pointer, valLen uint32) int32

//go:wasmimport graflow_v1 channel_keys
func channelKeys(ptr unsafe.Pointer, n uint32) int64

//go:wasmimport graflow_v1 next_task
func nextTask(ptr unsafe.Pointer, n uint32) int32

//go:wasmimport graflow_v1 next_iteration
func nextIteration(ptr unsafe.Pointer, n uint32) int32

//go:wasmimport graflow_v1 terminate
func terminate(ptr unsafe.Pointer, n uint32) int32

//go:wasmimport graflow_v1 checkpoint
func checkpoint(ptr unsafe.Pointer, n uint32) int32

//go:wasmimport graflow_v1 checkpoint_as
func checkpointAs(ptr unsafe.Pointer, n uint32, meta unsafe.Pointer, metaLen uint32) int32

//go:wasmimport graflow_v1 pause
func pause(ptr unsafe.Pointer, n uint32) int64

//go:wasmimport graflow_v1 secret_get
func secretGet(ptr unsafe.Pointer, n uint32) int64

//go:wasmimport graflow_v1 reply_read
func replyRead(ptr unsafe.Pointer, n uint32) int32

func main() {}

func ptr(s string) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.StringData(s)), uint32(len(s))
}

func input() []byte {
	b := make([]byte, inputLen())
	if len(b) > 0 {
		inputRead(unsafe.Pointer(&b[0]), uint32(len(b)))
	}
	return b
}

func write(s string) { outputWrite(ptr(s)) }

func fail(kind, msg string, flags int64) int32 {
	k, kn := ptr(kind)
	m, mn := ptr(msg)
	hostFail(k, kn, m, mn, flags)
	return 1
}

func reply(n int64) string {
	if n < 0 {
		return fmt.Sprintf("%d", n)
	}
	b := make([]byte, n)
	if n > 0 {
		replyRead(unsafe.Pointer(&b[0]), uint32(n))
	}
	return string(b)
}

//go:wasmexport graflow_describe
func describe() int32 {
	write(`{"tasks":[{"name":"echo","doc":"Gives back its input.","input":{"type":"object"}},{"name":"ghost"}]}`)
	return 0
}

//go:wasmexport echo
func echo() int32 {
	write(string(input()))
	return 0
}

//go:wasmexport silent
func silent() int32 { return 0 }

var counter int

//go:wasmexport count
func count() int32 {
	counter++
	write(fmt.Sprint(counter))
	return 0
}

//go:wasmexport fails
func fails() int32 { return fail("quota", "no more quota", 1|1500<<1) }

//go:wasmexport fails_plain
func failsPlain() int32 { return 7 }

//go:wasmexport panics
func panics() int32 {
	var p *int
	deref(p)
	return 0
}

//go:noinline
func deref(p *int) { *p = 1 }

//go:wasmexport exits
func exits() int32 {
	os.Exit(3)
	return 0
}

var sink int

//go:wasmexport loop
func loop() int32 {
	for {
		sink++
	}
}

//go:wasmexport sleep
func sleep() int32 {
	time.Sleep(time.Hour)
	return 0
}

var hoard [][]byte

//go:wasmexport bomb
func bomb() int32 {
	for {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		hoard = append(hoard, b)
	}
}

//go:wasmexport log_flood
func logFlood() int32 {
	p, n := ptr("a line of the flood that goes on and on\n")
	for range 10000 {
		hostLog(0, p, n)
	}
	return 0
}

//go:wasmexport logs
func logs() int32 {
	p, n := ptr("careful")
	hostLog(4, p, n)
	fmt.Fprint(os.Stderr, "one\ntwo\nthree")
	progress(1, 2, p, n)
	return 0
}

//go:wasmexport output_flood
func outputFlood() int32 {
	big := string(make([]byte, 1<<16))
	for {
		write(big)
	}
}

//go:wasmexport not_json
func notJSON() int32 {
	write("hello <world>")
	return 0
}

//go:wasmexport channel
func channel() int32 {
	k, kn := ptr("a")
	v, vn := ptr(`{"x":1}`)
	set := channelSet(k, kn, v, vn)
	bad, badn := ptr(`{oops`)
	invalid := channelSet(k, kn, bad, badn)
	one, onen := ptr("2")
	c, cn := ptr("n")
	add := channelAdd(c, cn, one, onen)
	got := reply(channelGet(k, kn))
	missing := reply(channelGet(ptr("missing")))
	keys := reply(channelKeys(ptr("")))
	out, _ := json.Marshal([]any{set, invalid, add, got, missing, keys})
	write(string(out))
	return 0
}

//go:wasmexport control
func control() int32 {
	a := nextTask(ptr(`{"id":"b","goto":true}`))
	b := nextTask(ptr(`{"nonsense":1}`))
	c := nextIteration(ptr(`[1]`))
	d := checkpoint(nil, 0)
	e := terminate(ptr("enough"))
	write(fmt.Sprintf("[%d,%d,%d,%d,%d]", a, b, c, d, e))
	return 0
}

//go:wasmexport checkpoints
func checkpoints() int32 {
	as := func(name, meta string) int32 {
		n, nLen := ptr(name)
		m, mLen := ptr(meta)
		return checkpointAs(n, nLen, m, mLen)
	}
	n, _ := ptr("bad")
	bad := checkpointAs(n, 3, n, 1<<31)
	a, b := as("one", `{"page":1}`), as("two", "")
	c, d := as("", "1"), as("\xff", "1")
	write(fmt.Sprintf("[%d,%d,%d,%d,%d,%d,%d]", a, b, c, d, as("three", "{"), bad, checkpoint(ptr(`"m"`))))
	return 0
}

// pauses asks for what its input lists, in turn, and leaves a mark that the next
// call in the same sandbox would see.
//
//go:wasmexport pauses
func pauses() int32 {
	var asked []json.RawMessage
	if err := json.Unmarshal(input(), &asked); err != nil {
		return fail("", err.Error(), 0)
	}
	counter++
	answers := []string{fmt.Sprint(counter)}
	for _, p := range asked {
		answers = append(answers, reply(pause(ptr(string(p)))))
		setChannel("after", "1")
	}
	out, _ := json.Marshal(answers)
	write(string(out))
	return 0
}

func setChannel(key, value string) int32 {
	k, kn := ptr(key)
	v, vn := ptr(value)
	return channelSet(k, kn, v, vn)
}

//go:wasmexport claims_paused
func claimsPaused() int32 { return fail("paused", "not really", 0) }

//go:wasmexport lookup
func lookup() int32 {
	out, _ := json.Marshal([]string{reply(meta()), reply(resultGet(ptr("up"))), reply(resultGet(ptr("nope"))), reply(secretGet(ptr("key")))})
	write(string(out))
	return 0
}

//go:wasmexport needs_channel
func needsChannel() int32 {
	if n := channelGet(ptr("a")); n == -2 {
		return fail("", "channel_get: denied: the grant is missing", 0)
	}
	return 0
}

//go:wasmexport files
func files() int32 {
	b, err := os.ReadFile("/data/in.txt")
	if err != nil {
		return fail("", err.Error(), 0)
	}
	report := map[string]string{"read": string(b)}
	note := func(what string, err error) {
		report[what] = "ok"
		if err != nil {
			report[what] = "refused"
		}
	}
	note("write", os.WriteFile("/data/out.txt", []byte("written"), 0o600))
	_, err = os.ReadFile("/data/escape/secret.txt")
	note("escape", err)
	_, err = os.ReadFile("/data/../../etc/passwd")
	note("dotdot", err)
	note("symlink", os.Symlink("/etc", "/data/link"))
	list, err := os.ReadDir("/data")
	note("list", err)
	report["entries"] = fmt.Sprint(len(list))
	note("mkdir", os.MkdirAll("/data/x/y", 0o700))
	note("append", appendTo("/data/log.txt"))
	out, _ := json.Marshal(report)
	write(string(out))
	return 0
}

func appendTo(name string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString("line\n"); err != nil {
		return err
	}
	return f.Close()
}

//go:wasmexport ambient
func ambient() int32 {
	_, err := os.ReadDir("/")
	out, _ := json.Marshal(map[string]any{"env": os.Environ(), "args": os.Args, "fs": err == nil})
	write(string(out))
	return 0
}
