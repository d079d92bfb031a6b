package embedded_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// childDir is the variable that makes this test binary a process that writes to a
// server in the directory until it is killed.
const childDir = "GRAFLOW_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // servers tell of every refusal
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Println("child:", err)
		}
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// child prints the number of each message that was acknowledged.
func child(dir string) error {
	ctx := context.Background()
	s, err := embedded.Start(ctx, embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	nc, err := s.Connect()
	if err != nil {
		return err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	for err == nil {
		var ack *jetstream.PubAck
		if ack, err = js.Publish(ctx, "s", nil); err == nil {
			fmt.Println(ack.Sequence)
		}
		if ack != nil && ack.Sequence == 500 {
			runtime.GC()
		}
	}
	return err
}
