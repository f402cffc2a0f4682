package decide

import "slices"

// Commands is what is known of the project's commands that ran on this machine.
type Commands struct {
	// Ran is when they ran, as far as that is remembered.
	Ran []Window
	// Edited are files that have changed while none of them ran.
	Edited map[string]bool
}

// Wrote reports whether a change may be what a command did. A file that nobody else has changed and that is gone may
// have been removed by one.
func (k Commands) Wrote(c Change) bool {
	if c.Gone {
		return len(k.Ran) > 0 && !k.Edited[c.Path]
	}
	for _, w := range k.Ran {
		if w.holds(c) {
			return true
		}
	}
	return false
}

// Again is how often something was done, one time after the other, for files that commands may have written when it was
// done the time before.
type Again struct {
	Times int
	// Seen is how often each file was among them.
	Seen map[string]int
}

const (
	// mostSeen is how often something is done for such a file that is among them each time: somebody may have saved it
	// while a command ran.
	mostSeen = 2
	// mostTimes bounds that for files of which each time others are among them, and for those that somebody edits as well.
	mostTimes = 5
)

// writes reports whether commands write a file each time.
func (k Commands) writes(a Again, file string) bool {
	return a.Seen[file] > mostSeen && !k.Edited[file]
}

// judge decides whether something is done for changes. It returns what is known from then on, and the files that it is
// not done for any more.
func (k Commands) judge(a Again, changes []Change) (do bool, next Again, spared []string) {
	next = Again{Times: a.Times + 1, Seen: map[string]int{}}
	for file, times := range a.Seen {
		if times > mostSeen {
			next.Seen[file] = times
		}
	}
	if slices.ContainsFunc(changes, func(c Change) bool { return !k.Wrote(c) }) {
		next.Times = 0
		return true, next, nil
	}
	ends := true
	for _, c := range changes {
		next.Seen[c.Path] = a.Seen[c.Path] + 1
		ends = ends && k.writes(next, c.Path)
		spared = append(spared, c.Path)
	}
	switch {
	case len(changes) == 0:
		return false, a, nil
	case !ends && a.Times < mostTimes:
		return true, next, nil
	}
	next.Times = a.Times
	return false, next, spared
}
