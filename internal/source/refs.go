package source

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

// hostRefs is what ls-remote said.
type hostRefs struct {
	// head is the branch that HEAD points to, such as refs/heads/main, and heads its commit under the name HEAD.
	head string
	// tips are names → commits; a tag that is an object of its own has its commit under name^{}.
	tips map[string]string
	// asked is when the question was put; until is how long the answer is believed.
	asked time.Time
	until time.Time
	// sum names the answer.
	sum [sha256.Size]byte
}

// parseRefs reads the output of ls-remote --symref. Lines that are neither refs nor symrefs are errors: half an answer
// must not look like deleted branches.
func parseRefs(out []byte) (hostRefs, error) {
	r := hostRefs{tips: map[string]string{}, sum: sha256.Sum256(out)}
	for line := range bytes.Lines(out) {
		value, name, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), "\t")
		if target, symbolic := strings.CutPrefix(value, "ref: "); ok && symbolic {
			if name == "HEAD" {
				r.head = target
			}
			continue
		}
		if !ok || !objectName.MatchString(value) || name == "" {
			return hostRefs{}, fmt.Errorf("reading the answer of ls-remote: %.100q is not a ref", line)
		}
		r.tips[name] = value
	}
	return r, nil
}

// find returns the object that a revision names: HEAD, a full ref name, a branch, a tag, or the highest version of a
// range, in this order.
func (r hostRefs) find(revision string) (name, object string, ok bool) {
	candidates := []string{"refs/heads/" + revision, "refs/tags/" + revision}
	switch {
	case revision == "HEAD":
		candidates = []string{"HEAD"}
	case strings.HasPrefix(revision, "refs/"):
		candidates = append([]string{revision}, candidates...)
	}
	for _, name := range candidates {
		if object, ok := r.tips[name+"^{}"]; ok {
			return name, object, true
		}
		if object, ok := r.tips[name]; ok {
			return name, object, true
		}
	}
	if within, isRange := versionRange(revision); isRange {
		return r.highest(within)
	}
	return "", "", false
}

// isAmbiguous reports whether a revision is the name of a branch and of a tag that lead to different commits. Whoever
// may push one of the two would decide what those get who mean the other.
func (r hostRefs) isAmbiguous(revision string) bool {
	branch, isBranch := r.tips["refs/heads/"+revision]
	tag, isTag := r.tips["refs/tags/"+revision]
	if commit, annotated := r.tips["refs/tags/"+revision+"^{}"]; annotated {
		tag = commit
	}
	return isBranch && isTag && branch != tag && revision != "HEAD"
}

// askedSince accepts answers to questions that were put after an instant: they tell of all that was pushed before it.
func askedSince(since time.Time) func(hostRefs) bool {
	return func(r hostRefs) bool { return !r.asked.IsZero() && !r.asked.Before(since) }
}

// areCurrent accepts answers that are young enough.
func areCurrent(r hostRefs) bool { return time.Now().Before(r.until) }
