package skaffold

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	"github.com/cyan-cd/cyan/internal/devloop"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// Wiring is what the program puts in from elsewhere.
type Wiring struct {
	// Lines returns what shows the events of a loop in a folder.
	Lines func(out io.Writer, root string) func(devloop.Event)
	// Show runs a loop until ctx ends, and shows it as a dashboard where there is a terminal.
	Show func(ctx context.Context, e *kit.Env, o devloop.Options) error
	// Delve returns a program of the debugger for images.
	Delve func(ctx context.Context, e *kit.Env) (string, error)
	// Rollouts carries out the Rollouts of a namespace with an instance ID until ctx ends; ready is called once it
	// does.
	Rollouts func(ctx context.Context, config *rest.Config, namespace, instance string, ready func()) error
}

// deployment are the flags by which a project gets into a cluster.
type deployment struct {
	builder
	Wiring
	namespace string
	labels    []string
	forward   []string
	tail      bool
	// files are those of `skaffold apply`, in place of what the project deploys.
	files []string
}

func newDeployment(e *kit.Env, w Wiring) deployment {
	return deployment{builder: builder{project: project{Env: e}}, Wiring: w}
}

func (d *deployment) bindPlace(flags *pflag.FlagSet) {
	flags.StringVarP(&d.namespace, "namespace", "n", "", "namespace of objects that name none (default: that of the context)")
}

// bindDeploy adds the flags of all commands that deploy.
func (d *deployment) bindDeploy(cmd *cobra.Command, tail bool) {
	flags := cmd.Flags()
	d.bindPlace(flags)
	flags.StringSliceVarP(&d.labels, "label", "l", nil, "KEY=VALUE that all objects and their pods get; may be repeated")
	forward := "off"
	if tail {
		forward = "user"
	}
	flags.StringSliceVar(&d.forward, "port-forward", []string{forward}, "ports that are forwarded: user (those of the file), services, or off; without a value, both")
	flags.Lookup("port-forward").NoOptDefVal = "true"
	flags.BoolVar(&d.tail, "tail", tail, "show the logs of the pods")
	idleDeploy(d.Env, cmd)
}

// idleDeploy accepts flags that mean nothing where objects are applied as they are here.
func idleDeploy(e *kit.Env, cmd *cobra.Command) {
	e.Idle(cmd, "what cannot be changed is made anew, where it was made so", "force")
	e.Idle(cmd, "objects that go are waited for where they are made anew", "wait-for-deletions", "wait-for-deletions-delay=", "wait-for-deletions-max=")
	e.Idle(cmd, "all objects are followed at once", "iterative-status-check")
	e.Idle(cmd, "objects have the label of what made them", "add-skaffold-labels")
}

// options are what a loop works with.
func (d *deployment) options(ctx context.Context, command string) (o devloop.Options, p skaffold.Project, err error) {
	if p, err = d.sound(command); err != nil {
		return o, p, err
	}
	d.take(p.Deploy.KubeContext)
	o.Config, err = d.Config()
	if err != nil {
		return o, p, err
	}
	if o.Namespace, err = d.Kube.Namespace(); err != nil {
		return o, p, err
	}
	if o.WhereManifestsGo = d.namespace == ""; !o.WhereManifestsGo {
		o.Namespace = d.namespace
	}
	if o.Labels, err = pairsOf("--label", d.labels); err != nil {
		return o, p, err
	}
	if o.Forward, err = forwardMode(d.forward); err != nil {
		return o, p, err
	}
	if o.Keys, err = manifests.Keys(); err != nil {
		return o, p, err
	}
	o.Root, o.Context, o.User = d.root, d.Kube.ContextName(), userName()
	o.Notes = filepath.Join(kit.DataHome(), "cyan", "dev")
	o.Logs.Off = !d.tail
	o.Registries = d.registries()
	if err := d.pushTo(ctx, &o, p.Artifacts); err != nil {
		return o, p, err
	}
	now := time.Now()
	o.Tag = func(a skaffold.Artifact) string { return d.tagOf(ctx, a, now) }
	o.Read = func(tree fs.FS) (skaffold.Project, error) { return d.again(tree, command) }
	return o, p, nil
}

// take has the context that a file names count, unless a flag names one.
func (d *deployment) take(context string) {
	if _, named := d.Kube.Named(); context != "" && named == "" {
		d.Kube.UseContext(context)
	}
}

// pushTo decides where images are pushed: where a flag, the user's settings or the cluster say; otherwise by their
// names. Images that a file has stay on this machine go to no registry that nobody has named.
func (d *deployment) pushTo(ctx context.Context, o *devloop.Options, all []skaffold.Artifact) error {
	if err := d.findRegistry(ctx, func() (*rest.Config, error) { return o.Config, nil }); err != nil {
		return err
	}
	if i := slices.IndexFunc(all, func(a skaffold.Artifact) bool { return a.Unpushed }); i >= 0 && d.registry == "" && d.defaultRepo == "" {
		return &problem.Error{
			Kind: problem.Usage, File: all[i].Position.File, Line: all[i].Position.Line, Object: "image " + all[i].Image, Cause: "not pushed, as build.local.push is false, and the cluster names no registry of its own in ConfigMap local-registry-hosting of kube-public",
			Remedy: "give --default-repo with a registry that nodes pull from, or remove build.local.push",
		}
	}
	if d.registry != "" {
		o.Registries.Mirrors = append(o.Registries.Mirrors, d.registry)
	}
	o.Repository = func(name string) string { return d.repositoryOf(bare(name)) }
	return nil
}

// again reads the project for a loop.
func (d *deployment) again(tree fs.FS, command string) (skaffold.Project, error) {
	d.tree = tree
	p, err := d.sound(command)
	if err != nil {
		return p, err
	}
	if d.platform != "" {
		for i := range p.Artifacts {
			p.Artifacts[i].Platforms = []string{d.platform}
		}
	}
	if d.skipTests {
		for i := range p.Artifacts {
			p.Artifacts[i].Tests = nil
		}
	}
	if p.Artifacts, err = d.wanted(p.Artifacts); err != nil {
		return p, err
	}
	if d.namespace != "" {
		p.Manifests = inNamespace(p.Manifests, "")
	}
	if len(d.files) > 0 {
		return d.ofFiles(p)
	}
	return p, nil
}

// ofFiles returns a project that deploys files, and builds nothing.
func (d *deployment) ofFiles(p skaffold.Project) (skaffold.Project, error) {
	p.Artifacts, p.Manifests = nil, skaffold.Manifests{}
	for _, file := range d.files {
		full, err := filepath.Abs(file)
		if err == nil {
			full, err = filepath.Rel(d.root, full)
		}
		if err != nil || !filepath.IsLocal(full) {
			return p, kit.Usage(file, "not below "+d.root, "call it from the repository of the file")
		}
		p.Manifests.Raw = append(p.Manifests.Raw, skaffold.Raw{Pattern: filepath.ToSlash(full)})
	}
	return p, nil
}

// inNamespace has objects that name no namespace go to one; "" is that of the deployment.
func inNamespace(m skaffold.Manifests, namespace string) skaffold.Manifests {
	m.Kustomize, m.Raw = slices.Clone(m.Kustomize), slices.Clone(m.Raw)
	for i := range m.Kustomize {
		m.Kustomize[i].Namespace = namespace
	}
	for i := range m.Raw {
		m.Raw[i].Namespace = namespace
	}
	return m
}

// forwardMode parses --port-forward.
func forwardMode(values []string) (devloop.ForwardMode, error) {
	mode := devloop.ForwardOff
	for _, value := range values {
		switch value {
		case "off", "false", "none":
			return devloop.ForwardOff, nil
		case "true", "services":
			mode = devloop.ForwardServices
		case "user", "compat":
			if mode == devloop.ForwardOff {
				mode = devloop.ForwardUser
			}
		case "debug":
			// Ports of debuggers are forwarded where programs are debugged.
		case "pods":
			return "", kit.Usage("--port-forward", "ports of all pods are not forwarded", "forward services, or name a pod in portForward")
		default:
			return "", kit.Usage("--port-forward", fmt.Sprintf("unknown value %q", value), "give user, services or off")
		}
	}
	return mode, nil
}

func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return orElse(os.Getenv("USER"), "user")
}
