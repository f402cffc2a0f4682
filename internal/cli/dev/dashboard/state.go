// Package dashboard is what a dev loop looks like on a terminal. Its state is a value that messages change and that a
// screen is drawn of: it has no clock, no terminal and no loop.
package dashboard

import (
	"time"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/devloop"
)

// State is what a dashboard shows.
type State struct {
	theme         term.Theme
	width, height int
	now           time.Time

	title   string
	round   int
	changed string
	begun   time.Time
	// going is set while a round goes on.
	going    bool
	images   []row
	deploy   step
	ready    step
	troubles []trouble
	forwards []forward
	debugged []debugged
	log      stream
	mode     mode
	// whole shows what is wrong in full, in place of the logs.
	whole  bool
	ending bool
}

// mode is what keys mean.
type mode int

const (
	watching mode = iota
	typing        // A text to filter by.
	helping
	settings // Those of editors.
)

// row is an image on its way.
type row struct {
	image string
	step
}

// step is a part of a round.
type step struct {
	phase        phase
	began        time.Time
	took, pushed time.Duration
	text         string
}

type phase int

const (
	unknown phase = iota
	busy
	done
	failed
	stale // It was done in a round before.
)

// trouble is what is wrong until something shows that it is not any more.
type trouble struct {
	// of is what it is about: an image, or one of the constants below.
	of    string
	round int
	title string
	text  string
	links []Link
}

// What troubles are about beside images, whose names have no blanks.
const (
	ofManifests = "the manifests"
	ofDeploy    = "the deployment"
	ofPods      = "the pods"
	ofSync      = "the sync"
)

// forward is a port of this machine.
type forward struct{ address, text string }

// debugged is a program that a debugger can connect to.
type debugged struct{ image, address, settings string }

// New returns the state before anything has happened.
func New(theme term.Theme, width, height int, now time.Time) State {
	return State{theme: theme, width: width, height: height, now: now, log: newStream()}
}

// Message is what changes a state: a Seen, a Tick, a Key, a Size or an Ending.
type Message interface{ change(s State) (State, Effect) }

// Seen is an event of the loop. Links are the files that its text names.
type Seen struct {
	Event devloop.Event
	At    time.Time
	Links []Link
}

// Link is a part of a text, in bytes, that leads to an address.
type Link struct {
	From, To int
	Address  string
}

// Tick is that time has passed.
type Tick time.Time

// Size is that of the terminal, in cells.
type Size struct{ Width, Height int }

// Ending is that the loop has been asked to end.
type Ending struct{}

// Effect is what a key asks for beside what it changes; the zero value is nothing.
type Effect struct {
	Do      Action
	Command devloop.Command
	Address string
}

// Action is what an Effect is.
type Action string

// The actions.
const (
	// Ask passes Command on to the loop.
	Ask Action = "ask"
	// Open shows Address in a browser.
	Open Action = "open"
	// End has the loop end, and Abandon the program at once, whatever is left.
	End     Action = "end"
	Abandon Action = "abandon"
	// Suspend is the job control of shells.
	Suspend Action = "suspend"
)

// Update returns the state after a message, and what it asks for.
func (s State) Update(m Message) (State, Effect) { return m.change(s) }

// Busy reports whether what is shown changes as time passes.
func (s State) Busy() bool {
	if s.ending {
		return false
	}
	for _, r := range s.images {
		if r.phase == busy {
			return true
		}
	}
	return s.going || s.deploy.phase == busy || s.ready.phase == busy
}

func (t Tick) change(s State) (State, Effect) { //nolint:unparam // as all messages have it
	s.now = time.Time(t)
	return s, Effect{}
}

func (z Size) change(s State) (State, Effect) { //nolint:unparam // as all messages have it
	s.width, s.height = z.Width, z.Height
	return s, Effect{}
}

func (Ending) change(s State) (State, Effect) { //nolint:unparam // as all messages have it
	s.ending = true
	return s, Effect{}
}
