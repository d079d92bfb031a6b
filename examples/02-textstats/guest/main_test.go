package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/graflow/graflow-wasm/sdk"
)

const text = `# Tasks

The cat sat. The dog didn't sit! Is it the cat's mat?

See [the docs](https://example.com/docs "Docs") and https://example.com/docs, or [this](./local.md).`

func TestLoadAndSplit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"b.md": "two\r\n", "LICENSE": "MIT", "a.md": "one", "c.txt": "no"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	docs, err := load.Call(nil, Source{Dir: dir})
	if want := []Document{{"LICENSE", "MIT"}, {"a.md", "one"}, {"b.md", "two\r\n"}}; !reflect.DeepEqual(docs, want) || err != nil {
		t.Fatalf("got %q, %v, want %q", docs, err, want)
	}
	got, err := split.Call(nil, docs)
	want := Corpus{Documents: []string{"LICENSE", "a.md", "b.md"}, Text: "MIT\n\none\n\ntwo"}
	if !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	l := sdk.NewLocal(sdk.LocalConfig{})
	if _, err := load.Call(l, Source{Dir: dir + "/none"}); err == nil || l.Effects().Failure.Kind != "no_documents" {
		t.Errorf("no directory: got %v", err)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	got, err := words.Call(nil, Corpus{Text: "The cat sat. The 'dog' didn't, the Cat did."})
	want := WordStats{Count: 9, Unique: 6, Top: []Count{
		{"the", 3}, {"cat", 2}, {"did", 1}, {"didn't", 1}, {"dog", 1}, {"sat", 1},
	}}
	if !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestSentences(t *testing.T) {
	t.Parallel()
	got, err := sentences.Call(nil, Corpus{Text: "# Title\n\nThe cat sat. The dog\ndidn't sit down! Version 1.5 is it?\n\n```\ncode is no sentence of this text at all\n```\n- one\n- and two"})
	want := SentenceStats{Count: 6, Longest: "The dog didn't sit down!", AverageWords: 17.0 / 6}
	if !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	got, err := links.Call(nil, Corpus{Text: text})
	if want := []Link{{"https://example.com/docs", 2}, {"./local.md", 1}}; !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	got, err := report.Call(nil, Stats{
		Words:     WordStats{Count: 3, Unique: 2, Top: []Count{{"the", 2}, {"cat", 1}}},
		Sentences: SentenceStats{Count: 1, Longest: "The the cat.", AverageWords: 3},
		Links:     []Link{{"https://example.com", 2}},
	})
	want := `# Text report

- 3 words, 2 of them different
- 1 sentences of 3.0 words on average
- 1 link targets

## Frequent words

| Word | Count |
|---|---:|
| the | 2 |
| cat | 1 |

## Longest sentence

> The the cat.

## Links

- <https://example.com> (2)
`
	if got != want || err != nil {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestNothing(t *testing.T) {
	t.Parallel()
	w, err1 := words.Call(nil, Corpus{})
	s, err2 := sentences.Call(nil, Corpus{})
	l, err3 := links.Call(nil, Corpus{})
	if w.Count != 0 || s.Count != 0 || len(l) != 0 || err1 != nil || err2 != nil || err3 != nil {
		t.Errorf("got %+v %+v %+v, %v %v %v, want nothing", w, s, l, err1, err2, err3)
	}
	if got, want := (Stats{}).markdown(), "# Text report\n\n- 0 words, 0 of them different\n- 0 sentences of 0.0 words on average\n- 0 link targets\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
