package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Count is how often something occurs.
type Count struct {
	Word  string `json:"word"`
	Count int    `json:"count"`
}

// WordStats are the words of a corpus.
type WordStats struct {
	Count  int     `json:"count"`
	Unique int     `json:"unique"` // without regard to case
	Top    []Count `json:"top"`    // up to 10, most frequent first
}

// SentenceStats are the sentences of a corpus.
type SentenceStats struct {
	Count        int     `json:"count"`
	Longest      string  `json:"longest"` // by words; the first of several
	AverageWords float64 `json:"average_words"`
}

// Link is a target of links, with how often it is linked to.
type Link struct {
	URL   string `json:"url"`
	Count int    `json:"count"`
}

// Stats are what the report is about.
type Stats struct {
	Words     WordStats     `json:"words"`
	Sentences SentenceStats `json:"sentences"`
	Links     []Link        `json:"links"`
}

const topWords = 10

func countWords(text string) WordStats {
	counts := map[string]int{}
	all := wordsOf(text)
	for _, word := range all {
		counts[strings.ToLower(word)]++
	}
	top := []Count{}
	for word, n := range counts {
		top = append(top, Count{word, n})
	}
	slices.SortFunc(top, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Word, b.Word))
	})
	return WordStats{Count: len(all), Unique: len(counts), Top: top[:min(topWords, len(top))]}
}

// wordsOf splits at what is neither letter, digit nor an apostrophe within.
func wordsOf(text string) []string {
	fields := strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '’'
	})
	words := fields[:0]
	for _, field := range fields {
		if word := strings.Trim(field, "'’"); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// sentenceEnd is closing punctuation before a space, an empty line, or the mark
// of a Markdown list item, heading, quotation or table row.
var sentenceEnd = regexp.MustCompile(`[.!?…]+["')\]”’*_]*(?:\s+|$)|\n[ \t]*(?:\n|[-*+>#|]+ )`)

// codeBlock is a fenced block, which has no sentences.
var codeBlock = regexp.MustCompile("(?ms)^[ \\t]*```.*?^[ \\t]*```[ \\t]*$")

func measureSentences(text string) SentenceStats {
	text = codeBlock.ReplaceAllString(text, "\n")
	var stats SentenceStats
	total, longest, start := 0, 0, 0
	ends := append(sentenceEnd.FindAllStringIndex(text, -1), []int{len(text), len(text)})
	for _, end := range ends {
		sentence := strings.Join(strings.Fields(text[start:end[1]]), " ")
		sentence = strings.TrimLeft(sentence, "#>|-*+ ")
		start = end[1]
		n := len(wordsOf(sentence))
		if n == 0 {
			continue
		}
		stats.Count++
		total += n
		if n > longest {
			longest, stats.Longest = n, sentence
		}
	}
	if stats.Count > 0 {
		stats.AverageWords = float64(total) / float64(stats.Count)
	}
	return stats
}

// link is a Markdown link's target, else a bare URL up to what cannot end one.
var link = regexp.MustCompile(`\]\(\s*<?([^()\s<>]+)>?[^()]*\)|(https?://[^\s<>()\[\]"'` + "`" + `]*[^\s<>()\[\]"'` + "`" + `.,;:!?])`)

func findLinks(text string) []Link {
	counts := map[string]int{}
	for _, match := range link.FindAllStringSubmatch(text, -1) {
		counts[match[1]+match[2]]++ // one of them is empty
	}
	links := []Link{}
	for url, n := range counts {
		links = append(links, Link{url, n})
	}
	slices.SortFunc(links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.URL, b.URL))
	})
	return links
}

func (s Stats) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Text report\n\n- %d words, %d of them different\n", s.Words.Count, s.Words.Unique)
	fmt.Fprintf(&b, "- %d sentences of %.1f words on average\n", s.Sentences.Count, s.Sentences.AverageWords)
	fmt.Fprintf(&b, "- %d link targets\n", len(s.Links))
	if len(s.Words.Top) > 0 {
		b.WriteString("\n## Frequent words\n\n| Word | Count |\n|---|---:|\n")
		for _, c := range s.Words.Top {
			fmt.Fprintf(&b, "| %s | %d |\n", c.Word, c.Count)
		}
	}
	if s.Sentences.Longest != "" {
		fmt.Fprintf(&b, "\n## Longest sentence\n\n> %s\n", s.Sentences.Longest)
	}
	if len(s.Links) > 0 {
		b.WriteString("\n## Links\n\n")
		for _, l := range s.Links {
			fmt.Fprintf(&b, "- <%s> (%d)\n", l.URL, l.Count)
		}
	}
	return b.String()
}
