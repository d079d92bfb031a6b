package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/graflow/graflow-wasm/bench/internal/server"
)

// asynqEager is how often asynq looks for tasks where it isn't the default of
// once a second.
const asynqEager = 5 * time.Millisecond

// How a Redis server is set up, told and done.
var (
	redisMemory = redisSetup{
		Memory, "appendonly no, save \"\"",
		Loss{"all", "all"},
		[]string{"--appendonly", "no", "--save", ""},
	}
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
			s := &onAsynq{
				redis: r, opt: opt, check: check, client: asynq.NewClient(opt), inspect: asynq.NewInspector(opt),
				db: redis.NewClient(&redis.Options{Addr: r.Address, PoolSize: redisConnections}),
			}
			s.on = s
			return s, nil
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
	db      *redis.Client // to count who arrived, and to learn what is completed
	handFlows
}

var _ Flows = (*onAsynq)(nil)

func (s *onAsynq) Server() string {
	return fmt.Sprintf("Redis %s, TCP, %d connections", s.redis.Version, redisConnections)
}

func (s *onAsynq) Submit(ctx context.Context, job Job) error { return s.send(ctx, step{First: job}) }

// send names the task by its job, so that its key is known.
func (s *onAsynq) send(ctx context.Context, j step) error {
	_, err := s.client.EnqueueContext(ctx, asynq.NewTask(asynqKind, j.bytes()), asynq.TaskID(strconv.Itoa(int(j.job()))))
	return err
}

// asynqSpread is how many calls at the same time submit members: asynq has none for
// several tasks.
const asynqSpread = 16

func (s *onAsynq) spread(ctx context.Context, j step) error {
	failed := make([]error, asynqSpread)
	var all sync.WaitGroup
	for n := range failed {
		all.Go(func() {
			for i := uint32(n); i < j.Of && failed[n] == nil; i += asynqSpread {
				failed[n] = s.send(ctx, j.at(i+1))
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

func (s *onAsynq) arrive(ctx context.Context, j step) (bool, error) {
	n, err := s.db.Incr(ctx, fmt.Sprint("arrived:", j.First)).Result()
	return n == int64(j.Of), err
}

// Watch implements [Flows]. asynq tells nobody that a task is completed, but Redis
// tells that its key is deleted, which completes it.
func (s *onAsynq) Watch(ctx context.Context) (func() error, error) {
	const tasks, tell = "__keyspace@0__:asynq:{default}:t:", "notify-keyspace-events"
	if err := s.db.ConfigSet(ctx, tell, "Kg").Err(); err != nil {
		return nil, err
	}
	events := s.db.PSubscribe(ctx, tasks+"*")
	if _, err := events.Receive(ctx); err != nil { // that we are subscribed
		return nil, errors.Join(err, events.Close())
	}
	heard := events.Channel(redis.WithChannelSize(10_000))
	var done sync.WaitGroup
	done.Go(func() {
		for e := range heard {
			id, err := strconv.ParseUint(strings.TrimPrefix(e.Channel, tasks), 10, 32)
			if err == nil && e.Payload == "del" {
				s.completed(Job(id))
			}
		}
	})
	return func() error {
		err := errors.Join(events.Close(), s.db.ConfigSet(context.WithoutCancel(ctx), tell, "").Err())
		done.Wait()
		return err
	}, nil
}

func (s *onAsynq) Work(_ context.Context, concurrency int, handle func(Job)) (func(context.Context) error, error) {
	worker := asynq.NewServer(s.opt, asynq.Config{Concurrency: concurrency, TaskCheckInterval: s.check, LogLevel: asynq.WarnLevel})
	err := worker.Start(asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		j, err := parseStep(t.Payload())
		if err != nil {
			return err
		}
		return execute(ctx, s, j, handle)
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
	return errors.Join(s.client.Close(), s.inspect.Close(), s.db.Close(), s.redis.Stop())
}
