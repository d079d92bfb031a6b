package secrets

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// formsOf are the forms of a value that are searched, see NewRedactor. None is
// shorter than MinRedacted.
func formsOf(value []byte) [][]byte {
	forms := [][]byte{value}
	add := func(texts ...string) {
		for _, text := range texts {
			if len(text) >= MinRedacted {
				forms = append(forms, []byte(text))
			}
		}
	}
	add(base64Forms(value)...)
	add(hexForms(value)...)
	add(urlForms(string(value))...)
	add(quotedForms(string(value))...)
	if !utf8.Valid(value) {
		for _, text := range validForms(value) {
			add(text)
			add(quotedForms(text)...)
		}
	}
	return forms
}

// Lines are searched by themselves if they have minLine bytes, as shorter ones may
// be in any text, and their value maxLines, which bounds how many there can be.
const (
	minLine  = 16
	maxLines = 16 << 10
)

// linesOf are the lines of a value that are searched by themselves.
func linesOf(value []byte) [][]byte {
	if len(value) > maxLines {
		return nil
	}
	var lines [][]byte
	for line := range bytes.Lines(value) {
		line = bytes.TrimSpace(line)
		if len(line) < minLine || len(line) == len(value) {
			continue
		}
		lines = append(lines, line)
		if !utf8.Valid(line) {
			for _, text := range validForms(line) {
				lines = append(lines, []byte(text))
			}
		}
	}
	return lines
}

// base64Forms are those of a value alone and of one amid others: of each of the
// three ways to lie on groups of three bytes, the characters that it alone decides.
func base64Forms(value []byte) []string {
	var forms []string
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		forms = append(forms, encoding.EncodeToString(value))
		for shift := range 3 {
			text := encoding.WithPadding(base64.NoPadding).EncodeToString(append(make([]byte, shift), value...))
			first, last := (8*shift+5)/6, 8*(shift+len(value))/6
			forms = append(forms, text[first:last])
		}
		forms = append(forms, encoding.WithPadding(base64.NoPadding).EncodeToString(value))
	}
	return forms
}

func hexForms(value []byte) []string {
	lower := hex.EncodeToString(value)
	forms := []string{lower, strings.ToUpper(lower)}
	for _, prefix := range []string{"%", `\x`} {
		var small, capital strings.Builder
		for i := 0; i < len(lower); i += 2 {
			small.WriteString(prefix + lower[i:i+2])
			capital.WriteString(prefix + strings.ToUpper(lower[i:i+2]))
		}
		forms = append(forms, small.String(), capital.String())
	}
	return forms
}

// uriComponent turns a query's escapes into those of encodeURIComponent.
var uriComponent = strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

func urlForms(value string) []string {
	query := url.QueryEscape(value)
	forms := []string{query, strings.ReplaceAll(query, "+", "%20"), uriComponent.Replace(query), url.PathEscape(value)}
	for _, form := range forms {
		forms = append(forms, lowerEscapes(form))
	}
	return forms
}

// lowerEscapes is text with its escapes of "%" in lower case.
func lowerEscapes(text string) string {
	lower := []byte(text)
	for i := 0; i+2 < len(lower); i++ {
		if lower[i] == '%' {
			copy(lower[i+1:], bytes.ToLower(lower[i+1:i+3]))
		}
	}
	return string(lower)
}

// quotedForms are a text in the strings of JSON and Go, without the quotes.
func quotedForms(text string) []string {
	var forms []string
	for _, html := range []bool{true, false} {
		once := jsonEscape(text, html)
		forms = append(forms, once, strings.ReplaceAll(once, "/", `\/`), jsonEscape(once, html))
	}
	for _, quoted := range []string{strconv.Quote(text), strconv.QuoteToASCII(text)} {
		forms = append(forms, quoted[1:len(quoted)-1])
	}
	return forms
}

func jsonEscape(text string, html bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	if e.Encode(text) != nil {
		return "" // no string fails
	}
	return strings.TrimSuffix(b.String(), "\n")[1 : b.Len()-2]
}

// validForms are what is left of a value when what is no UTF-8 is replaced, a
// stretch or a byte at a time, if that is enough to be known again.
func validForms(value []byte) []string {
	if len(bytes.ToValidUTF8(value, nil)) < MinRedacted {
		return nil
	}
	return []string{
		string(bytes.ToValidUTF8(value, []byte("\uFFFD"))),
		strings.Map(func(r rune) rune { return r }, string(value)),
	}
}
