// Package kit is what every command stands on: the streams it reads and writes, the cluster it works on, its
// arguments, and what it says when something is wrong.
package kit

import (
	"context"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// The names that the program answers to.
const (
	NameCyan    = "cyan"
	NameArgoCD  = "argocd"
	NamePlugin  = "kubectl-argo-rollouts"
	NameKubectl = "kubectl-cyan"
	// These check manifests, and have no commands.
	NameKubeval     = "kubeval"
	NameKubeconform = "kubeconform"
	// NameKustomize is that of the program that builds kustomizations.
	NameKustomize = "kustomize"
	// NameSkaffold is that of the program whose files a dev loop reads.
	NameSkaffold = "skaffold"
)

// OfSkaffold is the annotation of a command that is wired elsewhere and that the skaffold program has too.
const OfSkaffold = "skaffold"

// Env is what every command works with.
type Env struct {
	Streams
	Kube    Connection
	Server  ServerFlags
	Version string
	// Program is the name that the program was called by, one of the Name constants.
	Program string
}

// Scheme returns the core kinds and those of argoproj.io.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			panic(err)
		}
	}
	return s
}

// Connect returns a client of the cluster that the flags and the kubeconfig name.
func (e *Env) Connect() (client.WithWatch, error) {
	if err := e.Server.refuse(); err != nil {
		return nil, err
	}
	return connect(e)
}

func connect(e *Env) (client.WithWatch, error) {
	config, err := e.Config()
	if err != nil {
		return nil, err
	}
	if e.Kube.verbose > 0 {
		e.Note("using %s (context %s)", config.Host, e.Kube.ContextName())
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: Scheme()})
	if err != nil {
		return nil, e.Explain(err, "")
	}
	return &recording{WithWatch: c, user: e.Kube.UserName(), program: NameCyan}, nil
}

// Config returns how a command reaches the API server. The server's warnings are not shown in the middle of a
// command's output.
func (e *Env) Config() (*rest.Config, error) {
	config, err := e.Kube.Config()
	if err != nil {
		return nil, err
	}
	config.UserAgent = "cyan-cli"
	config.WarningHandler = rest.NoWarnings{}
	return config, nil
}

// ReadInput reads a file, or standard input for -.
func (e *Env) ReadInput(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(e.In)
	}
	return os.ReadFile(name)
}

// ContextOf returns a command's context; a completion may be run without one.
func ContextOf(cmd *cobra.Command) context.Context {
	if ctx := cmd.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}

// Command returns a command line of the program as it was called, in the backquotes of a message.
func (e *Env) Command(format string, args ...any) string {
	program := e.Program
	if program == NameKubectl {
		program = "kubectl cyan"
	}
	return "`" + program + " " + fmt.Sprintf(format, args...) + "`"
}
