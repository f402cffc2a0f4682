package rollout_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

var instant = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// text puts versions in the place of names and hashes of ReplicaSets, and the time since the story began in the place
// of times.
func (c *cluster) text(s string) string {
	for _, hash := range slices.Sorted(maps.Keys(c.versions)) {
		if hash == "" {
			continue
		}
		version := c.version(hash)
		s = strings.ReplaceAll(s, c.rollout.Name+"-"+hash, version)
		s = strings.ReplaceAll(s, hash, version)
	}
	return instant.ReplaceAllStringFunc(s, func(at string) string {
		t, err := time.Parse(time.RFC3339, at)
		if err != nil {
			return at
		}
		return since(t)
	})
}

// since is a time as a story writes it.
func since(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return fmt.Sprint(t.Sub(began))
}
