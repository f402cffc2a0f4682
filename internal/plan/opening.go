package plan

// Opening returns the task that a sync begins with, where that is one new object alone: what refuses it does so before
// anything is changed, so that it is its own dry run once everything else was tried.
func (p Plan) Opening(seen Progress) (ID, bool) {
	if len(seen.Results) > 0 || seen.Terminate {
		return ID{}, false
	}
	seen.Tried, seen.Refused = true, nil
	step := p.Next(seen)
	if len(step.Actions) == 0 || len(step.Results) > 0 {
		return ID{}, false
	}
	first := step.Actions[0]
	if first.Do != DoApply || first.Task.Live != nil || len(step.Actions) > 1 && step.Actions[1].isBesides(first) {
		return ID{}, false
	}
	return first.Task.ID(), true
}

// isBesides reports whether an action is carried out at the same time as another of its step: kinds follow each other.
func (a Action) isBesides(other Action) bool {
	return a.Do == other.Do && a.Task.GVK().GroupKind() == other.Task.GVK().GroupKind()
}

// Batch returns the actions at the beginning of a step that are carried out at the same time, and those that follow:
// namespaces and definitions come before what lives on them.
func Batch(actions []Action) (now, then []Action) {
	n := 0
	for n < len(actions) && actions[n].isBesides(actions[0]) {
		n++
	}
	return actions[:n], actions[n:]
}
