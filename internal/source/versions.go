package source

import (
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// rangeMarks is what a range of versions has and a version has not.
var rangeMarks = regexp.MustCompile(`[*<>=~^|, ]|(^|\.)[xX](\.|$)`)

// versionRange reads a range of semantic versions such as v1.*, 1.x or ">=1.0.0 <2.0.0". What names one version, or may
// not be given to git and is no range, is none.
func versionRange(revision string) (*semver.Constraints, bool) {
	const longest = 256
	if !rangeMarks.MatchString(revision) || len(revision) > longest {
		return nil, false
	}
	constraint, err := semver.NewConstraint(revision)
	return constraint, err == nil
}

// highest returns the tag with the highest version in a range; versions before a release are in it only if the range
// names one. Of equal versions, the tag that is first by name.
func (r hostRefs) highest(within *semver.Constraints) (name, object string, ok bool) {
	var best *semver.Version
	for ref := range r.tips {
		tag, isTag := strings.CutPrefix(ref, "refs/tags/")
		if !isTag || strings.HasSuffix(tag, "^{}") {
			continue
		}
		version, err := semver.NewVersion(tag)
		if err != nil || !within.Check(version) {
			continue
		}
		if best == nil || version.GreaterThan(best) || version.Equal(best) && ref < name {
			best, name = version, ref
		}
	}
	if best == nil {
		return "", "", false
	}
	if peeled, annotated := r.tips[name+"^{}"]; annotated {
		return name, peeled, true
	}
	return name, r.tips[name], true
}

// tags returns the number of tags.
func (r hostRefs) tags() int {
	n := 0
	for ref := range r.tips {
		if strings.HasPrefix(ref, "refs/tags/") && !strings.HasSuffix(ref, "^{}") {
			n++
		}
	}
	return n
}
