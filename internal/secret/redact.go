package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// longestText bounds a text that has values taken out. What comes after it is dropped.
	longestText = 4096
	// window is the length from which a part of a value counts as much as the whole.
	window = 8
	// shortest is the length up to which a value is only found as a word of its own.
	shortest = 3
	// longestListed is the length up to which a value is looked for as a list of bytes.
	longestListed = 4096
)

// Redact returns a text without the values of Secrets, however they are written in it: plain, quoted, encoded, as
// bytes, or cut. Objects of other kinds have no values; the text of theirs is returned as it is.
func Redact(text string, objects ...*unstructured.Unstructured) string {
	var secrets []*unstructured.Unstructured
	for _, object := range objects {
		if Is(object) {
			secrets = append(secrets, object)
		}
	}
	if len(secrets) == 0 {
		return text
	}
	values := valuesOf(secrets...)
	for _, s := range secrets {
		for _, value := range s.GetAnnotations() {
			if len(value) >= window {
				values = append(values, value)
			}
		}
	}
	return redact(text, values)
}

func redact(text string, values []string) string {
	cut := len(text) > longestText
	if cut {
		text = text[:longestText]
	}
	var forms []string
	for _, v := range values {
		forms = append(forms, formsOf(v)...)
	}
	slices.Sort(forms)
	forms = slices.Compact(forms)
	hidden := make([]bool, len(text))
	for _, form := range forms {
		hideForm(text, form, hidden)
	}
	hideWindows(text, forms, hidden)
	clean := withoutHidden(text, hidden)
	if cut {
		// The end may be the beginning of a value.
		clean = strings.ToValidUTF8(clean[:max(0, len(clean)-window)], "") + "…"
	}
	return clean
}

// formsOf returns the ways in which programs write a value.
func formsOf(value string) []string {
	if strings.TrimSpace(value) == "" {
		return nil
	}
	all := []string{value}
	if strings.Contains(value, "\n") {
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
		}
	}
	for _, plain := range slices.Clone(all) {
		if quoted, err := json.Marshal(plain); err == nil {
			all = append(all, string(quoted[1:len(quoted)-1]))
		}
		quoted := strconv.Quote(plain)
		ascii := strconv.QuoteToASCII(plain)
		all = append(all, quoted[1:len(quoted)-1], ascii[1:len(ascii)-1])
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(value))
	all = append(all, encoded, strings.TrimRight(encoded, "="), base64.URLEncoding.EncodeToString([]byte(value)), hex.EncodeToString([]byte(value)))
	if len(value) > shortest && len(value) <= longestListed {
		all = append(all, strings.Trim(fmt.Sprint([]byte(value)), "[]"), strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(value)), "[]byte{"), "}")) //nolint:staticcheck // a list of bytes is printed as numbers
	}
	return all
}

// hideForm marks where a form stands in a text; a short one only where it is a word. Forms may be any bytes.
func hideForm(text, form string, hidden []bool) {
	for from := 0; ; {
		at := strings.Index(text[from:], form)
		if at < 0 {
			return
		}
		begin, end := from+at, from+at+len(form)
		goesOn := begin > 0 && isWord(text[begin-1]) || end < len(text) && isWord(text[end])
		if len(form) > shortest || !goesOn {
			hide(hidden, begin, end)
			from = end
			continue
		}
		from = begin + 1
	}
}

// isWord reports whether a byte goes on a word.
func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// hideWindows marks whatever is a part of a form.
func hideWindows(text string, forms []string, hidden []bool) {
	for i := 0; i+window <= len(text); i++ {
		part := text[i : i+window]
		if slices.ContainsFunc(forms, func(form string) bool { return len(form) > window && strings.Contains(form, part) }) {
			hide(hidden, i, i+window)
		}
	}
}

func hide(hidden []bool, from, to int) {
	for i := from; i < to; i++ {
		hidden[i] = true
	}
}

// withoutHidden returns a text with [Hidden] for each stretch that is marked.
func withoutHidden(text string, hidden []bool) string {
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			b.WriteString(Hidden)
		}
	}
	return strings.ToValidUTF8(b.String(), "")
}
