package rollout_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"golang.org/x/tools/txtar"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/rollout"
)

// TestTimelines tells the stories in testdata. A story is a Rollout and a timeline; each line of it is
//
//	at TIME COMMAND [ARGS]
//
// and the cluster and the controller run, second by second, from one time to the next. Versions are called by the tag of their image. Commands:
//
//	image TAG               the user sets the image
//	undo TAG                the user goes back to a version: its ReplicaSet's template, less the hash label, becomes the Rollout's
//	merge JSON              the user merges JSON into the Rollout
//	promote | promote full | abort | retry | pause | resume | scale N | restart
//	delete                  the user deletes the Rollout
//	lend TAG N              a Deployment of that name and size is there to lend its template
//	add SERVICE             somebody creates a Service
//	strip SERVICE           somebody applies the Service's manifest again, without the hash
//	select SERVICE TAG      somebody makes a Service select a version
//	mark SERVICE ROLLOUT    somebody marks a Service as managed by a Rollout
//	remove SERVICE          somebody deletes a Service
//	forget                  the status is lost, as when objects are restored from a backup
//	crash N                 the controller is stopped after N writes of its next decision, and started again
//	never TAG               pods of this version never become ready
//	ready TAG               from now on they do
//	freeze | thaw           EndpointSlices stop, and go on
//	guard                   a PodDisruptionBudget keeps every pod; unguard ends that
//	expect active TAG | preview TAG | stable TAG | switch TAG->TAG
//	expect pods TAG=N ...   (versions that are not named have none)
//	expect phase PHASE [MESSAGE]
//	expect condition TYPE REASON
//	expect event REASON     since the last such line; no-event REASON: none in all that time
//	expect revision TAG N | sets N | labels TAG KEY=VALUE | workload N | young TAG N (pods younger than a minute)
//	expect rs TAG POINTER VALUE | service NAME POINTER VALUE | status POINTER VALUE     (a JSON pointer into the object; none: there is nothing)
func TestTimelines(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { tell(t, file) })
	}
}

func tell(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ro, timeline := exampleRollout(), ""
	for _, f := range txtar.Parse(data).Files {
		switch f.Name {
		case "rollout.yaml":
			if err := yaml.UnmarshalStrict(f.Data, ro); err != nil {
				t.Fatal(err)
			}
		case "timeline":
			timeline = string(f.Data)
		}
	}
	s := newSimulation(t, ro)
	lines := 0
	for i, line := range strings.Split(timeline, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		at, err := time.ParseDuration(words[1])
		if words[0] != "at" || err != nil || len(words) < 3 {
			t.Fatalf("timeline:%d: %q is not `at TIME COMMAND`", i+1, line)
		}
		s.runUntil(began.Add(at))
		if problem := s.command(words[2], words[3:]); problem != "" {
			t.Errorf("timeline:%d: %s\n  %s\n%s", i+1, strings.TrimSpace(line), problem, strings.Join(s.log, "\n"))
		}
		lines++
	}
	if lines == 0 {
		t.Fatal("the story has no timeline")
	}
}

// exampleRollout is what a story begins with when it says nothing else.
func exampleRollout() *v1alpha1.Rollout {
	two := int32(2)
	return &v1alpha1.Rollout{
		ObjectMeta: metav1.ObjectMeta{Name: "app"},
		Spec: v1alpha1.RolloutSpec{
			Replicas: &two,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "app"}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "app"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app:v1"}}},
			},
			Strategy: v1alpha1.RolloutStrategy{BlueGreen: &v1alpha1.BlueGreenStrategy{ActiveService: "active", PreviewService: "preview"}},
		},
	}
}

func (s *simulation) runUntil(end time.Time) {
	for s.now.Before(end) {
		s.settle()
		s.tick()
	}
	s.settle()
}

// command carries out one line of a timeline, and says what is wrong with it.
func (s *simulation) command(name string, args []string) string {
	arg := strings.Join(args, " ")
	switch name {
	case "expect":
		return s.expect(args[0], args[1:])
	case "image":
		s.edit(func(spec *v1alpha1.RolloutSpec) {
			template := spec.Template.DeepCopy()
			template.Spec.Containers[0].Image = "app:" + arg
			spec.Template = *template
		})
	case "merge":
		return s.merge(arg)
	case "promote":
		if arg == "full" {
			s.ro.Status.PromoteFull = true
		} else {
			s.ro.Status.PauseConditions = nil
			s.edit(func(spec *v1alpha1.RolloutSpec) { spec.Paused = false })
		}
	case "abort", "retry":
		s.ro.Status.Abort = name == "abort"
	case "pause", "resume":
		s.edit(func(spec *v1alpha1.RolloutSpec) { spec.Paused = name == "pause" })
	case "scale":
		n, _ := strconv.Atoi(arg)
		replicas := int32(n)
		s.edit(func(spec *v1alpha1.RolloutSpec) { spec.Replicas = &replicas })
	case "undo":
		template := s.set("app-" + s.hash(arg)).Spec.Template.DeepCopy()
		delete(template.Labels, v1alpha1.PodHashLabel)
		s.edit(func(spec *v1alpha1.RolloutSpec) { spec.Template = *template })
	case "delete":
		at := metav1.NewTime(s.now)
		s.ro.DeletionTimestamp = &at
	case "restart":
		at := metav1.NewTime(s.now)
		s.edit(func(spec *v1alpha1.RolloutSpec) { spec.RestartAt = &at })
	default:
		return s.disturb(name, args)
	}
	s.settle()
	return ""
}

// disturb does what other people and the cluster do.
func (s *simulation) disturb(name string, args []string) string {
	switch name {
	case "strip":
		delete(s.services[args[0]].Spec.Selector, v1alpha1.PodHashLabel)
	case "select":
		s.services[args[0]].Spec.Selector[v1alpha1.PodHashLabel] = s.hash(args[1])
	case "remove":
		delete(s.services, args[0])
	case "add":
		s.addService(args[0])
	case "mark":
		s.services[args[0]].Annotations = map[string]string{v1alpha1.ManagedByRolloutsAnnotation: args[1]}
	case "forget":
		s.ro.Status = v1alpha1.RolloutStatus{}
	case "lend":
		s.lend(args[0], args[1])
	case "crash":
		n, _ := strconv.Atoi(args[0])
		s.crash = func() bool { n--; return n == -1 }
	case "guard", "unguard":
		s.guarded = name == "guard"
	case "never":
		s.never[args[0]] = true
	case "ready":
		delete(s.never, args[0])
	case "freeze", "thaw":
		s.frozen = name == "freeze"
	default:
		return "unknown command " + name
	}
	s.settle()
	return ""
}

func (s *simulation) merge(patch string) string {
	before, err := json.Marshal(s.ro)
	if err != nil {
		return err.Error()
	}
	after, err := jsonpatch.MergePatch(before, []byte(patch))
	if err != nil {
		return err.Error()
	}
	changed := &v1alpha1.Rollout{}
	if err := json.Unmarshal(after, changed); err != nil {
		return err.Error()
	}
	changed.Generation++
	s.ro = changed
	s.settle()
	return ""
}

// hash is the hash of the newest ReplicaSet of a version.
func (s *simulation) hash(version string) string {
	for _, rs := range slices.Backward(s.sets) {
		if tag(rs.Spec.Template.Spec) == version {
			return rollout.PodHash(rs.Labels)
		}
	}
	return "no-such-version"
}

// version is the image tag of the ReplicaSet with a hash.
func (s *simulation) version(hash string) string {
	if rs := byHash(s.sets, hash); rs != nil {
		return tag(rs.Spec.Template.Spec)
	}
	return "none"
}

func (s *simulation) expect(what string, args []string) string {
	want := strings.Join(args, " ")
	got := ""
	switch what {
	case "active":
		got = s.version(selectedHash(s.services["active"]))
	case "preview":
		got = s.version(selectedHash(s.services["preview"]))
	case "stable":
		got = s.version(s.ro.Status.StableRS)
	case "switch":
		got = s.version(s.ro.Status.BlueGreen.Switch.From) + "->" + s.version(s.ro.Status.BlueGreen.Switch.To)
	case "pods":
		got = s.podCounts()
		sorted := slices.Sorted(slices.Values(args))
		want = strings.Join(sorted, " ")
	case "phase":
		got = string(s.ro.Status.Phase)
		if len(args) > 1 {
			return contains(got+" "+s.ro.Status.Message, want)
		}
	case "condition":
		if c := condition(s.ro.Status.Conditions, v1alpha1.RolloutConditionType(args[0])); c != nil {
			got = args[0] + " " + c.Reason
		}
	case "event", "no-event":
		return s.expectEvent(what, want)
	case "revision":
		got = args[0] + " " + fmt.Sprint(rollout.Revision(byHash(s.sets, s.hash(args[0]))))
	case "sets":
		got = strconv.Itoa(len(s.sets))
	case "labels":
		for _, pod := range s.pods {
			key, _, _ := strings.Cut(args[1], "=")
			if tag(pod.Spec) == args[0] {
				got = args[0] + " " + key + "=" + pod.Labels[key]
			}
		}
	case "young":
		n := 0
		for _, pod := range s.pods {
			if tag(pod.Spec) == args[0] && s.now.Sub(pod.CreationTimestamp.Time) < time.Minute {
				n++
			}
		}
		got = fmt.Sprint(args[0], " ", n)
	case "workload":
		got = fmt.Sprint(*s.workload.Replicas)
	case "rs":
		got = args[0] + " " + args[1] + " " + at(byHash(s.sets, s.hash(args[0])), args[1])
	case "service":
		got = args[0] + " " + args[1] + " " + at(s.services[args[0]], args[1])
	case "status":
		got = args[0] + " " + at(s.ro.Status, args[0])
	default:
		return "unknown expectation " + what
	}
	if got != want {
		return fmt.Sprintf("got %s %s", what, got)
	}
	return ""
}

func (s *simulation) expectEvent(what, want string) string {
	var reasons []string
	for _, e := range s.events {
		reasons = append(reasons, e.Reason)
	}
	s.events = nil
	if slices.Contains(reasons, want) == (what == "event") {
		return ""
	}
	return fmt.Sprintf("got events %v", reasons)
}

// at is the value at a JSON pointer (RFC 6901) into an object, or none.
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
	if value == nil {
		return "none"
	}
	return fmt.Sprint(value)
}

func contains(got, want string) string {
	if strings.Contains(got, want) {
		return ""
	}
	return "got " + got
}

func (s *simulation) podCounts() string {
	counts := map[string]int{}
	for _, pod := range s.pods {
		counts[tag(pod.Spec)]++
	}
	var parts []string
	for _, version := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s=%d", version, counts[version]))
	}
	return strings.Join(parts, " ")
}
