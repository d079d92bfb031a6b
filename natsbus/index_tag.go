package natsbus

import (
	"bytes"
	"hash/maphash"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

// tag is what a digest has of an entry: the status in the highest byte, and a hash of
// the flow. It is not 0.
type tag uint32

const flowBits = 1<<24 - 1

// statuses are those that have a number in tags; others share the last one.
var statuses = []engine.Status{
	engine.StatusPending, engine.StatusRunning, engine.StatusRetrying, engine.StatusPaused,
	engine.StatusSucceeded, engine.StatusFailed, engine.StatusCanceled, engine.StatusSkipped,
}

func statusTag(s engine.Status) tag {
	if i := slices.Index(statuses, s); i >= 0 {
		return tag(i+1) << 24
	}
	return 255 << 24
}

// flowSeed makes it impossible to choose names of flows that are told apart badly.
var flowSeed = maphash.MakeSeed()

func flowTag(flow string) tag { return tag(maphash.String(flowSeed, flow)) & flowBits }

// tagOf digests an entry.
func tagOf(e *kept) (tag, error) {
	if flow, status, ok := gist(e.data); ok {
		return statusTag(engine.Status(status)) | flowTag(string(flow)), nil
	}
	m, err := e.mark()
	return statusTag(m.Status) | flowTag(m.Flow), err
}

// gist finds the flow and the status in a mark that was written as usual, which is
// several times as fast as to read it all.
func gist(data []byte) (flow, status []byte, ok bool) {
	for _, part := range []struct {
		name  string
		value *[]byte
	}{{`{"run":"`, new([]byte)}, {`,"flow":"`, &flow}, {`,"status":"`, &status}} {
		if data, ok = bytes.CutPrefix(data, []byte(part.name)); !ok {
			return nil, nil, false
		}
		i := bytes.IndexAny(data, `"\`)
		if i < 0 || data[i] == '\\' {
			return nil, nil, false
		}
		*part.value, data = data[:i], data[i+1:]
	}
	return flow, status, true
}

// filter is what tags of wanted entries have in common. Entries that are not wanted may
// have it too, though seldom. The zero value is all.
type filter struct{ mask, value tag }

func filterOf(q RunsQuery) (f filter) {
	if q.Status != "" {
		f.mask, f.value = 0xff<<24, statusTag(q.Status)
	}
	if q.Flow != "" {
		f.mask, f.value = f.mask|flowBits, f.value|flowTag(q.Flow)
	}
	return f
}

func (f filter) all() bool { return f.mask == 0 }

func (f filter) matches(t tag) bool { return t != 0 && t&f.mask == f.value }
