package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/graflow/graflow-wasm/bench/internal/server"
)

// asynqEager is how often asynq looks for tasks where it isn't the default of
// once a second.
const asynqEager = 5 * time.Millisecond

// How a Redis server is set up, told and done.
var (
	redisSnapshots = redisSetup{
		Later, "appendonly no, save 3600 1 300 100 60 10000 (Debian's default)",
		Loss{"all since the last snapshot", "all since the last snapshot"},
		[]string{"--appendonly", "no"},
	}
	redisEverySecond = redisSetup{
		Later, "appendonly yes, appendfsync everysec",
		Loss{"nothing", "the last 1-2 s"},
		[]string{"--appendonly", "yes", "--appendfsync", "everysec"},
	}
	redisAlways = redisSetup{
		Synced, "appendonly yes, appendfsync always",
		Loss{"nothing", "nothing"},
		[]string{"--appendonly", "yes", "--appendfsync", "always"},
	}
)

type redisSetup struct {
	class  Class
	config string
	loses  Loss
	args   []string
}

var asynqPeers = []Peer{
	asynqPeer(redisSnapshots, asynqEager),
	asynqPeer(redisEverySecond, 0),
	asynqPeer(redisEverySecond, asynqEager),
	asynqPeer(redisAlways, asynqEager),
}

// asynqPeer looks for tasks that often; 0 is the default.
func asynqPeer(setup redisSetup, check time.Duration) Peer {
	settings := ""
	if check != 0 {
		settings = fmt.Sprintf("TaskCheckInterval %v", check)
	}
	return Peer{
		Name: "asynq", Module: "github.com/hibiken/asynq", Settings: settings,
		Class: setup.class, Config: setup.config, Loses: setup.loses,
		Open: func(ctx context.Context, dir string) (System, error) {
			r, err := server.StartRedis(ctx, dir, setup.args...)
			if err != nil {
				return nil, err
			}
			opt := asynq.RedisClientOpt{Addr: r.Address, PoolSize: redisConnections}
			return &onAsynq{r, opt, check, asynq.NewClient(opt), asynq.NewInspector(opt)}, nil
		},
	}
}

// redisConnections are one for each who submits, so that Redis can fsync for all
// of them at once.
const redisConnections = 64

const asynqKind = "noop"

// onAsynq is asynq on a Redis server.
type onAsynq struct {
	redis   *server.Redis
	opt     asynq.RedisClientOpt
	check   time.Duration
	client  *asynq.Client
	inspect *asynq.Inspector
}

var _ System = (*onAsynq)(nil)

func (s *onAsynq) Server() string {
	return fmt.Sprintf("Redis %s, TCP, %d connections", s.redis.Version, redisConnections)
}

func (s *onAsynq) Submit(ctx context.Context, job Job) error {
	_, err := s.client.EnqueueContext(ctx, asynq.NewTask(asynqKind, binary.BigEndian.AppendUint32(nil, uint32(job))))
	return err
}

func (s *onAsynq) Work(_ context.Context, concurrency int, handle func(Job)) (func(context.Context) error, error) {
	worker := asynq.NewServer(s.opt, asynq.Config{Concurrency: concurrency, TaskCheckInterval: s.check, LogLevel: asynq.WarnLevel})
	err := worker.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		if len(t.Payload()) != 4 {
			return fmt.Errorf("a task of %d bytes, want 4", len(t.Payload()))
		}
		handle(Job(binary.BigEndian.Uint32(t.Payload())))
		return nil
	}))
	return func(context.Context) error { worker.Shutdown(); return nil }, err
}

func (s *onAsynq) Unfinished(context.Context) (int, error) {
	q, err := s.inspect.GetQueueInfo("default")
	if err != nil {
		return 0, err
	}
	return q.Size, nil // in whatever state: completed ones are deleted
}

func (s *onAsynq) Close(context.Context) error {
	return errors.Join(s.client.Close(), s.inspect.Close(), s.redis.Stop())
}
