package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var jetstreamPeers = []Peer{
	jetstreamPeer(syncDefault, false),
	jetstreamPeer(syncDefault, true),
	jetstreamPeer(syncAlways, false),
}

// How a NATS server keeps messages, told and done.
var (
	syncDefault = natsSetup{Later, "file store, sync_interval 2m (default)", Loss{"nothing", "the last 2 min"}, false}
	syncAlways  = natsSetup{Synced, "file store, sync_interval always", Loss{"nothing", "nothing"}, true}
)

type natsSetup struct {
	class  Class
	config string
	loses  Loss
	always bool
}

// jetstreamPeer reaches its server within this process or over TCP.
func jetstreamPeer(setup natsSetup, tcp bool) Peer {
	settings := ""
	if tcp {
		settings = "over TCP"
	}
	return Peer{
		Name: "JetStream", Module: "github.com/nats-io/nats.go", Settings: settings,
		Class: setup.class, Config: setup.config, Loses: setup.loses,
		Open: func(ctx context.Context, dir string) (System, error) {
			s, err := startJetStream(ctx, dir, setup.always, tcp)
			if err != nil {
				return nil, err
			}
			if err := s.create(ctx); err != nil {
				return nil, errors.Join(err, s.Close(ctx))
			}
			return s, nil
		},
	}
}

const jobSubject = "jobs"

// onJetStream is a work queue on a NATS server in this process.
type onJetStream struct {
	tcp      bool
	server   *server.Server
	conn     *nats.Conn
	js       jetstream.JetStream
	consumer jetstream.Consumer
}

var _ System = (*onJetStream)(nil)

func startJetStream(ctx context.Context, dir string, always, tcp bool) (*onJetStream, error) {
	ns, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, DontListen: !tcp,
		JetStream: true, StoreDir: dir, SyncAlways: always, NoLog: true, NoSigs: true,
	})
	if err != nil {
		return nil, err
	}
	s := &onJetStream{tcp: tcp, server: ns}
	ns.Start()
	if !ns.ReadyForConnections(10 * time.Second) {
		return nil, errors.Join(errors.New("nats-server is not ready"), s.Close(ctx))
	}
	if tcp {
		s.conn, err = nats.Connect(ns.ClientURL())
	} else {
		s.conn, err = nats.Connect("", nats.InProcessServer(ns))
	}
	if err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

func (s *onJetStream) create(ctx context.Context) error {
	var err error
	if s.js, err = jetstream.New(s.conn); err != nil {
		return err
	}
	stream, err := s.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "JOBS", Subjects: []string{jobSubject}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
	})
	if err != nil {
		return err
	}
	s.consumer, err = stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "workers", AckPolicy: jetstream.AckExplicitPolicy})
	return err
}

func (s *onJetStream) Server() string {
	if s.tcp {
		return "nats-server " + server.VERSION + " in process, TCP, 1 connection"
	}
	return "nats-server " + server.VERSION + " in process"
}

func (s *onJetStream) Submit(ctx context.Context, job Job) error {
	_, err := s.js.Publish(ctx, jobSubject, binary.BigEndian.AppendUint32(nil, uint32(job)))
	return err
}

func (s *onJetStream) Work(_ context.Context, concurrency int, handle func(Job)) (func(context.Context) error, error) {
	messages, done := make(chan jetstream.Msg), make(chan struct{})
	var workers sync.WaitGroup
	failed := make([]error, concurrency)
	for i := range concurrency {
		workers.Go(func() {
			for {
				select {
				case m := <-messages:
					failed[i] = errors.Join(failed[i], work(m, handle))
				case <-done:
					return
				}
			}
		})
	}
	consuming, err := s.consumer.Consume(func(m jetstream.Msg) {
		select {
		case messages <- m:
		case <-done: // it was prefetched; it stays in the queue
		}
	})
	if err != nil {
		close(done)
		return nil, err
	}
	return func(context.Context) error {
		consuming.Stop()
		close(done)
		workers.Wait()
		<-consuming.Closed()
		return errors.Join(failed...)
	}, nil
}

func work(m jetstream.Msg, handle func(Job)) error {
	if len(m.Data()) != 4 {
		return fmt.Errorf("a message of %d bytes, want 4", len(m.Data()))
	}
	handle(Job(binary.BigEndian.Uint32(m.Data())))
	return m.Ack()
}

func (s *onJetStream) Unfinished(ctx context.Context) (int, error) {
	info, err := s.consumer.Info(ctx)
	if err != nil {
		return 0, err
	}
	return int(info.NumPending) + info.NumAckPending, nil
}

func (s *onJetStream) Close(context.Context) error {
	if s.conn != nil {
		s.conn.Close()
	}
	s.server.Shutdown()
	s.server.WaitForShutdown()
	return nil
}
