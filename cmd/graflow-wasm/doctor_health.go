package main

import (
	"context"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/natsbus"
)

// health looks at the servers of a cluster.
func (f *findings) health(ctx context.Context, bus *natsbus.Bus) {
	h, err := bus.Health(ctx)
	if h.Server == "" && err != nil {
		f.wrong("cluster", viewerNeeded, "%s", err)
		return
	}
	f.server(h)
	if err != nil { // of the account or its streams
		f.wrong("storage", viewerNeeded, "%s", err)
		return
	}
	f.storage(h)
	f.replicas(h)
}

// server looks at the server that this process is connected to.
func (f *findings) server(h natsbus.Health) {
	text := fmt.Sprintf("nats-server %s at %s answers in %s", h.Version, h.URL, h.RoundTrip.Round(10*time.Microsecond))
	if h.Cluster != "" {
		text += ", of cluster " + h.Cluster
	}
	if h.RoundTrip > slowAnswer {
		f.warn("cluster", "run workers nearer to the servers; each step of a run takes several round trips", "%s, which is slow", text)
		return
	}
	f.ok("cluster", "%s", text)
}

// storage looks for limits that are near.
func (f *findings) storage(h natsbus.Health) {
	near := false
	check := func(what string, used uint64, most int64) {
		if most > 0 && used > uint64(most)/100*fullStore {
			near = true
			f.warn("storage", "make room, or raise the limit", "%s has %s of at most %s", what, sizeText(used), sizeText(uint64(most)))
		}
	}
	check("the account", h.Stored, h.MaxStore)
	for _, s := range h.Streams {
		if s.Name == "GF_TASKS" { // what is over the limits of the others goes
			check("stream "+s.Name, s.Bytes, s.MaxBytes)
		}
	}
	if near {
		return
	}
	text := sizeText(h.Stored) + " stored"
	if h.MaxStore > 0 {
		text += " of at most " + sizeText(uint64(h.MaxStore))
	}
	f.ok("storage", "%s", text)
}

// replicas looks for streams that are stored less often than they are to be.
func (f *findings) replicas(h natsbus.Health) {
	behind, least, most := 0, 0, 0
	for _, s := range h.Streams {
		if s.Replicas > 1 && s.Leader == "" {
			f.wrong("replicas", "see that most of the servers run and reach one another", "stream %s has no leader: nothing can be stored there", s.Name)
			return
		}
		if s.Current < s.Replicas {
			behind++
		}
		if least == 0 || s.Replicas < least {
			least = s.Replicas
		}
		most = max(most, s.Replicas)
	}
	switch {
	case behind > 0:
		f.warn("replicas", "see that all servers run and reach one another; this passes while one comes back", "%s of %d", countOf(behind, "stream has a server that is behind or gone,", "streams have a server that is behind or gone,"), len(h.Streams))
	case most == 1:
		f.ok("replicas", "everything is stored by one server")
	case least == most:
		f.ok("replicas", "everything is stored by %d servers, all up to date", most)
	default:
		f.warn("replicas", "set those with fewer to as many as the others have, with the nats command", "streams are stored by %d to %d servers", least, most)
	}
}

// sizeText is a number of bytes, for eyes.
func sizeText(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(n), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
