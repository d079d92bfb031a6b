package quarantine

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config says where a Store is. File is required.
type Config struct {
	// File keeps the account; its directory is made with the first death.
	File string
	// Kills is how many cells may be killed until the digest is quarantined. 0: 3.
	Kills int
	// Worker is the name of this process in reports.
	Worker string
	// Logger is told what can't be returned. nil: slog.Default.
	Logger *slog.Logger
}

// Errors of Show and Lift.
var (
	ErrNotFound  = errors.New("nothing is known of that digest")
	ErrAmbiguous = errors.New("more than one digest begins so")
)

// Store is an account of deaths. It is safe for concurrent use, by several processes
// too.
type Store struct {
	config Config

	mu   sync.Mutex // guards what follows
	file fs.FileInfo
	all  []Entry // as the file has them; not changed, but replaced
	said string  // the error that was logged last
}

// Open opens an account, which need not be there. A file that is no account is an
// error: who quarantined something did so for a reason.
func Open(c Config) (*Store, error) {
	if c.Kills <= 0 {
		c.Kills = 3
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	s := &Store{config: c}
	if _, err := s.List(); err != nil {
		return nil, err
	}
	return s, nil
}

// Died notes that a cell died of what has the digest, and tells how that stands now.
func (s *Store) Died(digest, kind string, r Report) (Entry, error) {
	var entry Entry
	r.Worker = s.config.Worker
	if r.Time.IsZero() {
		r.Time = time.Now().UTC()
	}
	err := s.change(func(all []Entry) ([]Entry, error) {
		i := slices.IndexFunc(all, func(e Entry) bool { return e.Digest == digest })
		if i < 0 {
			all = append(room(all), Entry{Digest: digest, Kind: kind})
			i = len(all) - 1
		}
		e := &all[i]
		e.Kills++
		e.Reports = append(slices.Clone(e.Reports), r.bounded())
		e.Reports = e.Reports[max(0, len(e.Reports)-maxReports):]
		if e.Kills >= s.config.Kills && !e.Refused() {
			e.Quarantined = r.Time
		}
		entry = *e
		return all, nil
	})
	if err != nil {
		return entry, fmt.Errorf("note what killed a cell: %w", err)
	}
	return entry, nil
}

// room drops an entry if there are too many: that which died longest ago, and is not
// quarantined if there is such a one.
func room(all []Entry) []Entry {
	if len(all) < maxEntries {
		return all
	}
	oldest := 0
	for i, e := range all {
		o := all[oldest]
		if e.Refused() != o.Refused() && o.Refused() || e.Refused() == o.Refused() && e.Last().Time.Before(o.Last().Time) {
			oldest = i
		}
	}
	return slices.Delete(all, oldest, oldest+1)
}

// Note says of which run and task the last death of a digest was.
func (s *Store) Note(digest, run, task string) error {
	return s.change(func(all []Entry) ([]Entry, error) {
		for i := range all {
			if e := &all[i]; e.Digest == digest && len(e.Reports) > 0 {
				e.Reports = slices.Clone(e.Reports)
				last := &e.Reports[len(e.Reports)-1]
				last.Run, last.Task = run, task
				*last = last.bounded()
			}
		}
		return all, nil
	})
}

// Why tells why what has the digest is not to be run; "" that it may. It looks whether
// the file was changed, by whichever process; a file that can't be read leaves the
// answer as it was.
func (s *Store) Why(digest string) string {
	all, err := s.List()
	s.say(err)
	for _, e := range all {
		if e.Digest == digest && e.Refused() {
			last := e.Last()
			return fmt.Sprintf("it has killed %s, the last at %s: %s; `graflow-wasm module quarantine show %s` tells more on that machine, and lift lets it run again", cells(e.Kills), last.Time.Format(time.RFC3339), oneLine(last.How), short(digest))
		}
	}
	return ""
}

// say logs an error, once until there is another.
func (s *Store) say(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.mu.Lock()
	was := s.said
	s.said = text
	s.mu.Unlock()
	if text != "" && text != was {
		s.config.Logger.Error("read what is quarantined: it stays as it was known", "err", err)
	}
}

// List is all entries, those that are quarantined first, then by their last deaths.
// With an error it is what was known before.
func (s *Store) List() ([]Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.config.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.file, s.all = nil, nil
		return nil, nil
	case err != nil:
		return s.all, err
	case s.file != nil && os.SameFile(info, s.file) && info.ModTime().Equal(s.file.ModTime()) && info.Size() == s.file.Size():
		return s.all, nil
	}
	read, err := read(s.config.File)
	if err != nil {
		return s.all, err
	}
	slices.SortStableFunc(read, func(a, b Entry) int {
		if a.Refused() != b.Refused() {
			if a.Refused() {
				return -1
			}
			return 1
		}
		return b.Last().Time.Compare(a.Last().Time)
	})
	s.file, s.all = info, read
	return read, nil
}

// Show finds an entry by its digest, or by what that begins with.
func (s *Store) Show(digest string) (Entry, error) {
	all, err := s.List()
	if err != nil {
		return Entry{}, err
	}
	i, err := find(all, digest)
	if err != nil {
		return Entry{}, err
	}
	return all[i], nil
}

// Lift lets what has the digest run again, and forgets how many cells it has killed.
func (s *Store) Lift(digest string) (Entry, error) {
	var entry Entry
	err := s.change(func(all []Entry) ([]Entry, error) {
		i, err := find(all, digest)
		if err != nil {
			return nil, err
		}
		all[i].Kills, all[i].Quarantined, all[i].Lifted = 0, time.Time{}, time.Now().UTC()
		entry = all[i]
		return all, nil
	})
	return entry, err
}

// find is the entry of a digest, which may be cut short.
func find(all []Entry, digest string) (int, error) {
	if !strings.HasPrefix(digest, "sha256:") {
		digest = "sha256:" + digest
	}
	found := -1
	for i, e := range all {
		switch {
		case e.Digest == digest:
			return i, nil
		case !strings.HasPrefix(e.Digest, digest):
		case found >= 0:
			return -1, fmt.Errorf("%q: %w", digest, ErrAmbiguous)
		default:
			found = i
		}
	}
	if found < 0 || digest == "sha256:" {
		return -1, fmt.Errorf("%q: %w", digest, ErrNotFound)
	}
	return found, nil
}

func cells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

// short is enough of a digest to find it by.
func short(digest string) string { return digest[:min(len(digest), len("sha256:")+12)] }

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
