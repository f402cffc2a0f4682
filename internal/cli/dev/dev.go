// Package dev is the command dev: what is edited runs in the cluster.
package dev

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	checks "github.com/cyan-cd/cyan/internal/cli/skaffold"
	"github.com/cyan-cd/cyan/internal/devloop"
	"github.com/cyan-cd/cyan/internal/image"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// Wiring is what the program puts in from elsewhere.
type Wiring struct {
	// Rollouts carries out the Rollouts of a namespace with an instance ID until ctx ends; ready is called once it does.
	Rollouts func(ctx context.Context, config *rest.Config, namespace, instance string, ready func()) error
	// Show runs a loop until ctx ends and shows it, as Show of this package does.
	Show func(ctx context.Context, e *kit.Env, o devloop.Options, how Display) error
}

// command is `cyan dev`: its flags.
type command struct {
	*kit.Env
	Wiring
	file, namespace, registry string
	profiles, modules         []string
	overlay                   string
	images                    []string
	cleanup                   cleanup
	showBuild, check          bool
	consent                   checks.Consent
	tail                      bool
	logs                      devloop.LogOptions
	forward                   string
	display                   Display
	debug                     bool
	place                     checks.InPlace
	registryMirrors           []string
	insecureRegistry          bool
}

// New makes the command dev.
func New(e *kit.Env, w Wiring) *cobra.Command {
	c := &command{Env: e, Wiring: w}
	cmd := &cobra.Command{
		Use:     "dev [FOLDER]",
		GroupID: "develop",
		Short:   "Run what you edit: every save is built and running in the cluster",
		Long: `Run what you edit: each save is built, pushed, applied to a namespace of your own and followed until it is ready, or until it is clear why it is not.

What is built and deployed is read from skaffold.yaml or cyan.yaml; --overlay and --image do without a file. Objects go to the namespace dev-USER-APP, which
the loop makes and, at Ctrl-C, removes with all that is in it; with --namespace they go to one that is there, and only what the loop has made is removed.
What a crash has left is taken over by the next start, or removed by cyan dev --cleanup.

With --in-place the loop works on the very objects that an Application manages. That hands them over: it is compared as ever, and nothing of it is synced until the
loop ends. Then what git wants is applied again, and what the loop added goes. Of a blue-green Rollout the preview alone shows a save, unless --promote switches to it.

On a terminal the loop is a dashboard: r rebuilds, R restarts the pods, o opens a port in the browser, / filters the logs, ? shows all keys, q ends. Elsewhere,
and with --plain, it is lines.`,
		Example: `  cyan dev                                    # what skaffold.yaml or cyan.yaml here says
  cyan dev -f k8s/skaffold.yml -p local
  cyan dev --overlay k8s/overlays/local --image shop=./cmd/shop      # without a file
  cyan dev --debug                            # Go programs under Delve, with the settings of editors
  cyan dev --plain --log-filter error         # lines, and of the logs those with a text
  cyan dev --tail=false --port-forward=off    # neither logs nor ports
  cyan dev --in-place                         # on the objects of the Application that deploys them
  cyan dev --in-place --promote               # and the traffic goes to each save
  cyan dev --cleanup=false                    # leave what runs at the end`,
		Args: kit.AtMost(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			folder := "."
			if len(args) > 0 {
				folder = args[0]
			}
			return c.run(cmd, folder)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&c.file, "filename", "f", "", "skaffold.yaml or cyan.yaml (default: the one in the folder)")
	flags.StringSliceVarP(&c.profiles, "profile", "p", nil, "profiles of it; one that begins with - is switched off")
	flags.StringSliceVarP(&c.modules, "module", "m", nil, "modules of it (default: all)")
	flags.StringVar(&c.overlay, "overlay", "", "without a file: folder of the kustomization, or of the manifests, that is deployed")
	flags.StringArrayVar(&c.images, "image", nil, "without a file: NAME=PACKAGE of a Go main package, or NAME=DOCKERFILE, by the name that the manifests have; may be repeated")
	flags.StringVarP(&c.namespace, "namespace", "n", "", "namespace that is there already (default: dev-USER-APP, made and removed by the loop)")
	c.place.Register(flags)
	flags.StringVarP(&c.registry, "default-repo", "d", "", "HOST or HOST/PATH that images are pushed to and nodes pull from (default: the registry of the local cluster)")
	flags.StringSliceVar(&c.registryMirrors, "registry-mirror", nil, "HOST:PORT of a registry that is asked first for base images, whatever their name")
	flags.BoolVar(&c.insecureRegistry, "insecure-registry", false, "speak plain HTTP to registries that are not on this machine")
	c.cleanup = cleanAtEnd
	flags.Var(&c.cleanup, "cleanup", "false leaves what runs at the end; without a value, what loops have left that run no more is removed, and nothing else done")
	flags.Lookup("cleanup").NoOptDefVal = string(cleanNow)
	flags.BoolVar(&c.check, "check", false, "print what of the file is honoured, what is not, and why; nothing is built, and no cluster is needed")
	flags.StringVar(&c.forward, "port-forward", "auto", "ports that are forwarded: auto (those of the file; of all Services if it names none), user, services or off")
	flags.Lookup("port-forward").NoOptDefVal = string(devloop.ForwardServices)
	flags.BoolVar(&c.tail, "tail", true, "show the logs of the pods")
	flags.DurationVar(&c.logs.Since, "since", 0, "how far back the logs go of what runs already")
	flags.StringVar(&c.logs.Filter, "log-filter", "", "only lines of logs that hold this text")
	flags.BoolVar(&c.debug, "debug", false, "compile Go programs for a debugger, start them under Delve, and forward its port")
	flags.BoolVar(&c.display.Plain, "plain", false, "print lines, each of which stays, also on a terminal")
	c.consent.Bind(flags)
	flags.BoolVar(&c.showBuild, "show-build", false, "show what builders print")
	return cmd
}

// explain prints what of the file is honoured.
func (c *command) explain(folder string) error {
	root, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	disk, err := os.OpenRoot(root)
	if err != nil {
		return kit.Usage("folder "+folder, err.Error(), "give the folder of the app")
	}
	defer func() { _ = disk.Close() }()
	result, err := skaffold.Check(disk.FS(), c.file, c.options(root))
	if err != nil {
		return err
	}
	return checks.Show(c.Env, result, kit.Format{})
}

func (c *command) options(root string) skaffold.Options {
	_, named := c.Kube.Named()
	return skaffold.Options{
		Folder: filepath.Base(root), Profiles: c.profiles, Modules: c.modules, Command: "dev", KubeContext: c.Kube.ContextName(), KubeContextGiven: named != "", Env: environment(),
	}
}

func (c *command) run(cmd *cobra.Command, folder string) error {
	if c.check {
		return c.explain(folder)
	}
	// What is wrong with the flags is known before anything is asked.
	logs, forward, err := c.shown()
	if err != nil {
		return err
	}
	inPlace, err := c.place.Options(checks.NotInPlace(c.namespace != "", c.cleanup == cleanNever)...)
	if err != nil {
		return err
	}
	root, err := filepath.Abs(folder)
	if err == nil && c.cleanup != cleanNow {
		err = c.beforehand(root)
	}
	if err != nil {
		return err
	}
	notes := filepath.Join(kit.DataHome(), "cyan", "dev")
	config, err := c.Config()
	if err != nil {
		return err
	}
	if c.cleanup == cleanNow {
		return c.cleanUp(cmd.Context(), config, notes)
	}
	o := devloop.Options{
		Root: root, Config: config, Context: c.Kube.ContextName(), Namespace: c.namespace, User: userName(), Notes: notes, Keep: c.cleanup == cleanNever,
		Registries: image.Registries{Mirrors: c.registryMirrors, Insecure: c.insecureRegistry},
		Read:       func(tree fs.FS) (skaffold.Project, error) { return c.read(tree, root) },
	}
	o.Logs, o.Forward, o.InPlace = logs, forward, inPlace
	if o.Keys, err = manifests.Keys(); err != nil {
		return err
	}
	if o.Registry, err = c.findRegistry(cmd.Context(), config); err != nil {
		return err
	}
	o.Registries.Mirrors = append(o.Registries.Mirrors, hostOf(o.Registry))
	if c.registry != "" {
		registry := o.Registry
		o.Repository = func(name string) string { return skaffold.Repository(registry, strings.ToLower(name)) }
	}
	o.ShowBuild = c.showBuild
	if c.Rollouts != nil {
		o.Rollouts = func(ctx context.Context, namespace, instance string, ready func()) error {
			return c.Rollouts(ctx, config, namespace, instance, ready)
		}
	}
	if c.debug {
		program, err := c.delve(cmd.Context())
		if err != nil {
			return err
		}
		o.Debug = &devloop.DebugOptions{Delve: program}
	}
	return c.Show(cmd.Context(), c.Env, o, c.display)
}

// shown are the logs and the ports that the flags ask for.
func (c *command) shown() (devloop.LogOptions, devloop.ForwardMode, error) {
	logs := c.logs
	logs.Off = !c.tail
	if logs.Since < 0 {
		return logs, "", kit.Usage("--since", fmt.Sprintf("%s is negative", logs.Since), "give how far back, such as 10m")
	}
	forward, err := forwardMode(c.forward)
	return logs, forward, err
}

// forwardMode parses --port-forward.
func forwardMode(text string) (devloop.ForwardMode, error) {
	switch text {
	case "auto", "true":
		return devloop.ForwardAuto, nil
	case "user", "services", "off":
		return devloop.ForwardMode(text), nil
	case "false", "none":
		return devloop.ForwardOff, nil
	}
	return "", kit.Usage("--port-forward", fmt.Sprintf("unknown value %q", text), "give one of auto, user, services, off")
}

func hostOf(registry string) string {
	host, _, _ := strings.Cut(registry, "/")
	return host
}

// userName names who develops.
func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return cmp.Or(os.Getenv("USER"), "user")
}

// findRegistry returns where images are pushed: where a flag says, else to the registry that the cluster names as its
// own.
func (c *command) findRegistry(ctx context.Context, config *rest.Config) (string, error) {
	registry := strings.TrimSuffix(c.registry, "/")
	if registry == "" {
		var err error
		if registry, err = devloop.RegistryOf(ctx, config); err != nil {
			return "", c.Explain(err, "looking for its registry")
		}
	}
	if registry == "" {
		return "", kit.Usage("--default-repo", "not given, and context "+c.Kube.ClusterName()+" names no registry in ConfigMap local-registry-hosting of kube-public, as a cluster of `cyan local up` does",
			"name a registry that this machine pushes to and the nodes pull from")
	}
	return registry, image.ParseRepository(registry + "/x")
}

// read reads the project of the flags or of a file.
func (c *command) read(tree fs.FS, root string) (skaffold.Project, error) {
	if c.overlay != "" || len(c.images) > 0 {
		return c.fromFlags(tree, root)
	}
	project, findings, err := skaffold.Read(tree, c.file, c.options(root))
	if err != nil {
		return project, err
	}
	for _, f := range findings {
		if f.Severity != skaffold.Error {
			c.Note("%s: %s", f.Severity, f)
		}
	}
	if wrong := skaffold.Errors(findings); len(wrong) > 0 {
		lines := make([]string, len(wrong))
		for i, f := range wrong {
			lines[i] = f.String()
		}
		return project, &problem.Error{Kind: problem.Usage, Cause: strings.Join(lines, "\n")}
	}
	return c.consent.Of(c.Env, project)
}

// environment returns the variables of the process.
func environment() map[string]string {
	env := map[string]string{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	return env
}

// fromFlags is a project without a file.
func (c *command) fromFlags(tree fs.FS, root string) (skaffold.Project, error) {
	if c.file != "" || c.overlay == "" || len(c.images) == 0 {
		return skaffold.Project{}, kit.Usage("--overlay, --image", "given only in part, or with a file", "give both without -f, or neither")
	}
	p := skaffold.Project{Name: filepath.Base(root), Deploy: skaffold.Deploy{StatusCheck: true}}
	p.Manifests.Kustomize = []skaffold.Kustomization{{Path: filepath.ToSlash(filepath.Clean(c.overlay))}}
	for _, text := range c.images {
		name, from, ok := strings.Cut(text, "=")
		if !ok || name == "" || from == "" {
			return p, kit.Usage("--image", fmt.Sprintf("%q is not of the form NAME=PACKAGE", text), "give the image's name in the manifests, and what it is built from")
		}
		a := skaffold.Artifact{Image: name, Context: "."}
		if info, err := fs.Stat(tree, filepath.ToSlash(filepath.Clean(from))); err == nil && !info.IsDir() {
			a.Docker = &skaffold.Docker{Dockerfile: filepath.ToSlash(filepath.Clean(from))}
		} else {
			a.Go = &skaffold.Go{Dir: ".", Main: from}
		}
		p.Artifacts = append(p.Artifacts, a)
	}
	return p, nil
}

// cleanUp removes what loops have left that do not run any more.
func (c *command) cleanUp(ctx context.Context, config *rest.Config, folder string) error {
	removed, err := devloop.CleanUp(ctx, config, folder)
	for _, line := range removed.Removed {
		if said := c.Say("removed " + line); said != nil {
			return said
		}
	}
	for _, line := range removed.Kept {
		if said := c.Say(line); said != nil {
			return said
		}
	}
	if err == nil && len(removed.Removed) == 0 {
		return c.Say("Nothing is left of loops that do not run any more.")
	}
	return err
}

// cleanup is when what a loop has made is removed.
type cleanup string

const (
	cleanAtEnd cleanup = "true"
	cleanNever cleanup = "false"
	// cleanNow removes what was left before, and does nothing else.
	cleanNow cleanup = "now"
)

// Set parses the flag.
func (c *cleanup) Set(value string) error {
	switch cleanup(value) {
	case cleanAtEnd, cleanNever, cleanNow:
		*c = cleanup(value)
		return nil
	}
	return fmt.Errorf("%q is neither true nor false", value)
}

// String returns the value.
func (c *cleanup) String() string { return string(*c) }

// Type is what help shows of the value.
func (c *cleanup) Type() string { return "bool" }
