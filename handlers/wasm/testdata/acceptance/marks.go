package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"unsafe"

	"github.com/graflow/graflow-wasm/sdk"
)

// marked is what marks in memory begin with; their lowest bits are the task's.
const marked = 0x6d61_726b_0000_0000

var (
	global  int
	hoarded [][]byte
	opened  []*os.File
)

type marking struct {
	Task  int  // from 1 on
	Files bool // marks them too
	Trap  bool // ends like that
}

// mark tells what it finds of others, and leaves marks of its own wherever it
// can: in globals, all over the memory, in the environment, in files and in file
// descriptors.
var mark = sdk.Task("mark", "leaves marks", func(_ *sdk.Context, in marking) ([]string, error) {
	found := []string{}
	note := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if global != 0 || len(hoarded) > 0 || len(opened) > 0 {
		note("globals of task %d", global)
	}
	if v := os.Getenv("MARK"); v != "" {
		note("environment of task %s", v)
	}
	big := make([]byte, 1<<20)
	if n := scan(uintptr(unsafe.Pointer(&big[0])) + uintptr(len(big))); n > 0 {
		note("memory of %d tasks", n)
	}
	if in.Files {
		for _, what := range files(in.Task) {
			note("%s", what)
		}
	}
	global = in.Task
	hoarded = append(hoarded, big)
	for at := 0; at+8 <= len(big); at += 512 {
		binary.LittleEndian.PutUint64(big[at:], marked|uint64(in.Task))
	}
	_ = os.Setenv("MARK", fmt.Sprint(in.Task))
	if in.Trap {
		peek(0xffff_fff0)
	}
	return found, nil
})

//go:wasmexport mark
func _mark() int32 { return mark.Run() }

// scan counts the marks in the memory below end. A task that has left none finds
// none of its own.
//
//go:noinline
func scan(end uintptr) (n int) {
	for at := uintptr(8); at < end; at += 8 {
		if v := *(*uint64)(unsafe.Add(unsafe.Pointer(nil), at)); v>>32 == marked>>32 && v != marked {
			n++
		}
	}
	return n
}

// files tells what others left below /tmp, and which descriptor is the first that
// is free if it is not the fourth, and leaves a file, a directory and open files.
func files(task int) (found []string) {
	entries, err := os.ReadDir("/tmp")
	if err != nil {
		return []string{err.Error()}
	}
	for _, e := range entries {
		found = append(found, "file "+e.Name())
	}
	for i := range 3 {
		f, err := os.Create(fmt.Sprintf("/tmp/%d-%d", task, i))
		if err != nil {
			return append(found, err.Error())
		}
		opened = append(opened, f)
	}
	if got := opened[0].Fd(); got != 4 {
		found = append(found, fmt.Sprintf("descriptor %d", got))
	}
	if err := os.Mkdir(fmt.Sprintf("/tmp/dir%d", task), 0o700); err != nil {
		found = append(found, err.Error())
	}
	return found
}
