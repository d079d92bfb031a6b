package wasmhost

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/tetratelabs/wazero/api"
)

// InCell are deeds that a guest of the tests asks for by a log line in a cell, as one
// would who has broken out of the sandbox there. Their answer is the line that is
// logged.
var InCell = map[string]func(n *inmate) string{
	"who": func(*inmate) string { return self },
	// A fault at an address that is not Go's ends the process, whoever recovers.
	"fault": func(*inmate) string { *(*byte)(unsafe.Add(unsafe.Pointer(nil), 0xdead0000)) = 1; return "" },
	"exit":  func(*inmate) string { os.Exit(3); return "" },
	"thread": func(*inmate) string {
		done := make(chan int)
		go func() { panic("out of reach") }()
		return fmt.Sprint(<-done)
	},
	"stuck": func(*inmate) string { select {} },
	"environment": func(*inmate) string {
		return strings.Join(os.Environ(), " ")
	},
	"rubbish":      func(n *inmate) string { return sent(n.conn.Write(77, []byte("{}"), nil)) },
	"no header":    func(n *inmate) string { return sent(n.conn.Write(frameRequest, []byte("{"), nil)) },
	"other secret": forged(abi.FuncSecretGet, "theirs", ""),
	"other tool":   forged(abi.FuncToolCall, "theirs", "1"),
	"some tools":   forged(abi.FuncToolCalls, "", `[{"name":"mine"},{"name":"theirs"}]`),
	"channel":      forged(abi.FuncChannelSet, "k", "1"),
	"control":      forged(abi.FuncTerminate, "enough", ""),
	"not JSON":     forged(abi.FuncResultGet, "\xff", ""),
	"print":        forged(opStdout, "", "words"),
	"no such":      forged("format_disk", "", ""),
	"file":         func(n *inmate) string { return sent(n.write(frameFile, cellFile{Name: "/out/x"}, nil)) },
	"log flood": func(n *inmate) string {
		for range 1000 {
			if err := n.write(frameLog, cellLog{}, make([]byte, 64<<10)); err != nil {
				return err.Error()
			}
		}
		select {}
	},
}

func sent(error) string { select {} }

func forged(op, name, data string) func(*inmate) string {
	return func(n *inmate) string {
		return sent(n.write(frameRequest, cellRequest{Op: op, Name: name}, []byte(data)))
	}
}

// self tells processes apart: their numbers in a cell are all the same.
var self = rand.Text()

// inside is the cell that this process is, if it is one.
var inside *inmate

func init() {
	for i := range hostFunctions {
		f := &hostFunctions[i]
		if f.name != abi.FuncLog || f.module != abi.Module {
			continue
		}
		log := f.run
		f.run = func(ctx context.Context, a *attempt, mod api.Module, args []uint64) {
			if p, ok := a.opt.Services.Control.(*proxy); ok {
				inside = p.inmate
			}
			text, _ := mod.Memory().Read(uint32(args[1]), uint32(args[2]))
			if do := InCell[strings.Trim(string(text), `"`)]; do != nil && inside != nil {
				a.opt.Services.Log(0, do(inside))
				return
			}
			log(ctx, a, mod, args)
		}
	}
}
