package queue

import (
	"context"
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
}

var _ System = (*onRiver)(nil)

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
	// It's also how soon after another a client that submits wakes those that work.
	s.client, err = river.NewClient(riverpgxv5.New(s.pool), &river.Config{FetchCooldown: s.cooldown, Logger: warnings()})
	return err
}

// riverJob is what a job is to River.
type riverJob struct {
	Job Job `json:"job"`
}

// Kind names it.
func (riverJob) Kind() string { return "noop" }

func (s *onRiver) Server() string {
	return fmt.Sprintf("PostgreSQL %s, TCP, %d connections", s.postgres.Version, postgresConnections)
}

func (s *onRiver) Submit(ctx context.Context, job Job) error {
	_, err := s.client.Insert(ctx, riverJob{job}, nil)
	return err
}

func (s *onRiver) Work(ctx context.Context, concurrency int, handle func(Job)) (func(context.Context) error, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(_ context.Context, j *river.Job[riverJob]) error {
		handle(j.Args.Job)
		return nil
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
	return worker.Stop, worker.Start(context.WithoutCancel(ctx)) // only Stop ends it
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
