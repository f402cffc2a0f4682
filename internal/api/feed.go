package api

import (
	"crypto/rand"
	"strconv"
	"strings"
	"sync"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/view"
)

// feedSize is the number of changes that are remembered: streams that were cut off for longer begin anew.
const feedSize = 16384

// subject is what a change is of.
type subject struct {
	kind            subjectKind
	namespace, name string
}

type subjectKind uint8

const (
	ofApplication subjectKind = iota
	ofRollout
	ofCluster
)

// change is that something has changed: what it is by now is read when somebody is told. It is small, so that many are
// remembered, and whoever reads slowly costs nothing but his place.
type change struct {
	subject
	// project is that of an Application before the change; empty for a new one.
	project string
}

// Feed knows what has changed, in order, for all streams.
type Feed struct {
	// Pace is how often streams do what.
	Pace Pace
	// run distinguishes this run of the program from others.
	run   string
	ended chan struct{}
	end   sync.Once

	mu      sync.Mutex
	ring    [feedSize]change
	last    uint64
	waiting map[chan struct{}]struct{}
	cluster view.Reachability
}

// NewFeed returns a feed in which nothing has changed.
func NewFeed() *Feed {
	return &Feed{run: rand.Text()[:8], ended: make(chan struct{}), waiting: map[chan struct{}]struct{}{}, cluster: view.Reachability{Reachable: true}}
}

// End ends all streams, for good.
func (f *Feed) End() { f.end.Do(func() { close(f.ended) }) }

// Application takes down that an Application has changed; before is nil for a new one.
func (f *Feed) Application(before, after *v1alpha1.Application) {
	c := change{}
	if after != nil {
		c.subject = subject{ofApplication, after.Namespace, after.Name}
	}
	if before != nil {
		c.subject, c.project = subject{ofApplication, before.Namespace, before.Name}, before.Spec.Project
	}
	f.add(c)
}

// Rollout takes down that a Rollout, or something of it, has changed.
func (f *Feed) Rollout(namespace, name string) {
	f.add(change{subject: subject{ofRollout, namespace, name}})
}

// Reached takes down whether the cluster answers.
func (f *Feed) Reached(r view.Reachability) {
	f.mu.Lock()
	same := f.cluster == r
	f.cluster = r
	f.mu.Unlock()
	if !same {
		f.add(change{subject: subject{kind: ofCluster}})
	}
}

// Cluster returns whether the cluster answers.
func (f *Feed) Cluster() view.Reachability {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cluster
}

func (f *Feed) add(c change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	f.ring[f.last%feedSize] = c
	for w := range f.waiting {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// IsRead reports whether anybody reads a stream.
func (f *Feed) IsRead() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiting) > 0
}

// lastNumber returns the number of the last change.
func (f *Feed) lastNumber() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

// position returns the id of a place for who has rights of a version: what was shown by others is no place to go on
// from.
func (f *Feed) position(at uint64, version string) string {
	return f.run + "-" + strconv.FormatUint(at, 10) + "-" + version
}

// find returns the number of a position, and the version of the rights; false for one of another run, or of none.
func (f *Feed) find(position string) (at uint64, version string, known bool) {
	run, rest, _ := strings.Cut(position, "-")
	number, version, _ := strings.Cut(rest, "-")
	at, err := strconv.ParseUint(number, 10, 64)
	return at, version, err == nil && run == f.run && at <= f.lastNumber()
}

// since returns the changes after a number, oldest first, and the number of the last; false when some of them are not
// remembered any more.
func (f *Feed) since(at uint64) (changes []change, last uint64, whole bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last-at > feedSize {
		return nil, f.last, false
	}
	for n := at + 1; n <= f.last; n++ {
		changes = append(changes, f.ring[n%feedSize])
	}
	return changes, f.last, true
}

// wait returns a channel that has a value when something was added since it was last received from, until it is left.
func (f *Feed) wait() (added <-chan struct{}, leave func()) {
	w := make(chan struct{}, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting[w] = struct{}{}
	return w, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.waiting, w)
	}
}
