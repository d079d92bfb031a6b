package engine_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// acceptanceNumbers are all cases, part by part. Numbers that are missing name
// nothing.
var acceptanceNumbers = map[string]string{
	"A": "1 2 3 4 5 6 7 8 9 9b 10 11 12 13 14 16 17 18 19 19b 19c",
	"B": "20 21 22 23 24 25 26 28 29 30 31 32 33",
	"C": "34 35 36 37 38 39 40 41 42 43 44 45 46 48",
	"D": "49 50 51 52 53 54 55 55b",
	"E": "56 57 58 59 60 62 62b 62c 62d 62e 62f 62g 62h 62i",
	"F": "63 64 65 66 67 68 69 71 72 73 75 76 77 78 79 81 81b 81c 81d 81e",
	"G": "82 83 84 85 86 86b 86c 86d",
	"H": "87 88 89 90 90b 91 92 93 94 95 96 96b 96c 96d",
	"I": "97 98 99 100 101 102 103 104b 104c 104d 104e 105 106 107 108 109",
	"K": "110 111 112 113 114 115 116 117 118 119",
}

// acceptanceName is the beginning of a test's name: "A01_chain", "F63 strict".
var acceptanceName = regexp.MustCompile(`"([A-K])0*([1-9][0-9]*[a-z]?)[_ ][a-z]`)

// TestAcceptanceNumbers wants each case named by a test, somewhere in the tree, and
// no test to name a case that there is not.
func TestAcceptanceNumbers(t *testing.T) {
	t.Parallel()
	named := namedCases(t, "..")
	for part, list := range acceptanceNumbers {
		numbers := strings.Fields(list)
		var missing []string
		for _, n := range numbers {
			if named[part+n] == "" {
				missing = append(missing, part+n)
			}
		}
		if len(missing) > 0 {
			t.Errorf("no test names %s", strings.Join(missing, ", "))
		}
		for name, file := range named {
			if strings.HasPrefix(name, part) && !slices.Contains(numbers, name[1:]) {
				t.Errorf("%s names %s, which is no case", file, name)
			}
		}
	}
}

// namedCases are the cases that tests below a directory name, each with one file
// that does.
func namedCases(t *testing.T, root string) map[string]string {
	t.Helper()
	named := map[string]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "build" || name != root && strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case !strings.HasSuffix(name, "_test.go") || filepath.Base(name) == "acceptance_numbers_test.go":
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(text), "func TestAcceptance") && !strings.Contains(string(text), "acceptanceCase{") {
			return err
		}
		for _, found := range acceptanceName.FindAllStringSubmatch(string(text), -1) {
			named[found[1]+found[2]] = name
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return named
}
