package devloop

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// hookEndsWithin bounds how long a command that is ended may take to let go of its output.
const hookEndsWithin = 5 * time.Second

// RunHook runs a command of a project's file on this machine, in a folder of the root. What it prints is passed on by
// lines.
func RunHook(ctx context.Context, root string, hook skaffold.Hook, env map[string]string, line func(string)) error {
	cmd := exec.CommandContext(ctx, hook.Command[0], hook.Command[1:]...)
	cmd.Dir = filepath.Join(root, filepath.FromSlash(hook.Dir))
	cmd.Env, cmd.WaitDelay = os.Environ(), hookEndsWithin
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, name+"="+env[name])
	}
	out := &output{line: line}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	out.flush()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return hookFailed(hook, err)
	}
	return nil
}

func hookFailed(hook skaffold.Hook, err error) error {
	return &problem.Error{
		Kind: problem.Negative, File: hook.Position.File, Line: hook.Position.Line, Object: "hook " + skaffold.Shortened(strings.Join(hook.Command, " ")), Cause: err.Error(),
		Remedy: "correct the command, or remove it", Err: err,
	}
}

// BuildEnvironment are the variables that commands around the build of an image get.
func BuildEnvironment(root string, a skaffold.Artifact, repository, tag string) map[string]string {
	return map[string]string{
		"SKAFFOLD_IMAGE": repository + ":" + tag, "SKAFFOLD_IMAGE_REPO": path.Dir(repository), "SKAFFOLD_IMAGE_TAG": tag, "SKAFFOLD_PUSH_IMAGE": "true",
		"SKAFFOLD_BUILD_CONTEXT": filepath.Join(root, filepath.FromSlash(a.Context)),
	}
}

// hooks runs the commands of a project's file around its steps.
type hooks struct {
	*reporter
	root, context string
	// scene is what commands in containers are run in; nil as long as nothing is known of the cluster.
	scene  *scene
	syncer *syncer
	// commands remembers when they ran; nil where nothing is built again.
	commands *commands
	// since is when the commands before all builds of a round began; zero where there are none.
	since time.Time
}

// clockStep is how much a file's time may be behind the clock.
const clockStep = 10 * time.Millisecond

// window is the time from when commands began until now.
func window(began time.Time) decide.Window {
	return decide.Window{From: began.Add(-clockStep), To: time.Now()}
}

// run runs commands one after the other. Those in containers are run in all that run the image; "" is any of the
// project.
func (h *hooks) run(ctx context.Context, all []skaffold.Hook, image string, env map[string]string) error {
	for _, hook := range all {
		var err error
		if hook.Container {
			err = h.inContainers(ctx, hook, image)
		} else if hook.RunsOn(runtime.GOOS) {
			h.report(Event{Kind: Note, Text: fmt.Sprintf("runs %s (%s:%d)", skaffold.Shortened(strings.Join(hook.Command, " ")), hook.Position.File, hook.Position.Line)})
			began := time.Now()
			err = RunHook(ctx, h.root, hook, h.with(env), func(line string) { h.report(Event{Kind: Output, Artifact: image, Text: line}) })
			if h.commands != nil {
				h.commands.ended(began)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// with are the variables that every command gets, and more.
func (h *hooks) with(more map[string]string) map[string]string {
	env := map[string]string{"SKAFFOLD_KUBE_CONTEXT": h.context, "SKAFFOLD_WORK_DIR": h.root}
	if h.scene != nil {
		env["SKAFFOLD_NAMESPACES"] = h.scene.namespace
	}
	maps.Copy(env, more)
	return env
}

// inContainers runs a command in the running containers that it names.
func (h *hooks) inContainers(ctx context.Context, hook skaffold.Hook, image string) error {
	if h.scene == nil {
		return nil
	}
	var failed []error
	for _, to := range h.containers(hook, image) {
		said, err := h.syncer.runIn(ctx, to, nil, hook.Command)
		for line := range strings.Lines(said) {
			h.report(Event{Kind: Output, Artifact: image, Pod: to.pod, Container: to.container, Text: strings.TrimRight(line, "\r\n")})
		}
		if err != nil {
			failed = append(failed, hookFailed(hook, fmt.Errorf("pod %s, container %s: %w", to.pod, to.container, err)))
		}
	}
	return errors.Join(failed...)
}

// containers are those that run and that a hook names by patterns.
func (h *hooks) containers(hook skaffold.Hook, image string) []target {
	var all []target
	for _, pod := range h.scene.newest() {
		for _, c := range pod.Status.ContainerStatuses {
			if c.State.Running != nil && matches(hook.Pods, pod.Name) && matches(hook.Containers, c.Name) && (image == "" || h.syncer.runs(pod, c.Name, image)) {
				all = append(all, target{pod.Name, c.Name})
			}
		}
	}
	return all
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return pattern == "" || ok && err == nil
}

// around has images be built between the commands of their artifacts.
func (h *hooks) around(make builder) builder {
	return func(ctx context.Context, a *artifact, replan bool, bases map[string]string) (image.Built, error) {
		if !a.Hooks.Any() && h.since.IsZero() {
			return make(ctx, a, replan, bases)
		}
		began := time.Now()
		if !h.since.IsZero() {
			began = h.since
		}
		env := BuildEnvironment(h.root, a.Artifact, a.repository, a.tag)
		if err := h.run(ctx, a.Hooks.Before, a.Image, env); err != nil {
			return image.Built{}, err
		}
		a.prepare(window(began))
		built, err := make(ctx, a, replan, bases)
		if err != nil {
			return built, err
		}
		return built, h.run(ctx, a.Hooks.After, a.Image, env)
	}
}

// ready runs the commands behind a deployment, and then reports that all is ready, or why a command has failed.
func (h *hooks) ready(ctx context.Context, after []skaffold.Hook, e Event) {
	if err := h.run(ctx, after, "", nil); err != nil && ctx.Err() == nil {
		e = Event{Kind: NotReady, Round: e.Round, Text: err.Error(), Err: err}
	}
	h.report(e)
}

// between has images be built between the commands of the project, if there are some to build.
func (h *hooks) between(ctx context.Context, all skaffold.Hooks, images []string, build func() bool) (other bool, err error) {
	if len(images) == 0 {
		return false, nil
	}
	if len(all.Before) > 0 {
		h.since = time.Now()
	}
	defer func() { h.since = time.Time{} }()
	if err := h.run(ctx, all.Before, "", nil); err != nil {
		return false, err
	}
	other = build()
	return other, h.run(ctx, all.After, "", nil)
}

// copied has files be copied between the commands of the artifacts that they are of.
func (h *hooks) copied(ctx context.Context, all []skaffold.Artifact, copies []decide.Copy, do func() []refusal) ([]refusal, error) {
	all = slices.DeleteFunc(slices.Clone(all), func(a skaffold.Artifact) bool {
		return !a.Sync.Hooks.Any() || !slices.ContainsFunc(copies, func(c decide.Copy) bool { return c.Image == a.Image })
	})
	for _, a := range all {
		if err := h.run(ctx, a.Sync.Hooks.Before, a.Image, filesOf(a.Image, copies)); err != nil {
			return nil, err
		}
	}
	refused := do()
	for _, a := range all {
		if err := h.run(ctx, a.Sync.Hooks.After, a.Image, filesOf(a.Image, copies)); err != nil {
			return refused, err
		}
	}
	return refused, nil
}

// filesOf are the variables that commands around copies of an artifact get.
func filesOf(image string, copies []decide.Copy) map[string]string {
	var there, gone []string
	for _, c := range copies {
		switch {
		case c.Image != image:
		case c.Gone:
			gone = append(gone, c.Path)
		default:
			there = append(there, c.Path)
		}
	}
	return map[string]string{"SKAFFOLD_FILES_ADDED_OR_MODIFIED": strings.Join(there, ";"), "SKAFFOLD_FILES_DELETED": strings.Join(gone, ";")}
}
