package examples_test

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
)

// ranking is the result of the task collect of 08-bsp.
type ranking struct {
	Supersteps int
	Ranks      []struct {
		Package string
		Rank    float64
	}
}

// TestBSP holds the ranks that four partitions found together against those of a
// single loop.
func TestBSP(t *testing.T) {
	t.Parallel()
	got := rankBySupersteps(t)
	checkRanks(t, got, pageRank(t, "08-bsp/data/imports.txt"))
	if again := rankBySupersteps(t, "--concurrency", "1"); !reflect.DeepEqual(again, got) {
		t.Error("one member at a time finds other ranks")
	}
}

func rankBySupersteps(t *testing.T, args ...string) ranking {
	t.Helper()
	stdout, stderr, code := run(t, append(args, "08-bsp/bsp.flow.yaml", "-o", "json")...)
	var out struct {
		Output   string
		Warnings []string
		Tasks    []struct {
			Task, Group string
			Output      json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(stdout), &out); code != 0 || err != nil {
		t.Fatalf("exit code %d, %v, stderr %q", code, err, stderr)
	}
	var got ranking
	members := 0
	for _, task := range out.Tasks {
		if task.Group == "rank" {
			members++
		}
		if task.Task == "collect" {
			if err := json.Unmarshal(task.Output, &got); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got.Supersteps < 10 || members != 4*got.Supersteps {
		t.Errorf("%d activations of members in %d supersteps, want 4 in each of 10 or more", members, got.Supersteps)
	}
	if len(out.Warnings) > 0 {
		t.Errorf("members got in each other's way: %q", out.Warnings)
	}
	if lines := strings.Split(out.Output, "\n"); len(lines) != 12 || !strings.HasSuffix(lines[1], " unsafe") {
		t.Errorf("got %q, want the ten highest ranks, unsafe first", out.Output)
	}
	return got
}

func checkRanks(t *testing.T, got ranking, want map[string]float64) {
	t.Helper()
	if len(got.Ranks) != len(want) {
		t.Errorf("got %d packages, want %d", len(got.Ranks), len(want))
	}
	last := 1.0
	for _, r := range got.Ranks {
		// The flow stops when a superstep changes all ranks by less than 1e-9
		// together: what is still to come is at most 0.85/0.15 of that.
		if math.Abs(r.Rank-want[r.Package]) > 2e-8 || r.Rank > last {
			t.Errorf("%s: got %v after %v, want %v, in falling order", r.Package, r.Rank, last, want[r.Package])
		}
		last = r.Rank
	}
}

// pageRank ranks the packages in a file of imports, in one loop.
func pageRank(t *testing.T, file string) map[string]float64 {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		imports[words[0]] = words[1:]
	}
	const damping = 0.85
	all := float64(len(imports))
	ranks := map[string]float64{}
	for p := range imports {
		ranks[p] = 1 / all
	}
	for change := 1.0; change >= 1e-12; {
		next, dangling := map[string]float64{}, 0.0
		for p, to := range imports {
			if len(to) == 0 {
				dangling += ranks[p]
			}
			for _, q := range to {
				next[q] += damping * ranks[p] / float64(len(to))
			}
		}
		change = 0
		for p := range imports {
			next[p] += (1 - damping + damping*dangling) / all
			change += math.Abs(next[p] - ranks[p])
		}
		ranks = next
	}
	return ranks
}
