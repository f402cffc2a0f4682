package skaffold

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cyan-cd/cyan/internal/spelling"
)

// prefix is what every apiVersion of Skaffold's begins with.
const prefix = "skaffold/"

// versions are those that are read, oldest first.
var versions = func() []string {
	var all []string
	add := func(form string, from, to int) {
		for i := from; i <= to; i++ {
			all = append(all, fmt.Sprintf(form, i))
		}
	}
	add("v1beta%d", 11, 17)
	all = append(all, "v1")
	add("v2alpha%d", 1, 4)
	add("v2beta%d", 1, 29)
	all = append(all, "v3alpha1", "v3")
	add("v4beta%d", 1, 14)
	return all
}()

// newest is the newest version whose fields are known.
var newest = versions[len(versions)-1]

// order returns the place of a version among all; -1 for one that is not read.
func order(version string) int { return slices.Index(versions, version) }

// readVersion returns which version's fields a document has. It reports false where there is no telling.
func readVersion(doc *node, r *report) (string, bool) {
	v := doc.get("apiVersion")
	if v == nil {
		r.add(doc.at, Error, "version", "apiVersion", "missing", "write apiVersion: "+prefix+newest)
		return "", false
	}
	version, ours := strings.CutPrefix(v.text, prefix)
	if ours && order(version) >= 0 {
		return version, true
	}
	if number, err := strconv.Atoi(strings.TrimPrefix(version, "v4beta")); ours && err == nil && number > 14 {
		r.add(v.at, Warning, "version", "apiVersion", v.text+" is newer than what is known", "the file is read as "+prefix+newest+", and fields that came later are unknown")
		return newest, true
	}
	var names []string
	for _, known := range versions {
		names = append(names, prefix+known)
	}
	remedy := "write one from " + prefix + versions[0] + " to " + prefix + newest
	if meant := spelling.Closest(v.text, names); meant != "" && !isOlder(version) {
		remedy = fmt.Sprintf("did you mean %s?", meant)
	}
	r.add(v.at, Error, "version", "apiVersion", fmt.Sprintf("%q unknown", v.text), remedy)
	return "", false
}

// isOlder reports whether a version is an earlier one of Skaffold's than those that are read.
func isOlder(version string) bool {
	number, err := strconv.Atoi(strings.TrimPrefix(version, "v1beta"))
	return strings.HasPrefix(version, "v1alpha") || err == nil && number < 11
}

// span is the versions that have a field.
type span struct {
	// since and until are places among versions, both counted in.
	since, until int
}

func parseSpan(text string) (span, error) {
	s := span{0, len(versions) - 1}
	from, to, ranged := strings.Cut(text, "-")
	if text == "" {
		return s, nil
	}
	if from != "" {
		s.since = order(from)
	}
	if to != "" {
		s.until = order(to)
	}
	if !ranged || s.since < 0 || s.until < 0 || s.since > s.until {
		return s, fmt.Errorf("versions %q: write them as since-, -until or since-until", text)
	}
	return s, nil
}

func (s span) has(version string) bool { n := order(version); return s.since <= n && n <= s.until }

// String returns the versions as people write them.
func (s span) String() string {
	switch {
	case s.since > 0 && s.until < len(versions)-1:
		return versions[s.since] + " to " + versions[s.until]
	case s.since > 0:
		return "since " + versions[s.since]
	case s.until < len(versions)-1:
		return "until " + versions[s.until]
	}
	return "all"
}
