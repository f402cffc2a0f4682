package dashboard

import (
	"slices"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/devloop"
)

// change is what an event of the loop changes. What a state holds is replaced, so that states before it stay.
func (m Seen) change(s State) (State, Effect) { //nolint:unparam // as all messages have it
	s.now = m.At
	e := m.Event
	switch e.Kind {
	case devloop.Log, devloop.Output, devloop.Note:
		s.log = s.log.add(lineOf(e))
	case devloop.Began:
		s.title = inLine(e.Text)
	case devloop.Forwarded:
		s.forwards = append(slices.Clone(s.forwards), forward{e.Address, inLine(e.Text)})
	case devloop.Debugging:
		s.debugged = append(slices.DeleteFunc(slices.Clone(s.debugged), func(d debugged) bool { return d.image == e.Artifact }), debugged{inLine(e.Artifact), e.Address, e.Text})
	case devloop.Changed:
		s = s.beginRound(m)
	case devloop.Idle:
		s = s.endRound(m)
	default:
		s = s.progress(m)
	}
	return s, Effect{}
}

// lineOf returns the line of the log that an event is.
func lineOf(e devloop.Event) line {
	l := line{from: fromPod, label: e.Container + " " + e.Pod[strings.LastIndex(e.Pod, "-")+1:], key: e.Container, text: term.Unstyled(e.Text), old: e.Old}
	switch e.Kind {
	case devloop.Output:
		l = line{from: fromBuild, label: "build " + e.Artifact[strings.LastIndex(e.Artifact, "/")+1:], text: term.Unstyled(e.Text)}
	case devloop.Note:
		l = line{from: fromLoop, text: "· " + inLine(e.Text)}
	}
	l.label = inLine(l.label)
	return l
}

// inLine returns foreign text as it may be shown in one line.
func inLine(text string) string { return strings.ReplaceAll(term.Unstyled(text), "\n", " ") }

// beginRound makes what was done before stale.
func (s State) beginRound(m Seen) State {
	s.going = true
	s.round, s.changed, s.begun = m.Event.Round, inLine(m.Event.Text), m.At
	s.images = slices.Clone(s.images)
	for i := range s.images {
		s.images[i].step = s.images[i].older()
	}
	s.deploy, s.ready = s.deploy.older(), s.ready.older()
	if s.changed != "" {
		s.log = s.log.add(line{from: fromRound, text: "● " + s.changed})
	}
	return s
}

func (p step) older() step {
	if p.phase == done {
		p.phase = stale
	}
	return p
}

// endRound drops what a round before has found wrong, where this one has not found it again.
func (s State) endRound(m Seen) State {
	s.going = false
	s.troubles = slices.DeleteFunc(slices.Clone(s.troubles), func(t trouble) bool {
		return t.round < m.Event.Round && (t.of == ofManifests || t.of == ofDeploy || t.of == ofSync)
	})
	return s
}

// progress is how far a step of the round is.
func (s State) progress(m Seen) State {
	e := m.Event
	switch e.Kind {
	case devloop.Building:
		return s.image(e.Artifact, step{phase: busy, began: s.imageOf(e.Artifact).since(m), text: inLine(e.Text)})
	case devloop.Built:
		s = s.without(e.Artifact, ofManifests)
		return s.image(e.Artifact, step{phase: done, took: e.Took, pushed: e.Pushed, text: inLine(e.Text)})
	case devloop.BuildFailed:
		s = s.image(e.Artifact, step{phase: failed, took: e.Took, text: "does not build"})
		return s.wrong(m, e.Artifact, inLine(e.Artifact)+" does not build")
	case devloop.Refused:
		return s.wrong(m, ofManifests, "nothing is built or deployed")
	case devloop.Deployed:
		s = s.without(ofManifests, ofDeploy, ofPods)
		s.deploy, s.ready = step{phase: done, took: e.Took, text: inLine(e.Text)}, step{phase: busy, began: m.At}
	case devloop.DeployFailed:
		s.deploy = step{phase: failed, took: e.Took, text: "what ran before goes on"}
		return s.wrong(m, ofDeploy, "not deployed")
	case devloop.Synced:
		s = s.without(ofSync)
		s.deploy = step{phase: done, took: e.Took, text: inLine(e.Text)}
	case devloop.SyncFailed:
		return s.wrong(m, ofSync, "files are not copied")
	case devloop.Removed:
		s.log = s.log.add(line{from: fromLoop, text: "· " + inLine(e.Text)})
	default:
		return s.followed(m)
	}
	return s
}

// followed is what becomes of the pods of a round.
func (s State) followed(m Seen) State {
	switch e := m.Event; e.Kind {
	case devloop.Waiting:
		s.ready = step{phase: busy, began: s.ready.since(m), text: inLine(e.Text)}
	case devloop.Ready:
		s = s.without(ofPods)
		after := "the save"
		switch {
		case e.Round == 1:
			after = "the start"
		case s.changed == string(devloop.Rebuild) || s.changed == string(devloop.Restart):
			after = "the key"
		}
		s.ready = step{phase: done, took: e.Took, text: seconds(e.Total) + " after " + after}
	case devloop.NotReady:
		s.ready = step{phase: failed, took: e.Took, text: "what ran before goes on"}
		return s.wrong(m, ofPods, "not ready")
	}
	return s
}

// since returns when a step has begun that an event is about.
func (p step) since(m Seen) time.Time {
	if p.phase == busy {
		return p.began
	}
	return m.At
}

// imageOf returns how far an image is.
func (s State) imageOf(name string) step {
	for _, r := range s.images {
		if r.image == inLine(name) {
			return r.step
		}
	}
	return step{}
}

// image sets how far an image is; one that was not known is added.
func (s State) image(name string, to step) State {
	name = inLine(name)
	s.images = slices.Clone(s.images)
	for i := range s.images {
		if s.images[i].image == name {
			s.images[i].step = to
			return s
		}
	}
	s.images = append(s.images, row{name, to})
	return s
}

// wrong notes what is wrong, in place of what was wrong with the same before.
func (s State) wrong(m Seen, of, title string) State {
	text := strings.TrimRight(m.Event.Text, "\n")
	s.troubles = append(slices.DeleteFunc(slices.Clone(s.troubles), func(t trouble) bool { return t.of == of }), trouble{of: of, round: m.Event.Round, title: title, text: text, links: m.Links})
	s.log = s.log.add(line{from: fromTrouble, text: "✗ " + title})
	return s
}

// without drops what was wrong.
func (s State) without(of ...string) State {
	s.troubles = slices.DeleteFunc(slices.Clone(s.troubles), func(t trouble) bool { return slices.Contains(of, t.of) })
	return s
}
