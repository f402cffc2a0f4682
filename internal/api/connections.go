package api

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/utils/lru"

	"github.com/cyan-cd/cyan/internal/problem"
)

// connectionState is whether a cluster or a repository answers, and when it was asked.
type connectionState struct {
	Status      string     `json:"status" enum:"Successful,Failed,Unknown"`
	Message     string     `json:"message"`
	AttemptedAt *time.Time `json:"attemptedAt"`
}

// The bounds of looking whether repositories answer.
const (
	// looksAtOnce bounds those that are asked at a time, mostConnections those of which an answer is kept, and lookTimeout
	// how long one may take.
	looksAtOnce, mostConnections = 4, 5000
	lookTimeout                  = 20 * time.Second
	// lookHolds is how long an answer is believed, and nowHolds how long one is that is asked for as of now.
	lookHolds, nowHolds = 3 * time.Minute, 2 * time.Second
	// lookPatience is how long a call waits for an answer that it does not insist on.
	lookPatience = 3 * time.Second
)

// connections are the answers of repositories, each asked by one at a time.
type connections struct {
	reach func(ctx context.Context, project, repo string) error
	slots chan struct{}
	mu    sync.Mutex
	of    *lru.Cache
}

// connection is the last answer of a repository.
type connection struct {
	state connectionState
	// asking is closed when the one who asks has an answer; nil while nobody asks.
	asking chan struct{}
}

func newConnections(reach func(ctx context.Context, project, repo string) error) *connections {
	return &connections{reach: reach, slots: make(chan struct{}, looksAtOnce), of: lru.New(mostConnections)}
}

// errLooks is why nobody waits any longer.
var errLooks = errors.New("being asked; look again in a moment")

// known returns the last answer that a repository gave by what opens it, which key names.
func (c *connections) known(key string) connectionState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at(key).state
}

// at returns what is kept of a repository. The caller holds the lock.
func (c *connections) at(key string) *connection {
	if known, ok := c.of.Get(key); ok {
		return known.(*connection) //nolint:forcetypeassert // nothing else is kept
	}
	fresh := &connection{state: connectionState{Status: "Unknown"}}
	c.of.Add(key, fresh)
	return fresh
}

// ask returns an answer that is not older than holds, as far as one comes while ctx lasts, and else the one before.
func (c *connections) ask(ctx context.Context, key, project, repo string, holds time.Duration) connectionState {
	if c.reach == nil {
		return connectionState{Status: "Unknown", Message: "no repositories are read here"}
	}
	c.mu.Lock()
	one := c.at(key)
	if at := one.state.AttemptedAt; at != nil && time.Since(*at) < holds {
		defer c.mu.Unlock()
		return one.state
	}
	if one.asking == nil {
		one.asking = make(chan struct{})
		go c.look(context.WithoutCancel(ctx), one, project, repo)
	}
	asking := one.asking
	c.mu.Unlock()
	select {
	case <-asking:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if one.state.AttemptedAt == nil {
		return connectionState{Status: "Unknown", Message: errLooks.Error()}
	}
	return one.state
}

// look asks a repository, once one of those that are asked has answered.
func (c *connections) look(ctx context.Context, one *connection, project, repo string) {
	c.slots <- struct{}{}
	defer func() { <-c.slots }()
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	err := c.reach(ctx, project, repo)
	now := time.Now().UTC()
	state := connectionState{Status: "Successful", AttemptedAt: &now}
	if err != nil {
		state.Status, state.Message = "Failed", causeOf(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	one.state = state
	close(one.asking)
	one.asking = nil
}

// causeOf returns an error as people read it. What nothing is known of is told in general.
func causeOf(err error) string {
	switch p := problem.Of(err); {
	case p != nil:
		return p.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in " + lookTimeout.String()
	}
	return shown(err).Text
}
