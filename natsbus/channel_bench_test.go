package natsbus

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

func BenchmarkChannelSet(b *testing.B) {
	c := channelOn(b, shared, newNamespace())
	for b.Loop() {
		mustDo(b, c, engine.OpSet, "k", `"value"`)
	}
}

func BenchmarkChannelGet(b *testing.B) {
	c := channelOn(b, shared, newNamespace())
	mustDo(b, c, engine.OpSet, "k", `"value"`)
	for b.Loop() {
		holdsValue(b, c, "k", `"value"`)
	}
}

func BenchmarkChannelKeys(b *testing.B) {
	c := channelOn(b, shared, newNamespace())
	for n := range 100 {
		mustDo(b, c, engine.OpSet, fmt.Sprint(n), "1")
	}
	for b.Loop() {
		if keys, err := c.Keys(b.Context(), "r", ""); len(keys) != 100 {
			b.Fatal(len(keys), err)
		}
	}
}

func BenchmarkChannelForget(b *testing.B) {
	c := channelOn(b, shared, newNamespace())
	for b.Loop() {
		mustDo(b, c, engine.OpSet, "k", "1")
		if err := c.Forget(b.Context(), "r"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChannelLock(b *testing.B) {
	c := channelOn(b, shared, newNamespace())
	for b.Loop() {
		if err := c.Lock(b.Context(), "r", "l", "a", time.Minute, 0); err != nil {
			b.Fatal(err)
		}
		if err := c.Unlock(b.Context(), "r", "l", "a"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkChannelAdd is 64 writers of one key.
func BenchmarkChannelAdd(b *testing.B) {
	for _, buses := range []int{1, 2, 8} {
		b.Run(fmt.Sprintf("buses=%d", buses), func(b *testing.B) {
			ns := newNamespace()
			all := make([]*Channel, buses)
			for i := range all {
				all[i] = channelOn(b, shared, ns)
			}
			b.SetParallelism(32) // on two processors
			next := make(chan *Channel, 1<<10)
			for i := range cap(next) {
				next <- all[i%buses]
			}
			b.RunParallel(func(pb *testing.PB) {
				c := <-next
				for pb.Next() {
					if _, err := c.Do(context.Background(), "r", engine.ChannelOp{Op: engine.OpAdd, Key: "n", Value: json.RawMessage("1")}); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
