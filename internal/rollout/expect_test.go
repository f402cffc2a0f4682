package rollout_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
	"github.com/cyan-cd/cyan/internal/rollout/strategy"
)

// expect compares what a line expects with what is, and returns the difference.
func (s *story) expect(what string, args, block []string) string {
	want := strings.Join(args, " ")
	var got string
	switch what {
	case "actions", "events", "view", "steps":
		return s.expectBlock(what, args, block)
	case "active", "preview", "stable", "current", "switch", "converged", "revision", "sizes", "sets", "pods", "completed":
		got = s.versionFact(what, args)
		if what == "sizes" || what == "pods" || what == "sets" {
			want = strings.Join(slices.Sorted(slices.Values(args)), " ")
		}
	case "phase":
		got = strings.TrimSpace(string(s.rollout.Status.Phase) + " " + s.text(s.rollout.Status.Message))
	case "condition":
		got = s.condition(args[0], min(len(args), 4))
	case "event":
		return s.expectEvent(want)
	case "requeue":
		got = since(s.requeueAt)
	case "held":
		got = s.held
	case "collisions":
		got = "none"
		if n := s.rollout.Status.CollisionCount; n != nil {
			got = fmt.Sprint(*n)
		}
	case "rs", "pod", "service", "rollout", "status", "workload":
		got = s.field(what, args)
	default:
		return "unknown expectation " + what
	}
	if beginning, ok := strings.CutSuffix(want, "…"); ok && strings.HasPrefix(got, beginning) {
		return ""
	}
	return difference(got, want)
}

func difference(got, want string) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("got  %s\nwant %s", got, want)
}

// versionFact is what a version is to the Rollout, or how many pods it has.
func (s *story) versionFact(what string, args []string) string {
	status := s.rollout.Status
	selected := func(name string) string {
		if s.services[name] == nil {
			return "missing"
		}
		return s.version(rollout.PodHash(s.services[name].Spec.Selector))
	}
	switch what {
	case "active", "preview":
		return selected(what)
	case "stable":
		return s.version(status.StableRS)
	case "current":
		return s.version(status.CurrentPodHash)
	case "switch":
		if status.BlueGreen.Switch == nil {
			return "none"
		}
		return s.version(status.BlueGreen.Switch.From) + "->" + s.version(status.BlueGreen.Switch.To)
	case "converged":
		if last := status.BlueGreen.Switch; last != nil && last.ConvergedAt != nil {
			return since(last.ConvergedAt.Time)
		}
		return "none"
	case "revision":
		rs := s.replicaSet(s.hash(args[0]))
		if rs == nil {
			return "none"
		}
		return fmt.Sprint(args[0], " ", rollout.Revision(rs))
	case "completed":
		return s.completed.Truncate(time.Second).String()
	}
	return s.counts(what)
}

// counts are the pods of every version that has some, the sizes of the ReplicaSets, or the versions that have one.
func (s *story) counts(what string) string {
	counts := map[string]int{}
	if what == "pods" {
		for _, pod := range s.pods {
			counts[tag(pod.Spec)]++
		}
	} else {
		for _, rs := range s.replicaSets {
			counts[s.version(rollout.PodHash(rs.Labels))] += int(*rs.Spec.Replicas)
		}
	}
	var parts []string
	for _, version := range slices.Sorted(maps.Keys(counts)) {
		if what == "sets" {
			parts = append(parts, version)
		} else {
			parts = append(parts, fmt.Sprintf("%s=%d", version, counts[version]))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, " ")
}

// condition is a condition with as many of its words as a line asks for: type, status, reason, message.
func (s *story) condition(kind string, words int) string {
	for _, c := range s.rollout.Status.Conditions {
		if c.Type == v1alpha1.RolloutConditionType(kind) {
			all := []string{kind, string(c.Status), c.Reason, s.text(c.Message)}
			return strings.Join(all[:words], " ")
		}
	}
	return kind + " none"
}

// expectEvent looks for an event, by its reason or by reason and text, among those that no line has spoken of.
func (s *story) expectEvent(want string) string {
	var all []string
	for _, e := range s.events[s.seenEvents:] {
		if want == e.Reason || want == e.Reason+" "+e.Message || want == e.Type+" "+e.Reason+" "+e.Message {
			return ""
		}
		all = append(all, e.Type+" "+e.Reason+" "+e.Message)
	}
	return fmt.Sprintf("got  events\n  %s\nwant %s", strings.Join(all, "\n  "), want)
}

// expectBlock compares several lines. Actions and events are those since the last command or the last line that asked
// for them.
func (s *story) expectBlock(what string, args, block []string) string {
	var got []string
	switch what {
	case "actions":
		got = s.actions[s.seenActions:]
		s.seenActions = len(s.actions)
	case "events":
		for _, e := range s.events[s.seenEvents:] {
			got = append(got, e.Reason)
		}
		s.seenEvents = len(s.events)
		got, block = []string{strings.Join(got, " ")}, []string{strings.Join(append(args, block...), " ")}
		if got[0] == "" {
			got[0] = "none"
		}
	case "view":
		got = s.describeView(s.view())
	case "steps":
		got = s.describeSteps(s.view().Steps)
	}
	if len(got) == 0 && len(args) == 1 && args[0] == "none" {
		return ""
	}
	return difference("\n  "+strings.Join(got, "\n  "), "\n  "+strings.Join(block, "\n  "))
}

// field is the value at a JSON pointer (RFC 6901) into an object, or none.
func (s *story) field(what string, args []string) string {
	var object any
	var named []string
	switch what {
	case "rollout":
		object = s.rollout
	case "status":
		object = s.rollout.Status
	case "workload":
		return fmt.Sprint(*s.workloadSize())
	default:
		named, args = args[:1], args[1:]
		object = s.object(what, named[0])
	}
	return strings.Join(append(named, args[0], s.text(at(object, args[0]))), " ")
}

func (s *story) workloadSize() *int32 {
	if s.workload == nil || s.workload.replicas == nil {
		return new(int32(-1))
	}
	return s.workload.replicas
}

func (s *story) object(what, name string) any {
	switch what {
	case "rs":
		return s.replicaSet(s.hash(name))
	case "service":
		return s.services[name]
	}
	for _, pod := range s.pods {
		if tag(pod.Spec) == name {
			return pod
		}
	}
	return nil
}

func at(o any, pointer string) string {
	data, err := json.Marshal(o)
	if err != nil {
		return err.Error()
	}
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return err.Error()
	}
	for _, part := range strings.Split(pointer, "/")[1:] {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch v := value.(type) {
		case map[string]any:
			value = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(v) {
				return "none"
			}
			value = v[i]
		default:
			return "none"
		}
	}
	switch v := value.(type) {
	case nil:
		return "none"
	case map[string]any, []any:
		data, _ := json.Marshal(v)
		return string(data)
	}
	return fmt.Sprint(value)
}

func (s *story) view() rollout.View {
	return strategy.Describe(s.rollout, s.replicaSets, s.pods, slices.Collect(maps.Values(s.services)), s.now)
}

// describeView is a view in a few lines, without what differs from run to run.
func (s *story) describeView(v rollout.View) []string {
	lines := []string{
		strings.TrimSpace(fmt.Sprintf("%s %s %s", v.Strategy, v.Phase, s.text(v.Message))),
		fmt.Sprintf("desired=%d current=%d updated=%d ready=%d available=%d outdated=%v", v.Replicas.Desired, v.Replicas.Current, v.Replicas.Updated, v.Replicas.Ready, v.Replicas.Available, v.Outdated),
	}
	for _, service := range v.Services {
		lines = append(lines, fmt.Sprintf("%s service %s %s revision=%d missing=%v", service.Role, service.Name, s.version(service.Hash), service.Revision, service.Missing))
	}
	for _, image := range v.Images {
		lines = append(lines, fmt.Sprintf("image %s %v", image.Image, image.Tags))
	}
	for _, revision := range v.Revisions {
		for _, rs := range revision.ReplicaSets {
			lines = append(lines, fmt.Sprintf("revision %d %s %s %v size=%d ready=%d available=%d pods=%d delay=%s",
				revision.Number, s.version(rs.Hash), rs.Health, rs.Tags, rs.Size, rs.Ready, rs.Available, len(rs.Pods), rs.ScaleDownIn))
		}
	}
	return lines
}

func (s *story) describeSteps(steps []rollout.StepView) []string {
	var lines []string
	for _, step := range steps {
		line := fmt.Sprintf("%s: %s", step.State, step.Name)
		if step.Detail != "" {
			line += ": " + step.Detail
		}
		if step.Request != "" {
			line += " by " + step.Request
		}
		if step.EndsIn > 0 {
			line += fmt.Sprintf(" (%s)", step.EndsIn)
		}
		lines = append(lines, line)
	}
	return lines
}
