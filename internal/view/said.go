package view

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Said is a sentence that this room has made, as its template and what stands in it: for who shows it in another
// language than that of the message beside it.
type Said struct {
	Code string            `json:"code" doc:"the template"`
	Args map[string]string `json:"args,omitempty" doc:"what stands in it"`
}

// Sentence is a sentence in English, and what it was made of. What others have said has no template.
type Sentence struct {
	Text string
	Said *Said
}

// unnamed stands for what has no name in a choice of a template. No name of an object has capitals.
const unnamed = "NONE"

// say returns a sentence by its template. args are names and values. What is too long is cut in the longest value: what
// stands behind it, such as what to do, is not.
func say(code string, args ...string) Sentence {
	s := &Said{Code: code}
	for pair := range slices.Chunk(args, 2) {
		if s.Args == nil {
			s.Args = map[string]string{}
		}
		s.Args[pair[0]] = shortened(pair[1])
	}
	text := filled(templates[code], s.Args)
	if over := len(text) - longestText; over > 0 {
		longest := slices.MaxFunc(slices.Sorted(maps.Keys(s.Args)), func(a, b string) int { return cmp.Compare(len(s.Args[a]), len(s.Args[b])) })
		s.Args[longest] = cutTo(s.Args[longest], max(0, len(s.Args[longest])-over-len("…")))
		text = filled(templates[code], s.Args)
	}
	return Sentence{Text: shortened(text), Said: s}
}

// Templates returns the templates of all sentences, by code, in the notation of messages of ICU: {name} is what has
// that name, {name, select, NONE {…} other {…}} chooses by it.
func Templates() map[string]string {
	return maps.Clone(templates)
}

// filled returns a template with what stands in it.
func filled(template string, args map[string]string) string {
	before, after, found := strings.Cut(template, "{")
	if !found {
		return template
	}
	inner, rest := braced(after)
	name, choices, chooses := strings.Cut(inner, ", select, ")
	value := args[name]
	if chooses {
		value = filled(chosen(choices, value), args)
	}
	return before + value + filled(rest, args)
}

// chosen returns that of some choices which a value has, or other.
func chosen(choices, value string) string {
	var other string
	for {
		key, after, found := strings.Cut(choices, "{")
		if !found {
			return other
		}
		text, rest := braced(after)
		switch strings.TrimSpace(key) {
		case value:
			return text
		case "other":
			other = text
		}
		choices = rest
	}
}

// braced returns what stands before the brace that closes, and what stands after it.
func braced(text string) (inner, rest string) {
	depth := 1
	for i, r := range text {
		switch r {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth == 0 {
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}
