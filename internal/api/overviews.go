package api

import (
	"context"
	"encoding/json"
	"time"

	"k8s.io/utils/lru"
)

// mostOverviews bounds the overviews that are kept for others.
const mostOverviews = 256

// overviews are those of readers who have the same rights, each made once for all of them.
type overviews struct{ of *lru.Cache }

func newOverviews() *overviews { return &overviews{lru.New(mostOverviews)} }

// shared is the overview of who has certain rights.
type shared struct {
	// turn has a value while somebody looks at it, who may make it anew.
	turn chan struct{}
	sharedOverview
}

// sharedOverview is an overview as it was made, with the number of the last change that it shows.
type sharedOverview struct {
	text json.RawMessage
	at   uint64
	made time.Time
}

// current returns an overview that is no older than two of a stream are apart.
func (o *overviews) current(ctx context.Context, s viewed, c *caller) (sharedOverview, error) {
	known, ok := o.of.Get(c.version)
	if !ok {
		// Where two come here at once, one of them is made for nothing.
		known = &shared{turn: make(chan struct{}, 1)}
		o.of.Add(c.version, known)
	}
	kept := known.(*shared) //nolint:forcetypeassert // there is nothing else
	select {
	case kept.turn <- struct{}{}:
	case <-ctx.Done():
		return sharedOverview{}, ctx.Err()
	}
	defer func() { <-kept.turn }()
	now := time.Now()
	if kept.text != nil && now.Sub(kept.made) < overviewEvery {
		return kept.sharedOverview, nil
	}
	made := sharedOverview{at: s.Feed.lastNumber(), made: now}
	overview, err := s.overviewFor(ctx, c)
	if err != nil {
		return made, err
	}
	if made.text, err = json.Marshal(overview); err == nil {
		kept.sharedOverview = made
	}
	return made, err
}
