package images

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cyan-cd/cyan/localcluster/internal/registry"
)

// Scope is how much of what nothing in the cluster names is taken away.
type Scope int

const (
	// Crowding are images that have lost their tags to others, but the newest of each repository, and those that an
	// Application could go back to. These go by themselves.
	Crowding Scope = iota
	// Replaced are all images that have lost their tags.
	Replaced
	// Unused are all images.
	Unused
)

const (
	// newest is how many images of a repository stay that have lost their tags.
	newest = 10
	// loopTag is what `cyan dev` calls an image, which is in nobody's git by its digest.
	loopTag = "dev"
	// application is the kind whose history is in git, where it names images that are in no object now.
	application = "Application"
)

var digests = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// Mentions are the images that objects of a cluster name, anywhere in them.
type Mentions struct {
	digests map[string]bool
	// names are those that are looked for, and applied the repositories; the value is whether they were found, and
	// found in an Application.
	names, applied map[string]bool
}

// NewMentions returns mentions of some images, none of which was seen yet.
func NewMentions(rows []Row) *Mentions {
	m := &Mentions{digests: map[string]bool{}, names: map[string]bool{}, applied: map[string]bool{}}
	for _, row := range rows {
		if name, ok := shortName(row); ok {
			m.names[name] = false
		}
		if row.registry != nil {
			m.applied[row.registry.Repository] = false
		}
	}
	return m
}

// shortName is what every way to write the name of an image ends with. One without a tag is known by its digest alone.
func shortName(row Row) (string, bool) {
	if strings.Contains(row.Name, "@") || !strings.Contains(row.Name, ":") || row.Name == row.Digest {
		return "", false
	}
	name := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(row.Name, "index.docker.io/"), "docker.io/"), "library/")
	return strings.TrimSuffix(name, ":latest"), true
}

// Read notes what an object of a kind names; text is all of it.
func (m *Mentions) Read(kind, text string) {
	for _, digest := range digests.FindAllString(text, -1) {
		m.digests[digest] = true
	}
	mark(text, m.names)
	if kind == application {
		mark(text, m.applied)
	}
}

// mark notes which of some names a text has, each as a whole: not as the end or the beginning of a longer one.
func mark(text string, wanted map[string]bool) {
	for name, found := range wanted {
		wanted[name] = found || hasWhole(text, name)
	}
}

func hasWhole(text, name string) bool {
	for {
		before, after, ok := strings.Cut(text, name)
		if !ok {
			return false
		}
		if !ofName(last(before)) && !ofName(first(after)) {
			return true
		}
		text = after
	}
}

func last(text string) byte {
	if text == "" {
		return 0
	}
	return text[len(text)-1]
}

func first(text string) byte {
	if text == "" {
		return 0
	}
	return text[0]
}

// ofName reports whether a character continues a part of an image's name, or its tag.
func ofName(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("._-", c) >= 0
}

// has reports whether an object names an image, by its name or by a digest.
func (m *Mentions) has(row Row) bool {
	name, named := shortName(row)
	if named && m.names[name] || m.digests[row.Digest] {
		return true
	}
	return row.registry != nil && slices.ContainsFunc(row.registry.Parts, func(part string) bool { return m.digests[part] })
}

// history reports whether git may name an image, at a revision that an Application could go back to.
func (m *Mentions) history(image *registry.Image) bool {
	return m.applied[image.Repository] && !slices.Equal(image.Former, []string{loopTag})
}

// PlanPrune decides which images go, of those that no pod runs and no object names.
func PlanPrune(rows []Row, mentions *Mentions, scope Scope) Plan {
	gone := map[string]bool{}
	for _, row := range rows {
		if len(row.Pods) == 0 && !mentions.has(row) && within(rows, row, mentions, scope) {
			gone[row.Name] = true
		}
	}
	return removal(rows, gone)
}

// within reports whether an image is of those that a scope has.
func within(rows []Row, row Row, mentions *Mentions, scope Scope) bool {
	switch {
	case scope == Unused:
		return true
	case !replaced(row):
		return false
	case scope == Replaced:
		return true
	}
	return newerThan(rows, row) >= newest && !mentions.history(row.registry)
}

// replaced reports whether an image was pushed and has no tag any more.
func replaced(row Row) bool {
	return row.registry != nil && !row.registry.Fetched && len(row.registry.Tags) == 0
}

// newerThan counts the replaced images of a repository that were pushed after one of them.
func newerThan(rows []Row, row Row) int {
	count := 0
	for _, other := range rows {
		if replaced(other) && other.registry.Repository == row.registry.Repository && other.registry.Pushed.After(row.registry.Pushed) {
			count++
		}
	}
	return count
}

// Crowded reports whether some repository has more replaced images than stay in any case.
func Crowded(held []registry.Image) bool {
	count := map[string]int{}
	for _, image := range held {
		if !image.Fetched && len(image.Tags) == 0 {
			count[image.Repository]++
		}
		if count[image.Repository] > newest {
			return true
		}
	}
	return false
}
