package natsbus

import (
	"encoding/base32"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// Streams.
const (
	streamRuns    = "GF_RUN"     // the logs of runs
	streamTasks   = "GF_TASKS"   // work queue of tickets
	streamDead    = "GF_DEAD"    // tickets that were given up
	streamChannel = "GF_CHANNEL" // live channels
	streamBlobs   = "GF_BLOB"    // values by content
	streamModules = "GF_MOD"     // modules by digest, and their names
	streamIndex   = "GF_INDEX"   // how runs stand
	streamArchive = "GF_ARCHIVE" // the logs of runs that ended a while ago
	streamNodes   = "GF_NODE"    // processes that are there, owners of partitions
	streamNotices = "GF_LOG"     // what attempts told

	streamDocuments = "GF_CFG" // flows, schedules: what operators have kept
)

// Partitions is the number of parts into which runs are divided among owners. It
// is part of the subjects of a run, and thus for ever.
const Partitions = 16

// ids is how names become tokens of subjects: any bytes, no dots, no wildcards.
var ids = base32.HexEncoding.WithPadding('-')

// token makes a name a token. Those that are letters, digits, "_" and "-" stay as
// they are, behind "_"; "" is "_".
func token(name string) string {
	if plain(name) {
		return "_" + name
	}
	return ids.EncodeToString([]byte(name))
}

// name is what a token was made from.
func name(token string) (string, error) {
	if rest, ok := strings.CutPrefix(token, "_"); ok {
		return rest, nil
	}
	raw, err := ids.DecodeString(token)
	if err != nil {
		return "", fmt.Errorf("token %q: %w", token, err)
	}
	return string(raw), nil
}

func plain(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// partition is the part to which a run belongs.
func partition(ns, run string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(ns + "\x00" + run)) // never fails
	return int(h.Sum32() % Partitions)
}

// runPrefix is what all subjects of a run's log begin with, without a dot at its
// end.
func (b *Bus) runPrefix(run string) string {
	return "gf.run." + strconv.Itoa(partition(b.cfg.Namespace, run)) + "." + token(b.cfg.Namespace) + "." + token(run)
}
