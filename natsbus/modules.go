package natsbus

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// ErrVersionTaken refuses a module under a name and version that another has.
var ErrVersionTaken = errors.New("the version is there already, and versions do not change: push another one")

// ModuleRecord is what is known of a module: its names, and what it was when it was
// pushed.
type ModuleRecord struct {
	Name      string          `json:"name"`
	Version   string          `json:"version"` // "" in PutModule is the beginning of the digest
	Digest    string          `json:"digest"`  // "sha256:…" of its bytes; "" in PutModule is not compared
	Size      int64           `json:"size"`
	Signature []byte          `json:"signature,omitempty"` // of the digest; not looked at here
	SignerKey []byte          `json:"signer_key,omitempty"`
	Tasks     json.RawMessage `json:"tasks,omitempty"` // what it told of itself
	Pushed    time.Time       `json:"pushed"`
	By        string          `json:"by,omitempty"`
}

// modulesStream holds the bytes of modules by digest, and their records.
func modulesStream(Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: streamModules, Description: "modules by digest, and their names",
		Subjects: []string{"gf.mod.>"}, Storage: jetstream.FileStorage,
		MaxMsgsPerSubject: 1, AllowDirect: true,
	}
}

// LocalModules is the name under which submitters may keep what their runs are made
// of: all other names are for operators to give.
const LocalModules = "local"

// moduleRecords begins the subjects of records: …<name>.<version>.<digest in hex>.
func (b *Bus) moduleRecords() string { return "gf.mod." + token(b.cfg.Namespace) + ".r." }

func (b *Bus) recordSubject(r ModuleRecord) string {
	return b.moduleRecords() + token(r.Name) + "." + token(r.Version) + "." + strings.TrimPrefix(r.Digest, digestPrefix)
}

// moduleChunks begins the subjects of a module's bytes: …<number>.
func (b *Bus) moduleChunks(digest string) string {
	return "gf.mod." + token(b.cfg.Namespace) + ".c." + strings.TrimPrefix(digest, digestPrefix) + "."
}

// PutModule stores a module, which it holds in memory meanwhile, and returns its
// record. The same one may be put again, under other names too. ErrVersionTaken
// refuses another under a version that is there, ErrTampered one that has not the
// record's digest.
func (b *Bus) PutModule(ctx context.Context, r ModuleRecord, module io.Reader) (ModuleRecord, error) {
	put, err := b.putModule(ctx, r, module)
	if err != nil {
		return ModuleRecord{}, fmt.Errorf("store module %q: %w", r.Name, err)
	}
	return put, nil
}

func (b *Bus) putModule(ctx context.Context, r ModuleRecord, module io.Reader) (ModuleRecord, error) {
	data, err := io.ReadAll(module)
	if err != nil {
		return r, err
	}
	sum := sha256.Sum256(data)
	digest := digestPrefix + hex.EncodeToString(sum[:])
	if r.Digest != "" && r.Digest != digest {
		return r, fmt.Errorf("%w: its digest is %s, the record says %s", ErrTampered, digest, r.Digest)
	}
	r.Digest = digest
	r.Size, r.Pushed = int64(len(data)), time.Now().UTC()
	r.Version = cmp.Or(r.Version, hex.EncodeToString(sum[:6]))
	if err := checkName(r); err != nil {
		return r, err
	}
	if there, err := b.pushedAs(ctx, r); err != nil || there != nil && there.Digest != r.Digest {
		return r, cmp.Or(err, ErrVersionTaken)
	}
	if err := b.putChunks(ctx, r.Digest, data); err != nil {
		return r, err
	}
	if err := b.putRecord(ctx, r); err != nil {
		return r, err
	}
	if _, err := b.leaderLast(ctx, streamModules, b.moduleChunks(r.Digest)+"0"); errors.Is(err, engine.ErrNotFound) {
		return r, b.putChunks(ctx, r.Digest, data) // it was removed under another name meanwhile
	}
	return r, nil
}

func checkName(r ModuleRecord) error {
	switch {
	case r.Name == "", strings.ContainsAny(r.Name, "@ \t\r\n"), strings.HasPrefix(r.Name, digestPrefix):
		return fmt.Errorf("%q is no name of a module: it needs one, without spaces and @", r.Name)
	case strings.ContainsAny(r.Version, "@ \t\r\n"):
		return fmt.Errorf("%q is no version: leave out spaces and @", r.Version)
	case len(r.Name)+len(r.Version) > 1<<10:
		return errors.New("the name and version are too long: they have more than 1024 bytes")
	}
	return nil
}

// pushedAs is the record under a name and version; nil: there is none.
func (b *Bus) pushedAs(ctx context.Context, r ModuleRecord) (*ModuleRecord, error) {
	there, err := b.recordAt(ctx, b.moduleRecords()+token(r.Name)+"."+token(r.Version)+".*")
	if errors.Is(err, engine.ErrNotFound) {
		return nil, nil //nolint:nilnil // none is an answer
	}
	return there, err
}

// putRecord stores a record if there is none under its name and version.
func (b *Bus) putRecord(ctx context.Context, r ModuleRecord) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	chain := b.moduleRecords() + token(r.Name) + "." + token(r.Version) + ".*"
	_, err = b.publishAt(ctx, streamModules, chain, 0, &nats.Msg{Subject: b.recordSubject(r), Data: data})
	if !errors.Is(err, engine.ErrConflict) {
		return err
	}
	there, err := b.pushedAs(ctx, r)
	if err == nil && (there == nil || there.Digest != r.Digest) {
		err = ErrVersionTaken
	}
	return err
}

// putChunks stores a module's bytes, the first chunk last: with it all are there.
// What is there is written over: it may have been tampered with.
func (b *Bus) putChunks(ctx context.Context, digest string, data []byte) error {
	count := max(1, (len(data)+chunkBytes-1)/chunkBytes)
	for i := count - 1; i >= 0; i-- {
		m := nats.NewMsg(b.moduleChunks(digest) + strconv.Itoa(i))
		m.Data = data[i*chunkBytes : min(len(data), (i+1)*chunkBytes)]
		if i == 0 {
			m.Header.Set(headerParts, strconv.Itoa(count))
		}
		if err := b.persist(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// Module finds a module: by its name, then the one pushed last, as name@version, or
// by its digest, "sha256:…". Without it the error is engine.ErrNotFound.
func (b *Bus) Module(ctx context.Context, ref string) (ModuleRecord, error) {
	filter, err := b.moduleFilter(ref)
	if err != nil {
		return ModuleRecord{}, err
	}
	r, err := b.recordAt(ctx, filter)
	if err != nil {
		return ModuleRecord{}, fmt.Errorf("module %q: %w", ref, err)
	}
	return *r, nil
}

// moduleFilter is the subjects of the records that a reference may mean.
func (b *Bus) moduleFilter(ref string) (string, error) {
	if strings.HasPrefix(ref, digestPrefix) {
		digest, err := hexOf(ref)
		return b.moduleRecords() + "*.*." + digest, err
	}
	module, version, exact := strings.Cut(ref, "@")
	if module == "" || exact && version == "" {
		return "", fmt.Errorf("%q names no module: want a name, name@version or sha256:…", ref)
	}
	if !exact {
		return b.moduleRecords() + token(module) + ".*.*", nil
	}
	return b.moduleRecords() + token(module) + "." + token(version) + ".*", nil
}

// hexOf is a digest without what it begins with.
func hexOf(digest string) (string, error) {
	text, ok := strings.CutPrefix(digest, digestPrefix)
	if raw, err := hex.DecodeString(text); !ok || err != nil || len(raw) != sha256.Size || strings.ToLower(text) != text {
		return "", fmt.Errorf("%q is no digest: want sha256: and 64 hex digits", digest)
	}
	return text, nil
}

// recordAt is the last record on subjects, as the leader has it.
func (b *Bus) recordAt(ctx context.Context, filter string) (*ModuleRecord, error) {
	m, err := b.leaderLast(ctx, streamModules, filter)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, engine.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return b.moduleRecord(m)
}

// moduleRecord reads a record, which is to be what its subject says: who may write
// under some names does not speak for others.
func (b *Bus) moduleRecord(m *kept) (*ModuleRecord, error) {
	r := &ModuleRecord{}
	if err := json.Unmarshal(m.data, r); err != nil {
		return nil, fmt.Errorf("read the record of a module: %w: %w", ErrTampered, err)
	}
	if b.recordSubject(*r) != m.subject {
		return nil, fmt.Errorf("read the record of a module: %w: its name, version or digest is another", ErrTampered)
	}
	return r, nil
}

// OpenModule reads a module by its digest. All of it was compared with the digest
// when this returns: what is not what was put is ErrTampered, what is not there
// engine.ErrNotFound.
func (b *Bus) OpenModule(ctx context.Context, digest string) (io.ReadCloser, error) {
	data, err := b.moduleData(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", digest, err)
	}
	return io.NopCloser(strings.NewReader(data)), nil
}

func (b *Bus) moduleData(ctx context.Context, digest string) (string, error) {
	if _, err := hexOf(digest); err != nil {
		return "", err
	}
	first, err := b.moduleChunk(ctx, digest, 0)
	if err != nil {
		return "", err
	}
	count, err := strconv.Atoi(first.header.Get(headerParts))
	if err != nil {
		return "", fmt.Errorf("%w: its header %s is %q", ErrTampered, headerParts, first.header.Get(headerParts))
	}
	var all strings.Builder
	sum := sha256.New()
	for i, m := 0, first; ; {
		all.Write(m.data)
		sum.Write(m.data)
		if i++; i >= count {
			break
		}
		if m, err = b.moduleChunk(ctx, digest, i); errors.Is(err, engine.ErrNotFound) {
			return "", fmt.Errorf("%w: part %d of %d is gone", ErrTampered, i, count)
		}
		if err != nil {
			return "", err
		}
	}
	if got := digestPrefix + hex.EncodeToString(sum.Sum(nil)); got != digest {
		return "", fmt.Errorf("%w: its digest is %s", ErrTampered, got)
	}
	return all.String(), nil
}

// moduleChunk asks the nearest replica, and the leader if that has nothing.
func (b *Bus) moduleChunk(ctx context.Context, digest string, i int) (*kept, error) {
	subject := b.moduleChunks(digest) + strconv.Itoa(i)
	found, err := b.pick(ctx, streamModules, []wanted{{Last: subject}})
	if err != nil {
		return nil, err
	}
	if found[0] != nil {
		return found[0], nil
	}
	return b.leaderLast(ctx, streamModules, subject)
}

// Modules lists the modules by name, the versions of each as they were pushed. With
// an error that is ErrTampered it has those whose records are as they were put.
func (b *Bus) Modules(ctx context.Context) ([]ModuleRecord, error) {
	found, err := b.recordsOf(ctx, b.moduleRecords()+">")
	if err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	var all []ModuleRecord
	var bad error
	for _, m := range found {
		r, err := b.moduleRecord(m)
		if err != nil {
			bad = fmt.Errorf("list modules: %w", err) // one is enough to say
			continue
		}
		all = append(all, *r)
	}
	slices.SortStableFunc(all, func(x, y ModuleRecord) int { return cmp.Compare(x.Name, y.Name) })
	return all, bad
}

func (b *Bus) recordsOf(ctx context.Context, filter string) (all []*kept, err error) {
	for after := uint64(0); ; {
		found, err := b.gather(ctx, streamModules, wanted{Seq: after + 1, Next: filter, Batch: directBatch})
		if err != nil {
			return nil, err
		}
		if all = append(all, found...); len(found) < directBatch {
			return all, nil
		}
		after = found[len(found)-1].seq
	}
}

// RemoveModule drops the records that a reference may mean: of a name all versions,
// of a digest all names. The bytes go with the last record of theirs. Without any
// the error is engine.ErrNotFound.
func (b *Bus) RemoveModule(ctx context.Context, ref string) error {
	filter, err := b.moduleFilter(ref)
	if err != nil {
		return err
	}
	found, err := b.recordsOf(ctx, filter)
	if err == nil && len(found) == 0 {
		err = engine.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("remove module %q: %w", ref, err)
	}
	for _, m := range found {
		if err := b.removeRecord(ctx, m); err != nil {
			return fmt.Errorf("remove module %q: %w", ref, err)
		}
	}
	return nil
}

func (b *Bus) removeRecord(ctx context.Context, m *kept) error {
	if err := b.purgeThrough(ctx, streamModules, m.subject, m.seq); err != nil {
		return err
	}
	digest := m.subject[strings.LastIndexByte(m.subject, '.')+1:]
	_, err := b.leaderLast(ctx, streamModules, b.moduleRecords()+"*.*."+digest)
	if !errors.Is(err, engine.ErrNotFound) {
		return err // another name needs it
	}
	return b.purge(ctx, streamModules, b.moduleChunks(digest)+"*")
}
