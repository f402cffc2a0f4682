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
	Name    string `json:"name" enum:"promote,promote-full,abort,retry,undo,pause,resume,restart,set-image"`
	Effect  string `json:"effect" doc:"what it will do, as a sentence"`
	Enabled bool   `json:"enabled"`
	Reason  string `json:"reason,omitempty" doc:"why it is not possible now"`
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
	s := standing{Rollout: ro, active: "the active Service", newest: "the new version", stable: "the stable version"}
	if name := ro.Spec.Strategy.ActiveService(); name != "" {
		s.active = "Service " + name
	}
	for _, revision := range d.Revisions {
		for _, rs := range revision.ReplicaSets {
			s.kept++
			name := fmt.Sprintf("revision %d", revision.Number)
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
		a := Action{Name: rule.name, Effect: rule.effect(s)}
		if why := cmp.Or(s.broken(rule.name), rule.not(s)); why != "" {
			a.Reason = title(ro) + ": " + why
		}
		a.Enabled = a.Reason == ""
		actions = append(actions, a)
	}
	return actions
}

// standing is where a Rollout stands, in the words of actions.
type standing struct {
	*v1alpha1.Rollout
	active, newest, stable, before string
	// kept is the number of versions that are kept.
	kept int
}

// broken returns why a Rollout that cannot be carried out takes no action; what changes its template may mend it.
func (s standing) broken(action string) string {
	c := conditionOf(s.Rollout, v1alpha1.RolloutConditionInvalidSpec)
	switch {
	case s.DeletionTimestamp != nil:
		return "being deleted"
	case c == nil, action == Undo, action == SetImage:
		return ""
	}
	return "not carried out: " + shortened(c.Message)
}

func (s standing) waits() bool { return s.Spec.Paused || len(s.Status.PauseConditions) > 0 }

// rules are the actions, in the order in which they are shown: what each does, and why it is not possible, if it is
// not.
var rules = []struct {
	name   string
	effect func(standing) string
	not    func(standing) string
}{
	{Promote, func(s standing) string {
		return sentenceOf("%s is switched to %s as soon as all its pods are available.", s.active, s.newest)
	}, func(s standing) string {
		switch {
		case s.Status.Abort:
			return "aborted; retry it first"
		case !s.waits():
			return "not waiting for a promotion"
		}
		return ""
	}},
	{PromoteFull, func(s standing) string {
		return sentenceOf("%s is switched to %s without waiting for pauses and analyses; its pods have to be available all the same.", s.active, s.newest)
	}, func(s standing) string {
		switch {
		case s.Status.Abort:
			return "aborted; retry it first"
		case !isUnderWay(s.Rollout):
			return s.stable + " has all the traffic already"
		}
		return ""
	}},
	{Abort, func(s standing) string {
		if hasSwitched(s.Rollout) {
			return sentenceOf("%s goes back to %s as soon as that has all its pods; %s is scaled down.", s.active, s.stable, s.newest)
		}
		return sentenceOf("%s stays with %s; %s is scaled down.", s.active, s.stable, s.newest)
	}, func(s standing) string {
		switch {
		case s.Status.Abort:
			return "aborted already"
		case s.Status.StableRS == "":
			return "no stable version to go back to yet"
		case !isUnderWay(s.Rollout):
			return "nothing is on its way"
		}
		return ""
	}},
	{Retry, func(s standing) string {
		return sentenceOf("%s is tried again from the beginning, through all its gates.", s.newest)
	}, func(s standing) string {
		if !s.Status.Abort {
			return "not aborted: there is nothing to try again"
		}
		return ""
	}},
	{Undo, func(s standing) string {
		return sentenceOf("The pods of %s come back as a new version, which is rolled out as any other%s.", cmp.Or(s.before, "the version before"), s.untilSync())
	}, func(s standing) string {
		if s.kept < 2 {
			return "no earlier revision is kept; raise spec.revisionHistoryLimit to keep some"
		}
		return ""
	}},
	{Pause, func(s standing) string {
		return sentenceOf("It stops where it is, until it is resumed or promoted; what takes the traffic keeps it.")
	}, func(s standing) string {
		if s.Spec.Paused {
			return "paused already"
		}
		return ""
	}},
	{Resume, func(s standing) string {
		return sentenceOf("It goes on from where it was paused; a wait for a promotion goes on too.")
	}, func(s standing) string {
		if !s.Spec.Paused {
			return "not paused by spec.paused"
		}
		return ""
	}},
	{Restart, func(s standing) string {
		return sentenceOf("All pods of all versions are replaced, a few at a time, so that the rest take the requests.")
	}, func(s standing) string {
		if ptr.Deref(s.Spec.Replicas, 1) == 0 {
			return "scaled to 0: there are no pods"
		}
		return ""
	}},
	{SetImage, func(s standing) string {
		return sentenceOf("A new version with the image is rolled out%s.", s.untilSync())
	}, func(s standing) string { return "" }},
}

// untilSync is what an action is followed by that changes what git has.
func (s standing) untilSync() string {
	if s.Annotations[v1alpha1.TrackingIDAnnotation] == "" {
		return ""
	}
	return "; its Application brings back what git has with the next sync"
}

func sentenceOf(format string, args ...any) string {
	text := fmt.Sprintf(format, args...)
	if text[0] >= 'a' && text[0] <= 'z' {
		return string(text[0]-'a'+'A') + text[1:]
	}
	return text
}

// Earlier returns the ReplicaSet to go back to: that of a revision, or the one before the newest for 0.
func Earlier(name string, own []*appsv1.ReplicaSet, revision int64) (*appsv1.ReplicaSet, error) {
	own = slices.DeleteFunc(slices.Clone(own), func(rs *appsv1.ReplicaSet) bool { return rollout.Revision(rs) == 0 })
	slices.SortStableFunc(own, func(a, b *appsv1.ReplicaSet) int { return cmp.Compare(rollout.Revision(b), rollout.Revision(a)) })
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
