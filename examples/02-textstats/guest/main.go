// Command guest takes text apart in parallel and reports on it.
package main

import (
	"os"
	"path"
	"strings"

	"github.com/graflow/graflow-wasm/sdk"
)

func main() {}

// Source is where to load documents from.
type Source struct {
	Dir string `json:"dir,omitempty" doc:"a granted directory; /docs if absent"`
}

// Document is one text.
type Document struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Corpus is several documents as one text.
type Corpus struct {
	Documents []string `json:"documents"` // their names
	Text      string   `json:"text"`      // separated by empty lines
}

var load = sdk.Task("load", "reads the *.md files and LICENSE of a directory", func(c *sdk.Context, in Source) ([]Document, error) {
	if in.Dir == "" {
		in.Dir = "/docs"
	}
	entries, err := os.ReadDir(in.Dir)
	if err != nil {
		return nil, sdk.Permanent(sdk.Fail("no_documents", "load documents: %w (is the directory granted?)", err))
	}
	docs := []Document{}
	for _, entry := range entries {
		if entry.IsDir() || path.Ext(entry.Name()) != ".md" && entry.Name() != "LICENSE" {
			continue
		}
		text, err := os.ReadFile(path.Join(in.Dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		docs = append(docs, Document{entry.Name(), string(text)})
	}
	c.Log("loaded %d documents from %s", len(docs), in.Dir)
	return docs, nil
})

var split = sdk.Task("split", "makes one corpus of documents", func(_ *sdk.Context, in []Document) (Corpus, error) {
	corpus := Corpus{Documents: []string{}}
	texts := []string{}
	for _, doc := range in {
		text := strings.ReplaceAll(doc.Text, "\r\n", "\n")
		text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
		corpus.Documents = append(corpus.Documents, doc.Name)
		texts = append(texts, text)
	}
	corpus.Text = strings.Join(texts, "\n\n")
	return corpus, nil
})

var words = sdk.Task("words", "counts words", func(_ *sdk.Context, in Corpus) (WordStats, error) {
	return countWords(in.Text), nil
})

var sentences = sdk.Task("sentences", "measures sentences", func(_ *sdk.Context, in Corpus) (SentenceStats, error) {
	return measureSentences(in.Text), nil
})

var links = sdk.Task("links", "finds links and counts them", func(_ *sdk.Context, in Corpus) ([]Link, error) {
	return findLinks(in.Text), nil
})

var report = sdk.Task("report", "reports in Markdown", func(_ *sdk.Context, in Stats) (string, error) {
	return in.markdown(), nil
})

//go:wasmexport load
func _load() int32 { return load.Run() }

//go:wasmexport split
func _split() int32 { return split.Run() }

//go:wasmexport words
func _words() int32 { return words.Run() }

//go:wasmexport sentences
func _sentences() int32 { return sentences.Run() }

//go:wasmexport links
func _links() int32 { return links.Run() }

//go:wasmexport report
func _report() int32 { return report.Run() }
