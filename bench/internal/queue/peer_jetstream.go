package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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
	syncDefault = natsSetup{class: Later, config: "file store, sync_interval 2m (default)", loses: Loss{"nothing", "the last 2 min"}}
	syncAlways  = natsSetup{class: Synced, config: "file store, sync_interval always", loses: Loss{"nothing", "nothing"}, always: true}
	inMemory    = natsSetup{class: Memory, config: "memory store", loses: Loss{"all", "all"}, storage: jetstream.MemoryStorage}
)

type natsSetup struct {
	class  Class
	config string
	loses  Loss

	always  bool
	storage jetstream.StorageType // the zero value is files
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
			s, err := startJetStream(ctx, dir, setup, tcp)
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

// What the streams are named by.
const (
	jobSubject   = "jobs"
	countSubject = "count."
)

// onJetStream is a work queue on a NATS server in this process.
type onJetStream struct {
	tcp      bool
	storage  jetstream.StorageType
	server   *server.Server
	conn     *nats.Conn
	js       jetstream.JetStream
	consumer jetstream.Consumer
	handFlows
}

var _ Flows = (*onJetStream)(nil)

func startJetStream(ctx context.Context, dir string, setup natsSetup, tcp bool) (*onJetStream, error) {
	ns, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, DontListen: !tcp,
		JetStream: true, StoreDir: dir, SyncAlways: setup.always, NoLog: true, NoSigs: true,
	})
	if err != nil {
		return nil, err
	}
	s := &onJetStream{tcp: tcp, storage: setup.storage, server: ns}
	s.on = s
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
		Name: "JOBS", Subjects: []string{jobSubject}, Retention: jetstream.WorkQueuePolicy, Storage: s.storage,
	})
	if err != nil {
		return err
	}
	if _, err := s.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "COUNTS", Subjects: []string{countSubject + "*"}, AllowMsgCounter: true, AllowDirect: true, MaxMsgsPerSubject: 1, Storage: s.storage,
	}); err != nil {
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
	return s.send(ctx, step{First: job})
}

func (s *onJetStream) send(ctx context.Context, j step) error {
	_, err := s.js.Publish(ctx, jobSubject, j.bytes())
	return err
}

// spread publishes all members and waits for all answers.
func (s *onJetStream) spread(ctx context.Context, j step) error {
	answers := make([]jetstream.PubAckFuture, j.Of)
	for i := range answers {
		var err error
		if answers[i], err = s.js.PublishAsync(jobSubject, j.at(uint32(i)+1).bytes()); err != nil {
			return err
		}
	}
	for _, a := range answers {
		select {
		case <-a.Ok():
		case err := <-a.Err():
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// arrive adds one to a counter of the server's.
func (s *onJetStream) arrive(ctx context.Context, j step) (bool, error) {
	count := nats.NewMsg(fmt.Sprint(countSubject, j.First))
	count.Header.Set("Nats-Incr", "1")
	answer, err := s.js.PublishMsg(ctx, count)
	if err != nil {
		return false, err
	}
	n, err := strconv.Atoi(answer.Value)
	return n == int(j.Of), err
}

// Watch implements [Flows]: that somebody waits is known to the workers.
func (s *onJetStream) Watch(context.Context) (func() error, error) {
	return func() error { return nil }, nil
}

func (s *onJetStream) Work(ctx context.Context, concurrency int, handle func(Job)) (func(context.Context) error, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // only stop ends it
	messages, done := make(chan jetstream.Msg), make(chan struct{})
	var workers sync.WaitGroup
	failed := make([]error, concurrency)
	for i := range concurrency {
		workers.Go(func() {
			for {
				select {
				case m := <-messages:
					failed[i] = errors.Join(failed[i], s.work(ctx, m, handle))
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
		cancel()
		return nil, err
	}
	return func(context.Context) error {
		consuming.Stop()
		close(done)
		workers.Wait()
		cancel()
		<-consuming.Closed()
		return errors.Join(failed...)
	}, nil
}

// work runs a step. Whoever waits for it learns of it once the server has answered
// that it's completed.
func (s *onJetStream) work(ctx context.Context, m jetstream.Msg, handle func(Job)) error {
	j, err := parseStep(m.Data())
	if err == nil {
		err = execute(ctx, s, j, handle)
	}
	if err != nil {
		return err
	}
	if !j.last() || !s.wanted(j.job()) {
		return m.Ack()
	}
	if err := m.DoubleAck(ctx); err != nil {
		return err
	}
	s.completed(j.job())
	return nil
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
