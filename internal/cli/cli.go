// Package cli is the command line: the commands people type, under the names they know them by. It composes the tree
// of commands; each noun has a package of its own, over kit.
package cli

import (
	"cmp"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/account"
	"github.com/cyan-cd/cyan/internal/cli/admin"
	"github.com/cyan-cd/cyan/internal/cli/app"
	"github.com/cyan-cd/cyan/internal/cli/cluster"
	"github.com/cyan-cd/cyan/internal/cli/delivery"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/login"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	"github.com/cyan-cd/cyan/internal/cli/project"
	"github.com/cyan-cd/cyan/internal/cli/repo"
	"github.com/cyan-cd/cyan/internal/cli/rollout"
	"github.com/cyan-cd/cyan/internal/cli/setup"
	"github.com/cyan-cd/cyan/internal/cli/trust"
	"github.com/cyan-cd/cyan/internal/cli/validate"
)

// Constructor makes a command that is wired elsewhere, for the environment that all commands share.
type Constructor func(*kit.Env) *cobra.Command

// New makes the root command for the name that the program is called by, which is argv[0]; an unknown name is cyan's.
// run are the commands that run Cyan itself, for the names of its own.
func New(argv0, version string, streams kit.Streams, run ...Constructor) *cobra.Command {
	streams = streams.Shown()
	e := &kit.Env{Streams: streams, Version: version, Program: programName(argv0)}
	var root *cobra.Command
	notServed, flagsNotServed := argocdNotServed, argocdFlagsNotServed
	switch e.Program {
	case kit.NameArgoCD:
		root = newArgoCDRoot(e)
	case kit.NamePlugin:
		root, notServed = newPluginRoot(e), pluginNotServed
	case kit.NameKubeval:
		root = validate.NewKubeval(e)
	case kit.NameKubeconform:
		root = validate.NewKubeconform(e)
	case kit.NameKustomize:
		root, notServed, flagsNotServed = newKustomizeRoot(e), kustomizeNotServed, kustomizeFlagsNotServed
	case kit.NameSkaffold:
		root, notServed, flagsNotServed = newSkaffoldRoot(e, run), skaffoldNotServed, skaffoldFlagsNotServed
	default:
		root = newCyanRoot(e, run)
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	if root.DisableFlagParsing {
		// A program without commands: what follows are its own flags and files.
		root.SilenceErrors, root.SilenceUsage = true, true
		return root
	}
	kit.Settle(root, notServed, flagsNotServed)
	return root
}

func programName(argv0 string) string {
	name := strings.TrimSuffix(filepath.Base(argv0), ".exe")
	switch name {
	case kit.NameArgoCD, kit.NamePlugin, kit.NameKubectl, kit.NameKubeval, kit.NameKubeconform, kit.NameKustomize, kit.NameSkaffold:
		return name
	}
	return kit.NameCyan
}

// Groups of commands in --help.
const (
	groupApps     = "apps"
	groupRollouts = "rollouts"
	groupDeliver  = "deliver"
	groupRun      = "run"
	groupDevelop  = "develop"
	groupSetup    = "setup"
)

func newCyanRoot(e *kit.Env, run []Constructor) *cobra.Command {
	root := &cobra.Command{
		Use:   e.Program,
		Short: "Take a commit to live traffic on Kubernetes",
		Long: `Take a commit to live traffic on Kubernetes.

Cyan watches git, syncs the cluster, and replaces the running version by blue-green without losing a request.` + kit.KubeconfigHelp,
		Example: `  cyan local up                                   # a Kubernetes cluster on this machine
  cyan dev                                        # run what you edit, at every save
  cyan server                                     # the controllers, against the cluster of your kubeconfig
  cyan app create shop --repo https://git.example/shop --path k8s --dest-namespace default --sync-policy automated
  cyan rollout get shop --watch                   # see a new version come up and take over`,
		Version: e.Version,
	}
	if e.Program == kit.NameKubectl {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl cyan"}
	}
	e.Kube.Bind(root, kit.NativeFlags)
	e.Server.Bind(root)
	root.AddGroup(
		&cobra.Group{ID: groupDevelop, Title: "While you write code:"},
		&cobra.Group{ID: groupApps, Title: "Applications, from git to the cluster:"},
		&cobra.Group{ID: groupRollouts, Title: "Rollouts, from one version to the next:"},
		&cobra.Group{ID: groupDeliver, Title: "From a commit to an image and back to git:"},
		&cobra.Group{ID: groupRun, Title: "Run Cyan:"},
		&cobra.Group{ID: groupSetup, Title: "Set up:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, cmd := range commands {
			cmd.GroupID = group
			root.AddCommand(cmd)
		}
	}
	add(groupApps, app.New(e), manifests.New(e), validate.New(e))
	add(groupRollouts, rollout.New(e))
	add(groupDeliver, delivery.New(e), newSkaffoldGroup(e, run))
	for _, command := range run {
		cmd := command(e)
		if cmd.Annotations[kit.OfSkaffold] != "" {
			continue
		}
		add(cmp.Or(cmd.GroupID, groupRun), cmd)
	}
	add(groupSetup, cluster.New(e), repo.New(e), project.New(e), trust.NewCert(e), trust.NewGPG(e), trust.NewSigner(e), setup.NewDoctor(e), setup.NewAdopt(e), account.New(e), admin.New(e))
	add(groupSetup, login.New(e)...)
	root.AddCommand(newVersionCommand(e))
	return root
}

func newVersionCommand(e *kit.Env) *cobra.Command {
	var short, client bool
	var out kit.Format
	cmd := &cobra.Command{
		Use:               "version",
		Short:             "Print the version",
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		Example:           "  cyan version",
		RunE: func(*cobra.Command, []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			switch out.Value {
			case kit.JSON, kit.YAML:
				return e.Dump(map[string]any{"client": map[string]string{"Version": e.Version}}, out.Value)
			case "short":
				short = true
			}
			line := "cyan " + e.Version
			if short {
				line = e.Version
			}
			return e.Say(line)
		},
	}
	cmd.Flags().BoolVar(&short, "short", false, "the number alone")
	cmd.Flags().BoolVar(&client, "client", false, "of this program alone, which is what is printed anyway")
	out.Bind(cmd, kit.JSON, kit.YAML, "short", kit.Wide)
	return cmd
}
