package cluster

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cluster"
)

// execFlags are a program that prints the token of a cluster, in place of a service account.
type execFlags struct {
	command, version, hint string
	args                   []string
	env                    map[string]string
}

func (f *execFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.command, "exec-command", "", "program that prints a token, in place of a service account; `cyan server --exec-provider-allow` has to allow it")
	flags.StringArrayVar(&f.args, "exec-command-args", nil, "an argument of it; may be repeated")
	flags.StringToStringVar(&f.env, "exec-command-env", nil, "NAME=VALUE in its environment")
	flags.StringVar(&f.version, "exec-command-api-version", "client.authentication.k8s.io/v1", "version of what it reads and prints")
	flags.StringVar(&f.hint, "exec-command-install-hint", "", "what to tell where it is not installed")
}

// check wants the program where there is anything about it.
func (f *execFlags) check() error {
	if f.command == "" && (len(f.args) > 0 || len(f.env) > 0 || f.hint != "") {
		return kit.Usage("--exec-command", "missing", "name the program that --exec-command-args and the others are about")
	}
	return nil
}

// program is nil where none was given.
func (f *execFlags) program() *cluster.ExecProgram {
	if f.command == "" {
		return nil
	}
	return &cluster.ExecProgram{Command: f.command, Args: f.args, Env: f.env, APIVersion: f.version, InstallHint: f.hint}
}
