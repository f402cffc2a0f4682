package devloop

import (
	"context"
	"io/fs"

	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/render/sops"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// Options are what a loop works with.
type Options struct {
	// Root is the folder on this machine that the paths of the project are relative to.
	Root string
	// Read reads the project; it is called again when one of its files changes.
	Read func(tree fs.FS) (skaffold.Project, error)
	// Config and Context name the cluster.
	Config  *rest.Config
	Context string
	// Namespace is where objects go; "" for one of the developer's own, which the loop makes and removes.
	Namespace string
	// WhereManifestsGo has the loop work in the namespace that all workloads of the manifests name, rather than in
	// Namespace, which is then for the objects that name none.
	WhereManifestsGo bool
	// Labels are added to all objects and to the pods that they make.
	Labels map[string]string
	// InPlace has the loop work on the objects of an Application; nil for none.
	InPlace *InPlace
	// User is who develops.
	User string
	// Registry is HOST or HOST/PATH, where images are pushed and the nodes pull them.
	Registry   string
	Registries image.Registries
	// Repository returns where an image is pushed, by its name; nil is below Registry.
	Repository func(name string) string
	// Tag returns the tag of an image; nil is dev. Images are deployed by digest whatever it is.
	Tag func(skaffold.Artifact) string
	// Whole has images made as those of a delivery are, rather than as quickly as it can be done.
	Whole bool
	// Keep leaves what the loop has made when it ends.
	Keep bool
	// Rollouts carries out the Rollouts of a namespace with an instance ID until ctx ends; ready is called once it does.
	Rollouts func(ctx context.Context, namespace, instance string, ready func()) error
	// Notes is the folder for notes of what a crash would leave.
	Notes string
	Keys  sops.Keys
	// Forward is which ports are forwarded.
	Forward ForwardMode
	// Logs are those that are shown.
	Logs LogOptions
	// Debug has Go programs run under a debugger; nil for none.
	Debug *DebugOptions
	// Commands are what a person asks for while the loop runs; nil for none.
	Commands <-chan Command
	// end ends the loop for a reason; nil for one that ends by itself.
	end context.CancelCauseFunc
	// Report gets every event, from several goroutines, one at a time.
	Report func(Event)
	// ShowBuild has what builders print beside errors reported, a line each.
	ShowBuild bool
}

// Command is what a person asks for.
type Command string

// The commands.
const (
	// Rebuild builds and deploys everything anew.
	Rebuild Command = "rebuild"
	// Restart has the pods of what was deployed replaced.
	Restart Command = "restart"
)
