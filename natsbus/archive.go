package natsbus

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// archiveStream holds the logs of runs that ended, compressed, in as few messages as
// they fit in. That of number 0 is written last: with it an archive is there.
func archiveStream(Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: streamArchive, Description: "the logs of runs that ended a while ago",
		Subjects: []string{"gf.arc.>"}, Storage: jetstream.FileStorage,
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardOld, AllowDirect: true,
	}
}

// Headers of the first message of an archive.
const (
	headerParts = "Gf-Parts" // how many messages it is
	headerSum   = "Gf-Sum"   // sha256 of all their data
)

func (b *Bus) archiveSubject(run, part string) string {
	return "gf.arc." + token(b.cfg.Namespace) + "." + token(run) + "." + part
}

// archive stores a run's events. Until it returns, an archive that there was may not
// be readable.
func (b *Bus) archive(ctx context.Context, run string, events []*engine.Event) error {
	data, err := pack(events)
	if err != nil {
		return fmt.Errorf("archive run %q: %w", run, err)
	}
	sum := sha256.Sum256(data)
	parts := max(1, (len(data)+chunkBytes-1)/chunkBytes)
	for i := parts - 1; i >= 0; i-- {
		m := nats.NewMsg(b.archiveSubject(run, strconv.Itoa(i)))
		m.Data = data[i*chunkBytes : min(len(data), (i+1)*chunkBytes)]
		if i == 0 {
			m.Header.Set(headerParts, strconv.Itoa(parts))
			m.Header.Set(headerSum, hex.EncodeToString(sum[:]))
		}
		if err := b.persist(ctx, m); err != nil {
			return fmt.Errorf("archive run %q: %w", run, err)
		}
	}
	return nil
}

// archived reads a run's archive; without one there are no events. What is not what
// was written is ErrTampered.
func (b *Bus) archived(ctx context.Context, run string) ([]*engine.Event, error) {
	data, err := b.archivedData(ctx, run)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the archive of run %q: %w", run, err)
	}
	events, err := unpack(data)
	if err != nil {
		return nil, fmt.Errorf("read the archive of run %q: %w", run, err)
	}
	return events, nil
}

func (b *Bus) archivedData(ctx context.Context, run string) ([]byte, error) {
	first, err := b.archivePart(ctx, run, 0)
	if err != nil {
		return nil, err
	}
	parts, err := strconv.Atoi(first.header.Get(headerParts))
	if err != nil {
		return nil, fmt.Errorf("%w: its header %s is %q", ErrTampered, headerParts, first.header.Get(headerParts))
	}
	data := first.data
	for i := 1; i < parts; i++ {
		part, err := b.archivePart(ctx, run, i)
		if err != nil {
			return nil, fmt.Errorf("%w: part %d of %d: %v", ErrTampered, i, parts, err) //nolint:errorlint // it is not the run that is not found
		}
		data = append(data, part.data...)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != first.header.Get(headerSum) {
		return nil, fmt.Errorf("%w: its checksum is another", ErrTampered)
	}
	return data, nil
}

// archivePart asks the nearest replica, and the leader if that has nothing.
func (b *Bus) archivePart(ctx context.Context, run string, part int) (*kept, error) {
	subject := b.archiveSubject(run, strconv.Itoa(part))
	found, err := b.pick(ctx, streamArchive, []wanted{{Last: subject}})
	if err != nil {
		return nil, err
	}
	if found[0] != nil {
		return found[0], nil
	}
	return b.leaderLast(ctx, streamArchive, subject)
}

// compressors are kept: each takes a megabyte.
var compressors = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // a level that there is
	return z
}}

// pack compresses events, JSON values one after another.
func pack(events []*engine.Event) ([]byte, error) {
	var out bytes.Buffer
	z := compressors.Get().(*gzip.Writer) //nolint:forcetypeassert // nothing else is put
	defer compressors.Put(z)
	z.Reset(&out)
	enc := json.NewEncoder(z)
	for _, e := range events {
		if err := enc.Encode(e); err != nil {
			return nil, fmt.Errorf("encode event %d: %w", e.Seq, err)
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

func unpack(data []byte) ([]*engine.Event, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return decodeEvents(z)
}

// decodeEvents reads JSON values one after another.
func decodeEvents(r io.Reader) ([]*engine.Event, error) {
	var events []*engine.Event
	err := engine.DecodeEvents(r, func(e *engine.Event) error {
		events = append(events, e)
		return nil
	})
	return events, err
}
