package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// topologyVersion counts the changes of what Setup creates. A process that knows
// more than the streams are of brings them up to date.
const topologyVersion = 1

// metaVersion is the key of a stream's metadata that tells the version which made
// it.
const metaVersion = "graflow-wasm.topology"

// ErrNoSpace is a server whose disk, or account, has less room than a stream may take.
var ErrNoSpace = errors.New("there is less room on the server than it may take")

// streams are all that there are, as they are created. Replicas and metadata are
// filled in here.
func (b *Bus) streams() []jetstream.StreamConfig {
	all := []jetstream.StreamConfig{
		runsStream(b.cfg),
		tasksStream(b.cfg),
		deadStream(b.cfg),
		nodesStream(b.cfg),
		channelStream(b.cfg),
		indexStream(b.cfg),
		archiveStream(b.cfg),
		noticesStream(b.cfg),
		modulesStream(b.cfg),
		blobStream(b.cfg),
		documentsStream(b.cfg),
	}
	for i := range all {
		all[i].Replicas = b.cfg.Replicas
		all[i].Metadata = map[string]string{metaVersion: strconv.Itoa(topologyVersion)}
	}
	return all
}

// Setup creates the streams that are not there, and brings those of an older
// version up to date. It may be called at any time, by any number of processes. What
// an operator has changed it leaves as it is, see [Bus.Drift]; replicas, storage and
// placement of streams that exist are theirs. A stream of the same name that is not
// ours, or that a newer version made, is an error; ErrNoSpace.
func (b *Bus) Setup(ctx context.Context) error {
	for _, want := range b.streams() {
		err := tries(ctx, func(ctx context.Context) error { return b.setUp(ctx, want) })
		if hasCode(err, codeNoSpace) {
			err = fmt.Errorf("%w, %d MiB: %w", ErrNoSpace, want.MaxBytes>>20, err)
		}
		if err != nil {
			return fmt.Errorf("set up stream %s: %w", want.Name, err)
		}
	}
	return nil
}

func (b *Bus) setUp(ctx context.Context, want jetstream.StreamConfig) error {
	s, err := b.openStream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = b.js.CreateStream(ctx, want)
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return notYet(err)
		}
		s, err = b.openStream(ctx, want.Name) // another process was first
	}
	if err != nil {
		return err
	}
	have := s.CachedInfo().Config
	version, err := versionOf(have)
	switch {
	case err != nil:
		return err
	case version > topologyVersion:
		return fmt.Errorf("it is of version %d, this program knows %d: %w", version, topologyVersion, engine.ErrNewer)
	case version == topologyVersion:
		return nil
	}
	want.Replicas, want.Storage, want.Placement = have.Replicas, have.Storage, have.Placement
	for key, value := range have.Metadata {
		if _, ours := want.Metadata[key]; !ours {
			want.Metadata[key] = value
		}
	}
	_, err = b.js.UpdateStream(ctx, want)
	return err
}

// notYet makes that of a cluster whose members are not all there unanswered: they
// may be about to come.
func notYet(err error) error {
	const noPeers jetstream.ErrorCode = 10005
	if hasCode(err, noPeers) {
		return fmt.Errorf("%w: %w", jetstream.ErrNoStreamResponse, err)
	}
	return err
}

func versionOf(have jetstream.StreamConfig) (int, error) {
	text, ok := have.Metadata[metaVersion]
	if !ok {
		return 0, errors.New("there is another's stream of that name; use another account")
	}
	version, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("its metadata %s is %q, want a number", metaVersion, text)
	}
	return version, nil
}

// Drift tells, in words, how the streams differ from what Setup would create; none
// is as it should be.
func (b *Bus) Drift(ctx context.Context) ([]string, error) {
	var all []string
	for _, want := range b.streams() {
		s, err := b.openStream(ctx, want.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			all = append(all, fmt.Sprintf("stream %s is missing", want.Name))
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look at stream %s: %w", want.Name, translate(err))
		}
		found, err := drift(s.CachedInfo().Config, want)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// drift compares all settings as they are written in the API, so that none can be
// forgotten here.
func drift(have, want jetstream.StreamConfig) ([]string, error) {
	is, err := settings(have)
	if err != nil {
		return nil, err
	}
	wanted, err := settings(want)
	if err != nil {
		return nil, err
	}
	if want.Duplicates == 0 { // the server's default then
		delete(is, "duplicate_window")
	}
	var all []string
	keys := maps.Clone(is)
	maps.Copy(keys, wanted)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if got, should := is[key], wanted[key]; got != should {
			all = append(all, fmt.Sprintf("stream %s: %s is %s, would be %s", want.Name, key, orNothing(got), orNothing(should)))
		}
	}
	return all, nil
}

// settings are those of a stream that are not the default, as JSON.
func settings(cfg jetstream.StreamConfig) (map[string]string, error) {
	maps.DeleteFunc(cfg.Metadata, func(key, _ string) bool { return key != metaVersion })
	data, err := json.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("encode the settings of stream %s: %w", cfg.Name, err)
	}
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("read the settings of stream %s: %w", cfg.Name, err)
	}
	all := map[string]string{}
	for key, value := range raw {
		switch text := string(value); text {
		case "0", "-1", "null", "false", `""`, "{}": // without a limit, or left out
		default:
			all[key] = text
		}
	}
	return all, nil
}

func orNothing(s string) string {
	if s == "" {
		return "not set"
	}
	return s
}
