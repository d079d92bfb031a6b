// Command powers is a graflow_v1 reactor that uses what limits bound and grants
// give, and leaves behind what the next task must not find.
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"strings"
	"time"
	"unsafe"
)

//go:wasmimport graflow_v1 input_len
func inputLen() int32

//go:wasmimport graflow_v1 input_read
func inputRead(ptr unsafe.Pointer, n int32) int32

//go:wasmimport graflow_v1 output_write
func outputWrite(text string) int32

//go:wasmimport graflow_v1 channel_get
func channelGet(key string) int64

//go:wasmimport graflow_v1 secret_get
func secretGet(name string) int64

//go:wasmimport graflow_v1 tool_call
func toolCall(name, args string) int64

//go:wasmimport graflow_v1 http_request
func httpRequest(request string) int64

//go:wasmimport graflow_v1 pause
func pause(p string) int64

//go:wasmimport graflow_v1 reply_read
func replyRead(ptr unsafe.Pointer, n int32) int32

func main() {}

var warm string

//go:wasmexport graflow_warmup
func warmup() { warm = "warm" }

func input() string {
	b := make([]byte, inputLen())
	if len(b) > 0 {
		inputRead(unsafe.Pointer(&b[0]), int32(len(b)))
	}
	var text string
	_ = json.Unmarshal(b, &text)
	return text
}

func write(v any) int32 {
	out, err := json.Marshal(v)
	if err != nil {
		return 1
	}
	outputWrite(string(out))
	return 0
}

func reply(n int64) string {
	if n <= 0 {
		return fmt.Sprint(n)
	}
	b := make([]byte, n)
	replyRead(unsafe.Pointer(&b[0]), int32(n))
	return string(b)
}

//go:wasmexport warmed
func warmed() int32 { return write(warm) }

var kept = "nothing"

// keep says what the task before it left, and leaves its input in a global, on
// the heap and far up in memory that it grows for it.
//
//go:wasmexport keep
func keep() int32 {
	found := kept
	kept = input()
	high := make([]byte, 24<<20)
	copy(high[len(high)-64:], kept)
	hoard = append(hoard, high)
	return write(found)
}

var hoard [][]byte

//go:wasmexport work
func work() int32 {
	sum := 0
	for i := range 200_000 {
		sum += i * i % 7
	}
	words := map[string]int{}
	for _, w := range strings.Fields(strings.Repeat("the quick brown fox ", 500)) {
		words[w]++
	}
	return write(map[string]any{"sum": sum, "words": words})
}

//go:wasmexport recurse
func recurse() int32 { return int32(depth(0)) }

//go:noinline
func depth(n int) int {
	if n < 0 {
		return 0
	}
	return depth(n+1) + 1
}

//go:wasmexport call_host
func callHost() int32 {
	for {
		if n := channelGet("k"); n != -1 {
			return write(n)
		}
	}
}

//go:wasmexport ask
func ask() int32 {
	return write([]string{
		reply(secretGet("key")), reply(secretGet("other")),
		reply(toolCall("add", "[1,2]")), reply(toolCall("remove", "[]")),
		reply(pause(`{"name":"approve"}`)), reply(pause(`{}`)),
	})
}

//go:wasmexport get
func get() int32 { return write(reply(httpRequest(`{"method":"GET","url":"` + input() + `"}`))) }

//go:wasmexport entropy
func entropy() int32 {
	b := make([]byte, 8)
	_, _ = rand.Read(b)
	return write(fmt.Sprintf("%x %d", b, mathrand.Uint64()))
}

//go:wasmexport clock
func clock() int32 {
	start := time.Now()
	time.Sleep(90 * time.Minute)
	return write([]string{start.UTC().Format(time.RFC3339), time.Since(start).Round(time.Minute).String()})
}

//go:wasmexport open
func open() int32 {
	for n := 0; ; n++ {
		if _, err := os.Create(fmt.Sprintf("/tmp/%d", n)); err != nil {
			return write(fmt.Sprint(n, " ", err))
		}
	}
}

//go:wasmexport fill
func fill() int32 {
	f, err := os.Create("/tmp/big")
	if err != nil {
		return write(err.Error())
	}
	if err := f.Truncate(1 << 40); err == nil {
		return write("a terabyte")
	}
	for n := 0; ; n++ {
		if _, err := f.Write(make([]byte, 64<<10)); err != nil {
			return write(fmt.Sprint(n, " ", err))
		}
	}
}

//go:wasmexport env
func env() int32 { return write(os.Getenv("WHO")) }
