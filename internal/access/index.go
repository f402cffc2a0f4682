package access

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// index finds the first of some rules whose object matches a value: by the whole of the value, by its beginning and by
// its end where patterns have them, and one by one where they have neither.
type index struct {
	starts affixes
	ends   affixes
	others []candidate
}

// candidate is a rule with its place among all.
type candidate struct {
	*rule
	at int
}

// affixes has the rules whose values begin, or end, with a text, by that text.
type affixes struct {
	by      map[string][]candidate
	lengths []int
}

func (a *affixes) add(text string, c candidate) {
	if a.by == nil {
		a.by = map[string][]candidate{}
	}
	if !slices.Contains(a.lengths, len(text)) {
		a.lengths = append(a.lengths, len(text))
	}
	a.by[text] = append(a.by[text], c)
}

// indexOf returns the index of the rules that deny, or that allow, an action on a resource.
func indexOf(rules []*rule, deny bool, resource, action string) *index {
	x := &index{}
	for at, r := range rules {
		if r.deny != deny || !r.resource.match(resource) || !r.action.match(action) {
			continue
		}
		start, end := r.object.affixes()
		switch one := (candidate{r, at}); {
		case start != "":
			x.starts.add(start, one)
		case end != "":
			x.ends.add(end, one)
		default:
			x.others = append(x.others, one)
		}
	}
	return x
}

// first returns the first rule that matches an object.
func (x *index) first(object string) *rule {
	var found candidate
	look := func(among []candidate) {
		for _, c := range among {
			if found.rule != nil && c.at > found.at {
				return
			}
			if c.object.match(object) {
				found = c
				return
			}
		}
	}
	look(x.others)
	for _, n := range x.starts.lengths {
		if n <= len(object) {
			look(x.starts.by[object[:n]])
		}
	}
	for _, n := range x.ends.lengths {
		if n <= len(object) {
			look(x.ends.by[object[len(object)-n:]])
		}
	}
	return found.rule
}

// affixes returns what every value that the pattern matches begins or ends with; "" where that is not known.
func (p pattern) affixes() (start, end string) {
	switch {
	case strings.ContainsRune(p.text, utf8.RuneError):
		// An expression takes bytes that are no character for this one.
		return "", ""
	case p.isExpression:
		return startOf(p.text), ""
	case p.isLiteral():
		return p.text, ""
	}
	return p.text[:strings.IndexAny(p.text, special)], p.text[strings.LastIndexAny(p.text, special)+1:]
}

// startOf returns the text that an expression has every value begin with.
func startOf(expression string) string {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil || parsed.Op != syntax.OpConcat || parsed.Sub[0].Op != syntax.OpBeginText {
		return ""
	}
	if first := parsed.Sub[1]; first.Op == syntax.OpLiteral && first.Flags&syntax.FoldCase == 0 {
		return string(first.Rune)
	}
	return ""
}

// indexed are the indexes of a subject's rules, each made when it is asked for.
type indexed struct {
	Rights
	made map[indexKey]*index
}

// indexKey is what an index is of: rules, by where they are kept, and what they are about.
type indexKey struct {
	rules            **rule
	deny             bool
	resource, action string
}

// first is the finder for calls that are many.
func (x indexed) first(a *attempt, deny bool, c Call) *rule {
	rules := x.rulesFor(a, c)
	if len(rules) == 0 {
		return nil
	}
	key := indexKey{&rules[0], deny, c.Resource, c.Action}
	if x.made[key] == nil {
		x.made[key] = indexOf(rules, deny, c.Resource, c.Action)
	}
	return x.made[key].first(c.Object)
}
