package skaffold

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/devloop"
)

// dev is `skaffold dev`: its flags.
type dev struct {
	deployment
	command string
	cleanup bool
	place   InPlace
}

// NewDev makes the command dev of the skaffold program: the loop, where that program has it.
func NewDev(e *kit.Env, w Wiring) *cobra.Command {
	cmd := newLoop(e, w, "dev")
	cmd.Short = "Run what you edit: every save is built and running in the cluster"
	cmd.Long = `Run what you edit: each save of what a skaffold.yaml names is built, pushed, applied and followed.

Objects go to the namespace of the context, or to the one that the manifests or --namespace name. At Ctrl-C what the loop has made is removed, and nothing else. What an
Application deploys is not touched: the loop refuses to begin, before anything is built, but with --in-place, which hands it over for as long as the loop runs. cyan dev
works in a namespace of its own.`
	cmd.Example = `  skaffold dev -p local --port-forward -f k8s/skaffold.yml
  skaffold dev -n shop --cleanup=false
  skaffold dev --in-place                         # on the objects of the Application that deploys them`
	return cmd
}

// NewDebug makes the command debug of the skaffold program: the same with Go programs under a debugger.
func NewDebug(e *kit.Env, w Wiring) *cobra.Command {
	cmd := newLoop(e, w, "debug")
	cmd.Short = "Run what you edit, with Go programs under Delve"
	cmd.Long = "Run what you edit as skaffold dev does, with Go programs compiled for a debugger and started under Delve, whose ports are forwarded. Other programs run as they are."
	cmd.Example = "  skaffold debug -p local -f k8s/skaffold.yml"
	return cmd
}

func newLoop(e *kit.Env, w Wiring, name string) *cobra.Command {
	c := &dev{deployment: newDeployment(e, w), command: name}
	cmd := &cobra.Command{
		Use: name, Annotations: map[string]string{kit.OfSkaffold: name}, Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	c.bind(flags)
	c.bindDeploy(cmd, true)
	flags.BoolVar(&c.cleanup, "cleanup", true, "remove what the loop has made at its end")
	c.place.Register(flags)
	c.idleBuild(cmd)
	e.Idle(cmd, "files are watched, and looked at where the system has no room for watches", "i,watch-poll-interval=")
	e.Idle(cmd, "a failure ends nothing", "keep-running-on-failure", "tolerate-failures-until-deadline")
	e.Idle(cmd, "what is deployed is always followed until it is ready", "status-check")
	e.Idle(cmd, "images are removed nowhere", "no-prune", "no-prune-children")
	onlyAs(cmd, "trigger", "notify", "files are watched")
	flags.VarPF(onlyValue{why: "all images are watched; choose modules with --module"}, "watch-image", "w", "not served").Hidden = true
	onlyAs(cmd, "digest-source", "local", "images are built by the loop")
	for _, name := range []string{"auto-build", "auto-sync", "auto-deploy"} {
		onlyAs(cmd, name, "true", "every save is built, copied and deployed")
		cmd.Flags().Lookup(name).NoOptDefVal = "true"
	}
	return cmd
}

func (c *dev) run(ctx context.Context) error {
	place, err := c.place.Options(append(NotInPlace(c.namespace != "", !c.cleanup), Given{"--label", len(c.labels) > 0, "objects have the labels that git gives them"})...)
	if err != nil {
		return err
	}
	o, _, err := c.options(ctx, c.command)
	if err != nil {
		return err
	}
	if c.command == "debug" {
		program, err := c.Delve(ctx, c.Env)
		if err != nil {
			return err
		}
		o.Debug = &devloop.DebugOptions{Delve: program}
	}
	o.Keep = !c.cleanup
	o.InPlace = place
	if c.Rollouts != nil {
		config := rest.CopyConfig(o.Config)
		o.Rollouts = func(ctx context.Context, namespace, instance string, ready func()) error {
			return c.Rollouts(ctx, config, namespace, instance, ready)
		}
	}
	return c.Show(ctx, c.Env, o)
}

// onlyValue is a flag of which one value is served.
type onlyValue struct{ name, served, why string }

// onlyAs adds a flag of which one value is served, for a reason.
func onlyAs(cmd *cobra.Command, name, served, why string) {
	cmd.Flags().VarPF(onlyValue{name, served, why}, name, "", "only "+served+": "+why).Hidden = true
}

// Set refuses every other value.
func (v onlyValue) Set(value string) error {
	if v.served != "" && strings.EqualFold(value, v.served) {
		return nil
	}
	return fmt.Errorf("not served by Cyan: %s", v.why)
}

// String returns no default.
func (v onlyValue) String() string { return "" }

// Type is what help shows of the value.
func (v onlyValue) Type() string { return "string" }
