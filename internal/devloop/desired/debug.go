package desired

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Program is a Go program that runs under a debugger.
type Program struct {
	// Path is that of the program in its image, and Entrypoint, Cmd and WorkingDir are those of the image.
	Path            string
	Entrypoint, Cmd []string
	WorkingDir      string
	// Debugger is the path of Delve in the image, and Port where it listens in the pod.
	Debugger string
	Port     int
}

// neverFails is the failureThreshold of probes of a program that may stand still for days.
const neverFails = int64(1_000_000)

// Debug has the containers that run images start their programs under a debugger: programs are by the references of
// their images. A program that stands still is neither restarted nor taken out of its Service, and there is one of it.
// It changes the objects, and returns a line for each container.
func Debug(objects []*unstructured.Unstructured, programs map[string]Program) []string {
	var notes []string
	for _, object := range objects {
		debugged := false
		for _, pod := range podSpecs(object.Object) {
			containers, _, _ := unstructured.NestedSlice(pod, "containers")
			for _, c := range containers {
				container, ok := c.(map[string]any)
				if !ok {
					continue
				}
				image, _ := container["image"].(string)
				program, ok := programs[image]
				if !ok {
					continue
				}
				of := fmt.Sprintf("%s %s, container %v", object.GetKind(), object.GetName(), container["name"])
				if why := program.start(container); why != "" {
					notes = append(notes, of+" is not debugged: "+why)
					continue
				}
				debugged = true
				notes = append(notes, of+" runs under Delve: "+strings.Join(relax(container), ", "))
			}
			if debugged {
				pod["containers"] = containers
			}
		}
		if _, scales, _ := unstructured.NestedFieldNoCopy(object.Object, "spec", "replicas"); debugged && scales {
			_ = unstructured.SetNestedField(object.Object, int64(1), "spec", "replicas")
		}
	}
	return notes
}

// restartedAnnotation is the one by which kubectl has pods replaced.
const restartedAnnotation = "kubectl.kubernetes.io/restartedAt"

// Restart has the pods of workloads replaced when at is another than before; "" is never. It changes the objects.
func Restart(objects []*unstructured.Unstructured, at string) {
	for _, object := range objects {
		switch object.GetKind() {
		case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout":
			if _, ok, _ := unstructured.NestedMap(object.Object, "spec", "template"); ok && at != "" {
				_ = unstructured.SetNestedField(object.Object, at, "spec", "template", "metadata", "annotations", restartedAnnotation)
			}
		}
	}
}

// podSpecs returns the pod specs in an object: that of a Pod, and those of templates.
func podSpecs(object map[string]any) []map[string]any {
	spec, _ := object["spec"].(map[string]any)
	if object["kind"] == "Pod" {
		return slices.DeleteFunc([]map[string]any{spec}, func(m map[string]any) bool { return m == nil })
	}
	var found []map[string]any
	for _, fields := range [][]string{{"template", "spec"}, {"jobTemplate", "spec", "template", "spec"}} {
		at := spec
		for _, f := range fields {
			at, _ = at[f].(map[string]any)
		}
		if at != nil {
			found = append(found, at)
		}
	}
	return found
}

// start has a container start its program by the debugger. It returns why it cannot.
func (p Program) start(container map[string]any) string {
	command, args := words(container["command"]), words(container["args"])
	switch {
	case len(command) > 0:
		command = append(command, args...)
	case len(args) > 0:
		command = append(escaped(p.Entrypoint), args...)
	default:
		command = append(escaped(p.Entrypoint), escaped(p.Cmd)...)
	}
	folder, _ := container["workingDir"].(string)
	if folder == "" {
		folder = p.WorkingDir
	}
	if len(command) == 0 || !p.is(command[0], folder) {
		return fmt.Sprintf("its command begins with %q rather than %s; have it begin with the program", strings.Join(command[:min(len(command), 1)], ""), p.Path)
	}
	container["command"] = anys([]string{
		p.Debugger, "exec", p.Path, "--headless", fmt.Sprintf("--listen=127.0.0.1:%d", p.Port), "--api-version=2", "--accept-multiclient", "--continue", "--only-same-user=false", "--",
	})
	delete(container, "args")
	if rest := command[1:]; len(rest) > 0 {
		container["args"] = anys(rest)
	}
	return ""
}

// is reports whether the first word of a command is the program.
func (p Program) is(word, folder string) bool {
	if !strings.Contains(word, "/") {
		// One that is looked for in PATH.
		return word == path.Base(p.Path)
	}
	if !path.IsAbs(word) {
		word = path.Join("/", folder, word)
	}
	return path.Clean(word) == path.Clean(p.Path)
}

// relax takes away what would end a program that stands still, or that a debugger needs more than. It returns what was
// done.
func relax(container map[string]any) []string {
	done := []string{"one replica"}
	var probes []string
	for _, name := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
		if probe, ok := container[name].(map[string]any); ok {
			probe["failureThreshold"] = neverFails
			probes = append(probes, name)
		}
	}
	if len(probes) > 0 {
		done = append(done, strings.Join(probes, ", ")+" may fail without end")
	}
	if resources, ok := container["resources"].(map[string]any); ok && resources["limits"] != nil {
		delete(resources, "limits")
		done = append(done, "no resource limits")
	}
	return done
}

// escaped keeps variables in what an image says as they are: Kubernetes expands those of a container alone.
func escaped(all []string) []string {
	out := make([]string, len(all))
	for i, word := range all {
		out[i] = strings.ReplaceAll(word, "$(", "$$(")
	}
	return out
}

func words(value any) []string {
	var all []string
	list, _ := value.([]any)
	for _, w := range list {
		all = append(all, fmt.Sprint(w))
	}
	return all
}

func anys(all []string) []any {
	out := make([]any, len(all))
	for i, word := range all {
		out[i] = word
	}
	return out
}
