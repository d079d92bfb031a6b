package quarantine

import "time"

// Kinds of what is accounted for.
const (
	KindModule = "module" // a digest of WebAssembly
	KindCode   = "code"   // a digest of source text that an interpreter ran
)

// Bounds of what is kept.
const (
	maxEntries = 500
	maxReports = 3       // of an entry: the last ones
	maxStderr  = 2 << 10 // of a report, in bytes: the end
	maxText    = 256     // of any other text
)

// Report is one death.
type Report struct {
	Time   time.Time `json:"time"`
	How    string    `json:"how"` // as "signal: segmentation fault"
	Stderr string    `json:"stderr,omitempty"`
	Name   string    `json:"name,omitempty"` // what the module was called
	Export string    `json:"export,omitempty"`
	Tenant string    `json:"tenant,omitempty"`
	Run    string    `json:"run,omitempty"` // "" if that is not known
	Task   string    `json:"task,omitempty"`
	Worker string    `json:"worker,omitempty"` // whose cell it was
}

func (r Report) bounded() Report {
	for _, text := range []*string{&r.How, &r.Name, &r.Export, &r.Tenant, &r.Run, &r.Task, &r.Worker} {
		*text = (*text)[:min(len(*text), maxText)]
	}
	r.Stderr = r.Stderr[max(0, len(r.Stderr)-maxStderr):]
	return r
}

// Entry is the account of one digest.
type Entry struct {
	Digest      string    `json:"digest"` // "sha256:…"
	Kind        string    `json:"kind"`
	Kills       int       `json:"kills"`                // since it was lifted
	Quarantined time.Time `json:"quarantined,omitzero"` // since when; zero: it is not
	Lifted      time.Time `json:"lifted,omitzero"`      // when it was last
	Reports     []Report  `json:"reports"`              // the last ones, the latest last
}

// Refused tells whether what has the digest is not to be run.
func (e Entry) Refused() bool { return !e.Quarantined.IsZero() }

// Last is the latest report; the zero one if there is none.
func (e Entry) Last() Report {
	if len(e.Reports) == 0 {
		return Report{}
	}
	return e.Reports[len(e.Reports)-1]
}
