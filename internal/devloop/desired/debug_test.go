package desired_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/devloop/desired"
)

const (
	debugCommand = "/.cyan/dlv exec /app --headless --listen=127.0.0.1:56268 --api-version=2 --accept-multiclient --continue --only-same-user=false --"
	debugImage   = "registry/app@sha256:1"
)

func parsed(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}

// workload is an object that runs a container.
func workload(t *testing.T, kind, container string) *unstructured.Unstructured {
	t.Helper()
	switch kind {
	case "Pod":
		return parsed(t, "kind: Pod\nmetadata: {name: app}\nspec: {containers: [{name: app, "+container+"}]}")
	case "CronJob":
		return parsed(t, "kind: CronJob\nmetadata: {name: app}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: app, "+container+"}]}}}}}")
	}
	return parsed(t, "kind: "+kind+"\nmetadata: {name: app}\nspec: {replicas: 3, template: {spec: {containers: [{name: other, image: busybox}, {name: app, "+container+"}]}}}")
}

// ran returns the command and the arguments of the container that is debugged.
func ran(t *testing.T, object *unstructured.Unstructured) string {
	t.Helper()
	text, err := yaml.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	var found struct {
		Spec struct {
			Containers  []runs
			Template    struct{ Spec struct{ Containers []runs } }
			JobTemplate struct {
				Spec struct {
					Template struct{ Spec struct{ Containers []runs } }
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &found); err != nil {
		t.Fatal(err)
	}
	for _, all := range [][]runs{found.Spec.Containers, found.Spec.Template.Spec.Containers, found.Spec.JobTemplate.Spec.Template.Spec.Containers} {
		for _, c := range all {
			if c.Name == "app" {
				return strings.Join(c.Command, " ") + " | " + strings.Join(c.Args, " ")
			}
		}
	}
	return ""
}

type runs struct {
	Name          string
	Command, Args []string
}

func TestDebugStartsThePrograms(t *testing.T) {
	program := desired.Program{Path: "/app", Entrypoint: []string{"/app"}, Cmd: []string{"--listen", "$(A)"}, WorkingDir: "/", Debugger: "/.cyan/dlv", Port: 56268}
	script := program
	script.Entrypoint = []string{"/bin/sh", "-c", "/app"}
	image := "image: " + debugImage
	for _, row := range []struct {
		rule, kind, container string
		program               desired.Program
		want, note            string
	}{
		{"what the image runs", "Deployment", image, program, debugCommand + " | --listen $$(A)", "Deployment app, container app runs under Delve: one replica"},
		{"of a Rollout", "Rollout", image, program, debugCommand + " | --listen $$(A)", "Rollout app, container app runs under Delve: one replica"},
		{"of a Pod", "Pod", image, program, debugCommand + " | --listen $$(A)", "Pod app, container app runs under Delve: one replica"},
		{"of a CronJob", "CronJob", image, program, debugCommand + " | --listen $$(A)", "CronJob app, container app runs under Delve: one replica"},
		{"arguments in place of the image's", "Deployment", image + `, args: [a, "$(B)"]`, program, debugCommand + " | a $(B)", "runs under Delve"},
		{"a command in place of the image's", "Deployment", image + `, command: [/app, x], args: [z]`, program, debugCommand + " | x z", "runs under Delve"},
		{"a command alone", "Deployment", image + `, command: [/app]`, program, debugCommand + " | ", "runs under Delve"},
		{"a command that PATH has", "Deployment", image + `, command: [app]`, program, debugCommand + " | ", "runs under Delve"},
		{"a command from the working folder", "Deployment", image + `, command: [./app], workingDir: /`, program, debugCommand + " | ", "runs under Delve"},
		{"a command in another folder", "Deployment", image + `, command: [./app], workingDir: /srv`, program, "./app | ", `is not debugged: its command begins with "./app" rather than /app`},
		{"a shell", "Deployment", image + `, command: [sh, -c, /app]`, program, "sh -c /app | ", `is not debugged: its command begins with "sh" rather than /app`},
		{"a shell of the image", "Deployment", image, script, " | ", `is not debugged: its command begins with "/bin/sh" rather than /app`},
		{"another image", "Deployment", "image: registry/app@sha256:2, command: [/app]", program, "/app | ", ""},
		{"probes and limits", "Deployment", image + ", livenessProbe: {tcpSocket: {port: 1}, failureThreshold: 1}, readinessProbe: {tcpSocket: {port: 1}}, resources: {limits: {memory: 64Mi}, requests: {memory: 1Mi}}", program,
			debugCommand + " | --listen $$(A)", "one replica, livenessProbe, readinessProbe may fail without end, no resource limits"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			object := workload(t, row.kind, row.container)
			notes := desired.Debug([]*unstructured.Unstructured{object, parsed(t, "kind: Service\nmetadata: {name: app}")}, map[string]desired.Program{debugImage: row.program})
			if got := ran(t, object); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			if got := strings.Join(notes, "\n"); row.note == "" && got != "" || !strings.Contains(got, row.note) {
				t.Errorf("got the note %q, want %q", got, row.note)
			}
			replicas, there, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
			want := int64(3)
			if strings.Contains(strings.Join(notes, ""), "under Delve") {
				want = 1
			}
			if there && replicas != want {
				t.Errorf("got %d replicas, want %d", replicas, want)
			}
		})
	}
}

func TestDebugRelaxesProbesAndLimits(t *testing.T) {
	object := workload(t, "Deployment", "image: "+debugImage+", command: [/app], livenessProbe: {periodSeconds: 2, failureThreshold: 1}, startupProbe: {periodSeconds: 1}, resources: {limits: {cpu: 1}, requests: {cpu: 1}}")
	desired.Debug([]*unstructured.Unstructured{object}, map[string]desired.Program{debugImage: {Path: "/app"}})
	containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
	c := fmt.Sprint(containers[1])
	for _, want := range []string{"livenessProbe:map[failureThreshold:1000000 periodSeconds:2]", "startupProbe:map[failureThreshold:1000000 periodSeconds:1]", "resources:map[requests:map[cpu:1]]"} {
		if !strings.Contains(c, want) {
			t.Errorf("got %s, want %s in it", c, want)
		}
	}
	if other := fmt.Sprint(containers[0]); other != "map[image:busybox name:other]" {
		t.Errorf("another container is %s", other)
	}
}

func TestRestart(t *testing.T) {
	for _, row := range []struct{ rule, kind, at, want string }{
		{"a Deployment", "Deployment", "2026-05-01T12:00:00Z", "2026-05-01T12:00:00Z"},
		{"a Rollout", "Rollout", "1", "1"},
		{"a StatefulSet", "StatefulSet", "1", "1"},
		{"a Job, which would do its work again", "Job", "1", ""},
		{"nothing before it was asked for", "Deployment", "", ""},
	} {
		object := workload(t, row.kind, "image: x")
		desired.Restart([]*unstructured.Unstructured{object, parsed(t, "kind: Deployment")}, row.at)
		if got, _, _ := unstructured.NestedString(object.Object, "spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"); got != row.want {
			t.Errorf("%s: got %q, want %q", row.rule, got, row.want)
		}
	}
}

// An object of any shape is left as it is where nothing is debugged.
func TestDebugTakesAnyShape(t *testing.T) {
	for _, text := range []string{"kind: Pod", "kind: Pod\nspec: {containers: x}", "kind: Pod\nspec: {containers: [x, {image: 1}, {image: " + debugImage + ", command: x}]}", "kind: Job\nspec: {template: {spec: x}}", "kind: A\nspec: x", "kind: B\nspec: {template: {spec: {}}, jobTemplate: []}"} {
		object := parsed(t, text)
		before := fmt.Sprint(object.Object)
		desired.Debug([]*unstructured.Unstructured{object}, map[string]desired.Program{debugImage: {Path: "/app"}})
		if got := fmt.Sprint(object.Object); got != before {
			t.Errorf("%s: got %s, want %s", text, got, before)
		}
	}
}
