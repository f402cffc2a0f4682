// Package cli is the command line: the commands people type, under the names they know them by, and what those show.
//
// It speaks to the Kubernetes API alone. A command gathers objects, hands them to a screen (a pure function to text), or writes one of our kinds.
package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/term"
)

// The names that the program answers to.
const (
	nameCyan    = "cyan"
	nameArgoCD  = "argocd"
	namePlugin  = "kubectl-argo-rollouts"
	nameKubectl = "kubectl-cyan"
)

// Streams are what a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Standard are the process's own streams.
func Standard() Streams { return Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr} }

// env is what every command works with.
type env struct {
	Streams
	kube    connection
	version string
	// program is one of the names above.
	program string
}

// terminal is where Out goes.
func (e *env) terminal() term.Terminal { return term.Detect(e.Out, os.Getenv) }

// New makes the root command for the name that the program is called by, which is argv[0]; an unknown name gives cyan's.
func New(argv0, version string, streams Streams) *cobra.Command {
	e := &env{Streams: streams, version: version, program: programName(argv0)}
	var root *cobra.Command
	switch e.program {
	case nameArgoCD:
		root = newArgoCDRoot(e)
	case namePlugin:
		root = newPluginRoot(e)
	default:
		root = newCyanRoot(e)
	}
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &Trouble{Problem: err.Error(), Remedy: "`" + cmd.CommandPath() + " --help` lists its flags", Code: codeUsage}
	})
	return root
}

// Native says that the program is called by a name of its own, so that commands which only Cyan has belong there.
func Native(argv0 string) bool {
	name := programName(argv0)
	return name == nameCyan || name == nameKubectl
}

func programName(argv0 string) string {
	name := strings.TrimSuffix(filepath.Base(argv0), ".exe")
	switch name {
	case nameArgoCD, namePlugin, nameKubectl:
		return name
	}
	return nameCyan
}

// Groups of commands in --help.
const (
	groupApps     = "apps"
	groupRollouts = "rollouts"
	groupSetup    = "setup"
	// GroupRun is for commands that run Cyan itself.
	GroupRun = "run"
	// GroupDeliver is for commands that build and deliver.
	GroupDeliver = "deliver"
)

func newCyanRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   e.program,
		Short: "Take a commit to live traffic on Kubernetes",
		Long: `Take a commit to live traffic on Kubernetes.

Cyan watches git, syncs the cluster, and replaces the running version by blue-green without losing a request.` + kubeconfigHelp,
		Example: `  cyan local up                                   # a Kubernetes cluster on this machine
  cyan server                                     # the controllers, against the cluster of your kubeconfig
  cyan app create shop --repo https://git.example/shop --path k8s --dest-namespace default --sync-policy automated
  cyan rollout get shop --watch                   # see a new version come up and take over`,
		Version: e.version,
	}
	if e.program == nameKubectl {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl cyan"}
	}
	e.kube.bind(root, nativeFlags)
	root.AddGroup(
		&cobra.Group{ID: groupApps, Title: "Applications, from git to the cluster:"},
		&cobra.Group{ID: groupRollouts, Title: "Rollouts, from one version to the next:"},
		&cobra.Group{ID: GroupDeliver, Title: "From a commit to an image and back to git:"},
		&cobra.Group{ID: GroupRun, Title: "Run Cyan:"},
		&cobra.Group{ID: groupSetup, Title: "Set up:"},
	)
	root.AddCommand(
		inGroup(groupApps, newAppCommand(e)), inGroup(groupApps, newRenderCommand(e)),
		inGroup(groupRollouts, newRolloutCommand(e)),
		inGroup(groupSetup, newClusterCommand(e)), inGroup(groupSetup, newRepoCommand(e)), inGroup(groupSetup, newProjectCommand(e)),
		newVersionCommand(e),
	)
	return root
}

func inGroup(id string, cmd *cobra.Command) *cobra.Command {
	cmd.GroupID = id
	return cmd
}

func newVersionCommand(e *env) *cobra.Command {
	var short bool
	cmd := &cobra.Command{
		Use:               "version",
		Short:             "Print the version",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		Example:           "  cyan version",
		RunE: func(*cobra.Command, []string) error {
			line := "cyan " + e.version
			if short {
				line = e.version
			}
			return e.say(line)
		},
	}
	cmd.Flags().BoolVar(&short, "short", false, "the number alone")
	return cmd
}
