package source

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// Names are the branches and tags of a repository, sorted.
type Names struct{ Branches, Tags []string }

// namesTrust is how old an answer of the host may be of which names are listed.
const namesTrust = 15 * time.Second

// Names returns the branches and tags that a host has.
func (m *Mirrors) Names(ctx context.Context, repo Repository) (Names, error) {
	r, err := m.remote(repo)
	if err != nil {
		return Names{}, err
	}
	refs, err := r.listRefs(ctx, askedSince(time.Now().Add(-namesTrust)))
	if err != nil {
		return Names{}, err
	}
	return refs.names(), nil
}

func (r hostRefs) names() Names {
	var n Names
	for _, ref := range slices.Sorted(maps.Keys(r.tips)) {
		if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			n.Branches = append(n.Branches, branch)
		}
		if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok && !strings.HasSuffix(tag, "^{}") {
			n.Tags = append(n.Tags, tag)
		}
	}
	return n
}
