package rollout_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// TestStories runs the stories in testdata: what a Rollout does, rule by rule. testdata/README.md describes their
// language.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".txtar")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			checkStory(t, txtar.Parse(data))
		})
	}
}

// checkStory runs a story. One that is pending has to fail, so that its mark goes when the rule is kept.
func checkStory(t *testing.T, archive *txtar.Archive) {
	rule, pending, _ := strings.Cut(string(archive.Comment), "\npending: ")
	problems := runStory(archive)
	switch {
	case strings.TrimSpace(rule) == "":
		t.Error("the story names no rule")
	case pending != "" && len(problems) == 0:
		t.Errorf("the rule is kept by now: remove the line `pending: %s`", strings.TrimSpace(pending))
	case pending != "":
		t.Skipf("pending: %s", strings.TrimSpace(pending))
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

// end is what ends a story before its last line.
type end struct{ problem string }

// story is a simulation with the place in its timeline.
type story struct {
	*controller
	line     string
	number   int
	problems []string
	// seenActions and seenEvents are how many an earlier line has spoken of.
	seenActions, seenEvents int
}

// runStory returns what differs from the story.
func runStory(archive *txtar.Archive) (problems []string) {
	s := &story{}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(end)
			if !ok {
				panic(r)
			}
			s.problem("%s", e.problem)
			problems = s.problems
		}
	}()
	timeline := s.load(archive)
	s.run(timeline)
	return s.problems
}

func (s *story) problem(format string, args ...any) {
	log := ""
	if s.controller != nil {
		log = strings.Join(s.log, "\n")
	}
	s.problems = append(s.problems, fmt.Sprintf("timeline:%d: %s\n%s\n%s", s.number, strings.TrimSpace(s.line), fmt.Sprintf(format, args...), log))
}

// newController returns a controller of a cluster that holds nothing but a Rollout.
func newController(ro *v1alpha1.Rollout) *controller {
	return &controller{
		cluster: newCluster(ro), changed: true, failures: map[string]failure{},
		fatal: func(format string, args ...any) { panic(end{fmt.Sprintf(format, args...)}) },
	}
}

// load puts the objects of a story into its cluster, and returns the timeline.
func (s *story) load(archive *txtar.Archive) (timeline string) {
	ro := exampleRollout()
	var objects string
	for _, f := range archive.Files {
		switch f.Name {
		case "rollout.yaml":
			if err := strictly(f.Data, ro); err != nil {
				panic(end{"rollout.yaml: " + err.Error()})
			}
		case "objects.yaml":
			objects = string(f.Data)
		case "timeline":
			timeline = string(f.Data)
		default:
			panic(end{"unknown file " + f.Name})
		}
	}
	s.controller = newController(ro)
	s.strict = true
	for _, document := range strings.Split(objects, "\n---\n") {
		s.addObject([]byte(document))
	}
	s.addServices()
	s.cluster.run()
	return timeline
}

// addObject puts an object into the cluster that was there before the story begins.
func (s *story) addObject(data []byte) {
	kind := metav1.TypeMeta{}
	if err := yaml.Unmarshal(data, &kind); err != nil {
		panic(end{"objects.yaml: " + err.Error()})
	}
	read := func(o any) {
		if err := yaml.UnmarshalStrict(data, o); err != nil {
			panic(end{"objects.yaml: " + err.Error()})
		}
	}
	switch kind.Kind {
	case "":
	case "Service":
		service := &corev1.Service{}
		read(service)
		s.services[service.Name] = service
	case "ReplicaSet":
		rs := &appsv1.ReplicaSet{}
		read(rs)
		if ref := s.rollout.Spec.WorkloadRef; ref != nil && ref.Name == rs.Name {
			s.workload = &workload{kind: kind.Kind, name: rs.Name, template: rs.Spec.Template, generation: 1, selector: rs.Spec.Selector, replicas: rs.Spec.Replicas}
			return
		}
		s.addReplicaSet(rs)
	case "Deployment":
		d := &appsv1.Deployment{}
		read(d)
		s.workload = &workload{kind: kind.Kind, name: d.Name, template: d.Spec.Template, generation: 1, selector: d.Spec.Selector, replicas: d.Spec.Replicas}
	case "PodTemplate":
		p := &corev1.PodTemplate{}
		read(p)
		s.workload = &workload{kind: kind.Kind, name: p.Name, template: p.Template, generation: 1, selector: &metav1.LabelSelector{MatchLabels: p.Template.Labels}}
	default:
		panic(end{"objects.yaml: unknown kind " + kind.Kind})
	}
}

// exampleRollout is what a story begins with; its rollout.yaml changes it.
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

// strictly reads what differs from a Rollout; a field that there is not is an error.
func strictly(data []byte, ro *v1alpha1.Rollout) error {
	type spec v1alpha1.RolloutSpec
	known := struct {
		Metadata metav1.ObjectMeta      `json:"metadata"`
		Spec     spec                   `json:"spec"`
		Status   v1alpha1.RolloutStatus `json:"status"`
	}{}
	if err := yaml.UnmarshalStrict(data, &known); err != nil {
		return err
	}
	return yaml.UnmarshalStrict(data, ro)
}

// run runs a timeline, line by line.
func (s *story) run(timeline string) {
	lines := strings.Split(timeline, "\n")
	commands := 0
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s.number, s.line = i+1, line
		words := strings.Fields(line)
		if words[0] == "at" {
			at, err := time.ParseDuration(words[1])
			if err != nil || began.Add(at).Before(s.now) || len(words) < 3 {
				panic(end{fmt.Sprintf("%q is not `at TIME COMMAND`, with a time that is not before the last", line)})
			}
			s.runUntil(began.Add(at))
			words = words[2:]
		}
		var block []string
		for i+1 < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[i+1]), "|") {
			i++
			block = append(block, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(lines[i]), "|")))
		}
		if words[0] == "expect" {
			if problem := s.expect(words[1], words[2:], block); problem != "" {
				s.problem("%s", problem)
			}
		} else {
			s.seenActions, s.seenEvents = len(s.actions), len(s.events)
			s.note("> %s", strings.Join(words, " "))
			s.perform(words[0], words[1:])
		}
		commands++
	}
	if commands == 0 {
		panic(end{"the story has no timeline"})
	}
}

// perform carries out a command; what it changes is seen by the controller.
func (s *story) perform(name string, args []string) {
	if problem := s.command(name, args); problem != "" {
		panic(end{problem})
	}
	s.changed = true
	s.settle()
}
