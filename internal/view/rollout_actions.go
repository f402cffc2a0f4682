package view

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// Action is what a person may ask of a Rollout.
type Action struct {
	Name       string `json:"name" enum:"promote,promote-full,abort,retry,undo,pause,resume,restart,set-image"`
	Effect     string `json:"effect" doc:"what it will do, as a sentence"`
	EffectSaid *Said  `json:"effectSaid,omitempty" doc:"the template of the effect"`
	Enabled    bool   `json:"enabled"`
	Reason     string `json:"reason,omitempty" doc:"why it is not possible now"`
	ReasonSaid *Said  `json:"reasonSaid,omitempty" doc:"the template of the reason"`
}

// Denied returns an action that who asks has no right to.
func (a Action) Denied(why string) Action {
	a.Enabled, a.Reason, a.ReasonSaid = false, why, nil
	return a
}

// The names of actions on a Rollout.
const (
	Promote     = "promote"
	PromoteFull = "promote-full"
	Abort       = "abort"
	Retry       = "retry"
	Undo        = "undo"
	Pause       = "pause"
	Resume      = "resume"
	Restart     = "restart"
	SetImage    = "set-image"
)

// ActionsOf returns what may be asked of a Rollout now, with what each would do.
func ActionsOf(ro *v1alpha1.Rollout, d rollout.View) []Action {
	s := standing{Rollout: ro, active: cmp.Or(ro.Spec.Strategy.ActiveService(), unnamed), newest: unnamed, stable: unnamed, before: unnamed}
	for _, revision := range d.Revisions {
		for _, rs := range revision.ReplicaSets {
			s.kept++
			name := number(revision.Number)
			if rs.Hash == ro.Status.CurrentPodHash {
				s.newest = name
			}
			if rs.Hash == ro.Status.StableRS {
				s.stable = name
			}
			if s.kept == 2 {
				s.before = name
			}
		}
	}
	actions := make([]Action, 0, len(rules))
	for _, rule := range rules {
		effect := s.effect(rule.name)
		a := Action{Name: rule.name, Effect: effect.Text, EffectSaid: effect.Said}
		if why := cmp.Or(s.broken(rule.name), rule.not(s)); why != "" {
			reason := s.reason(why)
			a.Reason, a.ReasonSaid = reason.Text, reason.Said
		}
		a.Enabled = a.Reason == ""
		actions = append(actions, a)
	}
	return actions
}

// standing is where a Rollout stands, in the names that actions are told with.
type standing struct {
	*v1alpha1.Rollout
	active, newest, stable, before string
	// kept is the number of versions that are kept.
	kept int
}

// effect returns what an action does.
func (s standing) effect(action string) Sentence {
	tracked := unnamed
	if s.Annotations[v1alpha1.TrackingIDAnnotation] != "" {
		tracked = "tracked"
	}
	code := "effect." + action
	var args []string
	switch action {
	case Promote, PromoteFull:
		args = []string{"active", s.active, "newest", s.newest}
	case Abort:
		if hasSwitched(s.Rollout) {
			code += ".switched"
		}
		args = []string{"active", s.active, "newest", s.newest, "stable", s.stable}
	case Retry:
		args = []string{"newest", s.newest}
	case Undo:
		args = []string{"before", s.before, "tracked", tracked}
	case SetImage:
		args = []string{"tracked", tracked}
	}
	sentence := say(code, args...)
	sentence.Text = capitalised(sentence.Text)
	return sentence
}

// reason returns why an action is not possible.
func (s standing) reason(code string) Sentence {
	args := []string{"object", title(s.Rollout)}
	switch code {
	case "not.invalid":
		args = append(args, "cause", conditionOf(s.Rollout, v1alpha1.RolloutConditionInvalidSpec).Message)
	case "not.switched":
		args = append(args, "stable", s.stable)
	}
	return say(code, args...)
}

// broken returns why a Rollout that cannot be carried out takes no action; what changes its template may mend it.
func (s standing) broken(action string) string {
	switch {
	case s.DeletionTimestamp != nil:
		return "not.deleted"
	case conditionOf(s.Rollout, v1alpha1.RolloutConditionInvalidSpec) == nil, action == Undo, action == SetImage:
		return ""
	}
	return "not.invalid"
}

func (s standing) waits() bool { return s.Spec.Paused || len(s.Status.PauseConditions) > 0 }

// rules are the actions, in the order in which they are shown, and why each is not possible, if it is not.
var rules = []struct {
	name string
	not  func(standing) string
}{
	{Promote, func(s standing) string {
		switch {
		case s.Status.Abort:
			return "not.aborted"
		case !s.waits():
			return "not.waiting"
		}
		return ""
	}},
	{PromoteFull, func(s standing) string {
		switch {
		case s.Status.Abort:
			return "not.aborted"
		case !isUnderWay(s.Rollout):
			return "not.switched"
		}
		return ""
	}},
	{Abort, func(s standing) string {
		switch {
		case s.Status.Abort:
			return "not.again"
		case s.Status.StableRS == "":
			return "not.stable"
		case !isUnderWay(s.Rollout):
			return "not.underway"
		}
		return ""
	}},
	{Retry, func(s standing) string { return when(!s.Status.Abort, "not.retry") }},
	{Undo, func(s standing) string { return when(s.kept < 2, "not.earlier") }},
	{Pause, func(s standing) string { return when(s.Spec.Paused, "not.pause") }},
	{Resume, func(s standing) string { return when(!s.Spec.Paused, "not.resume") }},
	{Restart, func(s standing) string { return when(ptr.Deref(s.Spec.Replicas, 1) == 0, "not.pods") }},
	{SetImage, func(standing) string { return "" }},
}

// when returns a code where something holds.
func when(holds bool, code string) string {
	if holds {
		return code
	}
	return ""
}

func capitalised(text string) string {
	if text != "" && text[0] >= 'a' && text[0] <= 'z' {
		return string(text[0]-'a'+'A') + text[1:]
	}
	return text
}

// Earlier returns the ReplicaSet to go back to: that of a revision, or the one before the newest for 0.
func Earlier(name string, own []*appsv1.ReplicaSet, revision int64) (*appsv1.ReplicaSet, error) {
	own = slices.DeleteFunc(slices.Clone(own), func(rs *appsv1.ReplicaSet) bool { return rollout.Revision(rs) == 0 })
	slices.SortStableFunc(own, func(a, b *appsv1.ReplicaSet) int {
		return cmp.Or(cmp.Compare(rollout.Revision(b), rollout.Revision(a)), cmp.Compare(a.Name, b.Name))
	})
	if revision == 0 {
		if len(own) < 2 {
			return nil, &problem.Error{Kind: problem.Absent, Object: "Rollout " + name, Cause: "no earlier revision is kept", Remedy: "raise spec.revisionHistoryLimit to keep some"}
		}
		return own[1], nil
	}
	var there []string
	for _, rs := range own {
		if rollout.Revision(rs) == revision {
			return rs, nil
		}
		there = append(there, strconv.FormatInt(rollout.Revision(rs), 10))
	}
	return nil, &problem.Error{Kind: problem.Absent, Object: "Rollout " + name, Cause: fmt.Sprintf("revision %d not found", revision), Remedy: "there are: " + strings.Join(there, ", ")}
}

// ImagesFor returns which containers are to run an image: the one that is named, or those that run an image of the same
// name. have are the images of all containers.
func ImagesFor(name string, have map[string]string, container, image string) (map[string]string, error) {
	if container != "" {
		return map[string]string{container: image}, nil
	}
	images := map[string]string{}
	for c, runs := range have {
		if imageName(runs) == imageName(image) {
			images[c] = image
		}
	}
	switch {
	case len(images) > 0:
		return images, nil
	case len(have) == 1:
		return map[string]string{"*": image}, nil
	}
	return nil, &problem.Error{
		Kind: problem.Usage, Object: "Rollout " + name, Field: "container", Cause: "no container runs an image called " + imageName(image), Remedy: "name one of " + strings.Join(slices.Sorted(maps.Keys(have)), ", "),
	}
}

// imageName returns an image without tag and digest.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		image = image[:i]
	}
	return image
}
