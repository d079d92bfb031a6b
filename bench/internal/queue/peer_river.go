package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/graflow/graflow-wasm/bench/internal/server"
)

// riverEager is how soon after another River fetches jobs where it isn't the
// default of 100 ms, which with 64 workers are at most 640 jobs a second.
const riverEager = time.Millisecond

var riverPeers = []Peer{
	riverPeer(Later, Loss{"the last 0.6 s", "the last 0.6 s"}, riverEager, "off"),
	riverPeer(Synced, Loss{"nothing", "nothing"}, 0, "on"),
	riverPeer(Synced, Loss{"nothing", "nothing"}, riverEager, "on"),
}

// riverPeer fetches that soon again; 0 is the default.
func riverPeer(class Class, loses Loss, cooldown time.Duration, commit string) Peer {
	settings := ""
	if cooldown != 0 {
		settings = fmt.Sprintf("FetchCooldown %v", cooldown)
	}
	return Peer{
		Name: "River", Module: "github.com/riverqueue/river", Settings: settings,
		Class: class, Config: "synchronous_commit " + commit + ", fsync on", Loses: loses,
		Open: func(ctx context.Context, dir string) (System, error) {
			p, err := server.StartPostgres(ctx, filepath.Join(dir, "data"), "synchronous_commit="+commit)
			if err != nil {
				return nil, err
			}
			s := &onRiver{postgres: p, cooldown: cooldown}
			s.on = s
			if err := s.connect(ctx); err != nil {
				_ = s.Close(ctx) // err says more
				return nil, err
			}
			return s, nil
		},
	}
}

// postgresConnections are faster on 2 processors than one for each who submits.
const postgresConnections = 16

// onRiver is River on a PostgreSQL server.
type onRiver struct {
	postgres *server.Postgres
	cooldown time.Duration
	pool     *pgxpool.Pool
	client   *river.Client[pgx.Tx] // that only submits
	watched  bool
	handFlows
}

var _ Flows = (*onRiver)(nil)

func (s *onRiver) connect(ctx context.Context) error {
	config, err := pgxpool.ParseConfig(s.postgres.URL)
	if err != nil {
		return err
	}
	config.MaxConns = postgresConnections
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return err
	}
	migrate, err := rivermigrate.New(riverpgxv5.New(s.pool), &rivermigrate.Config{Logger: warnings()})
	if err != nil {
		return err
	}
	if _, err := migrate.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	if _, err := s.pool.Exec(ctx, "CREATE TABLE arrived (first bigint PRIMARY KEY, n int NOT NULL)"); err != nil {
		return err
	}
	// It's also how soon after another a client that submits wakes those that work.
	s.client, err = river.NewClient(riverpgxv5.New(s.pool), &river.Config{FetchCooldown: s.cooldown, Logger: warnings()})
	return err
}

// riverJob is what a job is to River.
type riverJob struct{ step }

// Kind names it.
func (riverJob) Kind() string { return "noop" }

func (s *onRiver) Server() string {
	return fmt.Sprintf("PostgreSQL %s, TCP, %d connections", s.postgres.Version, postgresConnections)
}

func (s *onRiver) Submit(ctx context.Context, job Job) error { return s.send(ctx, step{First: job}) }

func (s *onRiver) send(ctx context.Context, j step) error {
	_, err := s.client.Insert(ctx, riverJob{j}, nil)
	return err
}

// Watch implements [Flows]: workers tell what is completed.
func (s *onRiver) Watch(context.Context) (func() error, error) {
	s.watched = true
	return func() error { s.watched = false; return nil }, nil
}

// run runs a job as River's manual has it: one alone is completed by River, some time
// later and together with others; one that others follow in a transaction with them.
func (s *onRiver) run(ctx context.Context, job *river.Job[riverJob], handle func(Job)) error {
	if job.Args.Shape == single {
		handle(job.Args.job())
		return nil
	}
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // nothing once it's committed
	if err := execute(ctx, riverTx{s.client, tx}, job.Args.step, handle); err != nil {
		return err
	}
	if _, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	if job.Args.last() {
		s.completed(job.Args.job())
	}
	return nil
}

// riverTx submits within a transaction.
type riverTx struct {
	client *river.Client[pgx.Tx]
	tx     pgx.Tx
}

var _ byHand = riverTx{}

func (t riverTx) send(ctx context.Context, j step) error {
	_, err := t.client.InsertTx(ctx, t.tx, riverJob{j}, nil)
	return err
}

func (t riverTx) spread(ctx context.Context, j step) error {
	members := make([]river.InsertManyParams, j.Of)
	for i := range members {
		members[i].Args = riverJob{j.at(uint32(i) + 1)}
	}
	if _, err := t.client.InsertManyFastTx(ctx, t.tx, members); err != nil {
		return err
	}
	_, err := t.tx.Exec(ctx, "INSERT INTO arrived VALUES ($1, 0)", int64(j.First))
	return err
}

// arrive locks the row until the transaction ends: nobody is counted twice.
func (t riverTx) arrive(ctx context.Context, j step) (bool, error) {
	var n int
	err := t.tx.QueryRow(ctx, "UPDATE arrived SET n = n + 1 WHERE first = $1 RETURNING n", int64(j.First)).Scan(&n)
	return n == int(j.Of), err
}

// spread and arrive belong into a transaction: a riverTx has them.
func (s *onRiver) spread(context.Context, step) error { return errors.ErrUnsupported }

func (s *onRiver) arrive(context.Context, step) (bool, error) { return false, errors.ErrUnsupported }

func (s *onRiver) Work(ctx context.Context, concurrency int, handle func(Job)) (func(context.Context) error, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, j *river.Job[riverJob]) error {
		return s.run(ctx, j, handle)
	}))
	worker, err := river.NewClient(riverpgxv5.New(s.pool), &river.Config{
		FetchCooldown: s.cooldown,
		Logger:        warnings(),
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: concurrency}},
		Workers:       workers,
	})
	if err != nil {
		return nil, err
	}
	unwatch := func() {}
	if s.watched {
		unwatch = s.hear(worker)
	}
	return func(ctx context.Context) error {
		err := worker.Stop(ctx)
		unwatch()
		return err
	}, worker.Start(context.WithoutCancel(ctx)) // only Stop ends it
}

// hear passes on what a client that works tells of single jobs that are completed.
func (s *onRiver) hear(worker *river.Client[pgx.Tx]) (stop func()) {
	events, unsubscribe := worker.SubscribeConfig(&river.SubscribeConfig{
		Kinds: []river.EventKind{river.EventKindJobCompleted}, ChanSize: 10_000,
	})
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case e, open := <-events:
				if !open {
					return
				}
				var j step
				if json.Unmarshal(e.Job.EncodedArgs, &j) == nil && j.Shape == single {
					s.completed(j.job())
				}
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		unsubscribe()
	}
}

func (s *onRiver) Unfinished(ctx context.Context) (int, error) {
	var n int
	err := s.pool.QueryRow(ctx, "SELECT count(*) FROM river_job WHERE finalized_at IS NULL").Scan(&n)
	return n, err
}

func (s *onRiver) Close(context.Context) error {
	if s.pool != nil {
		s.pool.Close()
	}
	return s.postgres.Stop()
}

func warnings() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
