package guestfs

// EntryBytes is what a new file or directory is charged beside its content.
const EntryBytes = 4096

// Quota bounds what one call may add to all its trees, in bytes. A directory of
// the machine is charged for what makes files larger and for new entries, and
// gives nothing back; a tree in memory is charged for what it holds.
type Quota struct {
	most    int64
	used    int64
	refused bool
}

// NewQuota returns a quota of most bytes.
func NewQuota(most int64) *Quota { return &Quota{most: most} }

// Charge takes n bytes, or nothing and ENOSPC.
func (q *Quota) Charge(n int64) Errno {
	if n > q.most-q.used {
		q.refused = true
		return ENOSPC
	}
	q.used += n
	return OK
}

// Release gives n charged bytes back.
func (q *Quota) Release(n int64) { q.used -= n }

// Used is the number of bytes charged.
func (q *Quota) Used() int64 { return q.used }

// Refused reports whether a charge was refused.
func (q *Quota) Refused() bool { return q.refused }
