package telemetry

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/graflow/graflow-wasm/internal/ops"
)

const (
	// clusterEvery is how long an answer of the cluster is told again.
	clusterEvery = 5 * time.Second
	// clusterPatience is how long a scrape waits for the cluster.
	clusterPatience = 3 * time.Second
	// maxQueues bounds how many queues are told apart.
	maxQueues = 100
)

// clusterMetrics are asked of the cluster when somebody scrapes, at most once in
// clusterEvery: the same for all processes of it.
type clusterMetrics struct {
	queues  ops.Queues  // nil: not told
	workers ops.Workers // nil: likewise

	mu   sync.Mutex // guards what follows
	at   time.Time
	last []prometheus.Metric
}

var (
	clusterUp     = desc("cluster_up", "1 if the cluster answered when it was asked last.")
	queueReady    = desc("queue_ready_tasks", "Tasks that wait for a worker.", "queue", "priority")
	queueInFlight = desc("queue_in_flight_tasks", "Tasks that workers hold.", "queue", "priority")
	queueAgain    = desc("queue_redelivered_tasks", "Tasks that workers hold and that were delivered before.", "queue", "priority")
	queueOldest   = desc("queue_oldest_seconds", "Age of the oldest task that waits for a worker or is held by one.", "queue", "priority")
	queueLimit    = desc("queue_limit_tasks", "The most tasks that workers may hold; 0 is no bound.", "queue")
	workersNow    = desc("workers", "Processes of the cluster, by role.", "role")
	workerSlots   = desc("worker_slots", "Attempts that all processes together may run at a time.")
	workerRunning = desc("worker_running", "Attempts that all processes together run now.")
	draining      = desc("workers_draining", "Processes that take nothing new.")
)

// Describe implements prometheus.Collector.
func (m *clusterMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{clusterUp, queueReady, queueInFlight, queueAgain, queueOldest, queueLimit, workersNow, workerSlots, workerRunning, draining} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *clusterMetrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil || time.Since(m.at) >= clusterEvery {
		m.ask()
	}
	for _, metric := range m.last {
		ch <- metric
	}
}

// ask asks the cluster. The caller holds mu.
func (m *clusterMetrics) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), clusterPatience)
	defer cancel()
	queues, err := m.ofQueues(ctx)
	workers, workersErr := m.ofWorkers(ctx)
	up := 1.0
	if err != nil || workersErr != nil {
		up = 0
	}
	m.last = append(append(queues, workers...), constant(clusterUp, prometheus.GaugeValue, up))
	m.at = time.Now()
}

// queueKey names what is told of queues: those that differ in the labels that they
// require of workers are told together.
type queueKey struct{ queue, priority string }

// queueSum is what classes of one key hold together.
type queueSum struct {
	ready, inFlight, again, oldest float64
}

func (m *clusterMetrics) ofQueues(ctx context.Context) ([]prometheus.Metric, error) {
	if m.queues == nil {
		return nil, nil
	}
	list, err := m.queues.List(ctx)
	if err != nil {
		return nil, err
	}
	sums, limits := sumQueues(list)
	var all []prometheus.Metric
	for k, s := range sums {
		for d, v := range map[*prometheus.Desc]float64{queueReady: s.ready, queueInFlight: s.inFlight, queueAgain: s.again, queueOldest: s.oldest} {
			all = append(all, constant(d, prometheus.GaugeValue, v, k.queue, k.priority))
		}
	}
	for queue, limit := range limits {
		all = append(all, constant(queueLimit, prometheus.GaugeValue, limit, queue))
	}
	return all, nil
}

// sumQueues adds up classes by queue and priority, and finds the limits of queues.
func sumQueues(list []ops.Queue) (map[queueKey]*queueSum, map[string]float64) {
	sums, limits := map[queueKey]*queueSum{}, map[string]float64{}
	for _, q := range list {
		name, priority := q.Queue, string(q.Priority)
		if _, known := limits[name]; !known && len(limits) >= maxQueues {
			name = other
		}
		if priority == "" {
			priority = "normal"
		}
		limits[name] = max(limits[name], float64(q.Limit))
		k := queueKey{name, priority}
		if sums[k] == nil {
			sums[k] = &queueSum{}
		}
		s := sums[k]
		s.ready += float64(q.Ready)
		s.inFlight += float64(q.InFlight)
		s.again += float64(q.Again)
		s.oldest = max(s.oldest, q.Oldest)
	}
	return sums, limits
}

// roles are those that processes have.
var roles = map[string]float64{"server": 0, "worker": 0, "work-only": 0, other: 0}

func (m *clusterMetrics) ofWorkers(ctx context.Context) ([]prometheus.Metric, error) {
	if m.workers == nil {
		return nil, nil
	}
	list, err := m.workers.List(ctx)
	if err != nil {
		return nil, err
	}
	byRole := map[string]float64{}
	for role := range roles {
		byRole[role] = 0
	}
	var slots, running, drain float64
	for _, w := range list {
		role := w.Role
		if _, known := roles[role]; !known {
			role = other
		}
		byRole[role]++
		slots += float64(w.Concurrency)
		running += float64(w.Running)
		if w.Draining {
			drain++
		}
	}
	var all []prometheus.Metric
	for role, n := range byRole {
		all = append(all, constant(workersNow, prometheus.GaugeValue, n, role))
	}
	for d, v := range map[*prometheus.Desc]float64{workerSlots: slots, workerRunning: running, draining: drain} {
		all = append(all, constant(d, prometheus.GaugeValue, v))
	}
	return all, nil
}
