// Command system is a graflow_v1 reactor that prints, keeps files and looks at
// clocks.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
	"unsafe"
)

//go:wasmimport graflow_v1 input_len
func inputLen() int32

//go:wasmimport graflow_v1 input_read
func inputRead(ptr unsafe.Pointer, n int32) int32

//go:wasmimport graflow_v1 output_write
func outputWrite(text string) int32

//go:wasmimport graflow_v1 log
func hostLog(level int32, text string)

//go:wasmimport graflow_v1 fail
func hostFail(kind, message string, flags int64)

func main() {}

func input(into any) {
	b := make([]byte, inputLen())
	if len(b) > 0 {
		inputRead(unsafe.Pointer(&b[0]), int32(len(b)))
	}
	_ = json.Unmarshal(b, into)
}

func write(v any) int32 {
	out, err := json.Marshal(v)
	if err != nil {
		return fail(err)
	}
	outputWrite(string(out))
	return 0
}

func fail(err error) int32 {
	hostFail("error", err.Error(), 0)
	return 1
}

func init() { fmt.Println("initializing") }

// graflow_warmup looks at files if it is told to: no snapshot is made of it then.
//
//go:wasmexport graflow_warmup
func warmup() {
	fmt.Println("warming up")
	if os.Getenv("UNSOUND") != "" {
		_, _ = os.Stat("/tmp")
	}
}

// prints writes to both streams, in bytes that are no lines and no text.
//
//go:wasmexport prints
func prints() int32 {
	fmt.Fprint(os.Stdout, "one\ntw")
	fmt.Fprint(os.Stderr, "err")
	fmt.Fprint(os.Stdout, "o\n\xff")
	hostLog(0, "a line")
	return 0
}

// print_loop goes on until it is stopped.
//
//go:wasmexport print_loop
func printLoop() int32 {
	for {
		fmt.Println("again")
	}
}

// print_flood prints as many times 100 bytes as its input says.
//
//go:wasmexport print_flood
func printFlood() int32 {
	var n int
	input(&n)
	for i := range n {
		fmt.Printf("%99d\n", i)
	}
	return 0
}

//go:wasmexport print_panic
func printPanic() int32 {
	fmt.Println("before")
	panic("as told")
}

// plan is what keep does, and how it ends.
type plan struct {
	Write map[string]string // by path; appended to what is there
	Read  []string
	List  string
	End   string // "", "fail", "exit", "trap", "loop", "nonsense"
}

// keep writes files, then answers with what it reads and with all paths below a
// directory.
//
//go:wasmexport keep
func keep() int32 {
	var p plan
	input(&p)
	for name, text := range p.Write {
		if err := add(name, text); err != nil {
			return fail(err)
		}
	}
	found := map[string]string{}
	for _, name := range p.Read {
		b, err := os.ReadFile(name)
		if err != nil {
			return fail(err)
		}
		found[name] = string(b)
	}
	if p.List != "" {
		if err := list(p.List, found); err != nil {
			return fail(err)
		}
	}
	return end(p.End, found)
}

func add(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func list(dir string, into map[string]string) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			into[name] += fmt.Sprintf(" %d %s", info.Size(), info.ModTime().UTC().Format(time.RFC3339))
		}
		return err
	})
}

func end(how string, found map[string]string) int32 {
	switch how {
	case "fail":
		return fail(errors.New("as told"))
	case "exit":
		os.Exit(3)
	case "trap":
		var p *int
		deref(p)
	case "loop":
		for {
			count++
		}
	case "nonsense":
		outputWrite("no JSON")
		return 0
	}
	return write(found)
}

var count int

//go:noinline
func deref(p *int) { *p = 1 }

// times looks at the clock before and after it sleeps for as many nanoseconds as
// its input says, and at the time of a file made then.
//
//go:wasmexport times
func times() int32 {
	var ns time.Duration
	input(&ns)
	before := time.Now()
	time.Sleep(ns)
	after := time.Now()
	answer := map[string]any{
		"before": before.UnixNano(), "after": after.UnixNano(), "monotonic": after.Sub(before).Nanoseconds(),
	}
	if os.WriteFile("/tmp/stamp", nil, 0o600) == nil {
		info, err := os.Stat("/tmp/stamp")
		if err != nil {
			return fail(err)
		}
		answer["file"] = info.ModTime().UnixNano()
	}
	return write(answer)
}

// write_fail writes its input, a string without its quotes, and fails.
//
//go:wasmexport write_fail
func writeFail() int32 {
	var v any
	input(&v)
	switch v := v.(type) {
	case nil:
	case string:
		outputWrite(v)
	default:
		write(v)
	}
	return fail(errors.New("as told"))
}
