package devloop

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/image"
)

// DebugOptions have Go programs run under a debugger.
type DebugOptions struct {
	// Delve is the dlv program for Linux on this machine's processor.
	Delve string
}

// firstDebugPort is where the debugger of the first image listens; that of each other listens on the next one.
const firstDebugPort = 56268

// debugsHere reports whether the debugger runs in images of an artifact.
func (o *Options) debugsHere(a *artifact) bool {
	return o.Debug != nil && (len(a.Platforms) == 0 || a.Platforms[0] == "linux/"+runtime.GOARCH)
}

// debugOf is what the image of an artifact is built with for a debugger; nil for none.
func (o *Options) debugOf(a *artifact) *image.Debug {
	if !o.debugsHere(a) {
		return nil
	}
	return &image.Debug{Delve: o.Debug.Delve}
}

// debuggers has programs start under a debugger, and forwards the ports of these.
type debuggers struct {
	*forwards
	options *Options
	builds  *builds
	begun   map[string]bool
}

// port is where the debugger of an image listens.
func (d *debuggers) port(name string) int { return firstDebugPort + slices.Index(d.builds.order, name) }

// change has what was built for a debugger start by it.
func (d *debuggers) change(objects []*unstructured.Unstructured) {
	if d.options.Debug == nil {
		return
	}
	programs := map[string]desired.Program{}
	for _, name := range d.builds.order {
		a := d.builds.artifacts[name]
		switch p := a.built.Program; {
		case !d.options.debugsHere(a):
			d.note(fmt.Sprintf("image %s is not debugged: built for %s, and the debugger for linux/%s", name, a.Platforms[0], runtime.GOARCH))
		case p == nil:
			d.note(fmt.Sprintf("image %s is not debugged: %s builds it, and only Go programs that are compiled here are", name, a.plan.Builder))
		default:
			programs[a.built.Ref()] = desired.Program{Path: p.Path, Entrypoint: p.Entrypoint, Cmd: p.Cmd, WorkingDir: p.WorkingDir, Debugger: image.DelvePath, Port: d.port(name)}
		}
	}
	for _, n := range desired.Debug(objects, programs) {
		d.note(n)
	}
}

// forward has ports of this machine lead to the debuggers, until ctx ends.
func (d *debuggers) forward(ctx context.Context, tasks *tasks) {
	if d.options.Debug == nil {
		return
	}
	for _, name := range d.builds.order {
		if d.builds.artifacts[name].built.Program == nil || d.begun[name] {
			continue
		}
		listener, chosen, err := listenFor(d.port(name), d.port(name), "")
		if err != nil {
			d.note(fmt.Sprintf("the debugger of image %s is not forwarded: %v", name, err))
			continue
		}
		d.begun[name] = true
		if chosen != "" {
			d.note(fmt.Sprintf("the debugger of image %s is at %s: %s", name, listener.Addr(), chosen))
		}
		d.report(Event{Kind: Debugging, Artifact: name, Address: listener.Addr().String(), Text: editorSettings(name, listener.Addr().String())})
		d.serve(ctx, tasks, listener, destinations{d.scene}.debuggerIn(name, desired.Name(d.builds.artifacts[name].repository), d.port(name)))
	}
}
