package kit

import (
	"cmp"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/cli/remote"
	"github.com/cyan-cd/cyan/internal/problem"
)

// ServerFlags choose a server that commands go through, with the rights of who has logged in to it.
type ServerFlags struct {
	// Config is the file that log-ins are kept in, and Context the one of them that is used.
	Config, Context string
	// Insecure takes whatever certificate the server has, and Plain has it reached without one.
	Insecure, Plain bool
	// Core uses the cluster of the kubeconfig whoever is logged in.
	Core    bool
	Root    string
	CAFile  string
	Headers []string

	address, token string
	flags          *pflag.FlagSet
}

// Bind adds the flags to a root command.
func (f *ServerFlags) Bind(root *cobra.Command) {
	flags := pflag.NewFlagSet("server", pflag.ContinueOnError)
	flags.StringVar(&f.address, "server", "", "go through this server (HOST:PORT), with the rights of who has logged in; $ARGOCD_SERVER")
	flags.StringVar(&f.token, "auth-token", "", "a token for it; $ARGOCD_AUTH_TOKEN, which others of the machine do not see")
	flags.StringVar(&f.Config, "config", remote.DefaultPath(), "file that log-ins are kept in")
	flags.StringVar(&f.Context, "argocd-context", "", "the log-in that is used, of those in that file")
	flags.BoolVar(&f.Insecure, "insecure", false, "take whatever certificate the server has")
	flags.BoolVar(&f.Plain, "plaintext", false, "reach the server by plain HTTP")
	flags.BoolVar(&f.Core, "core", false, "use the cluster of the kubeconfig, whoever is logged in")
	flags.StringVar(&f.Root, "grpc-web-root-path", "", "path that the server is below")
	flags.StringVar(&f.CAFile, "server-crt", "", "file with certificates that are trusted for the server (PEM)")
	flags.StringArrayVarP(&f.Headers, "header", "H", nil, "NAME: VALUE to be sent with each request; may be repeated")
	flags.Lookup("config").DefValue = "~/.config/argocd/config"
	flags.VisitAll(func(flag *pflag.Flag) {
		flag.Hidden = flag.Name != "server" && flag.Name != "core" && flag.Name != "auth-token"
	})
	root.PersistentFlags().AddFlagSet(flags)
	f.flags = root.PersistentFlags()
}

// named reports whether a flag names a server.
func (f *ServerFlags) named() bool { return f.flags != nil && f.flags.Changed("server") && !f.Core }

// chosen returns the server that commands go through; false where they use the kubeconfig.
func (f *ServerFlags) chosen(kube *Connection) (remote.Server, bool, error) {
	kubeconfig, kubeContext := kube.Named()
	address := cmp.Or(f.address, os.Getenv("ARGOCD_SERVER"))
	switch {
	case f.flags == nil || f.Core:
		return remote.Server{}, false, nil
	case address == "" && f.Context == "" && kubeconfig+kubeContext != "":
		// Who names a cluster means it.
		return remote.Server{}, false, nil
	}
	config, err := remote.ReadConfig(f.Config)
	if err != nil {
		return remote.Server{}, false, err
	}
	var s remote.Server
	if address == "" || f.Context != "" {
		known, is, err := config.Server(f.Context)
		if err != nil || !is && address == "" {
			return known, false, err
		}
		s = known
	}
	if address != "" {
		if s, err = f.at(config, address); err != nil {
			return s, false, err
		}
	}
	f.complete(&s)
	return s, true, nil
}

// at returns a server that is named by its address, with what a log-in to it has.
func (f *ServerFlags) at(config *remote.Config, address string) (remote.Server, error) {
	s, err := remote.ParseAddress(address)
	if err != nil {
		return s, err
	}
	for _, context := range config.Contexts() {
		if context.Server != s.Address || f.Context != "" && f.Context != context.Name {
			continue
		}
		known, is, err := config.Server(context.Name)
		if err != nil || !is {
			return s, err
		}
		known.Plain = known.Plain || s.Plain
		return known, nil
	}
	return s, nil
}

// complete has flags and the environment go before what is written.
func (f *ServerFlags) complete(s *remote.Server) {
	s.Token = cmp.Or(f.token, os.Getenv("ARGOCD_AUTH_TOKEN"), s.Token)
	s.Insecure, s.Plain = s.Insecure || f.Insecure, s.Plain || f.Plain
	s.Root, s.CAFile, s.Headers = cmp.Or(f.Root, s.Root), cmp.Or(f.CAFile, s.CAFile), f.Headers
}

// At returns the server of an address, as the flags have it reached.
func (f *ServerFlags) At(address string) (remote.Server, error) {
	s, err := remote.ParseAddress(address)
	if err == nil {
		f.complete(&s)
	}
	return s, err
}

// Remote returns the server that a command goes through; false where it uses the kubeconfig.
func Remote(e *Env) (remote.Server, bool, error) {
	s, is, err := e.Server.chosen(&e.Kube)
	if err == nil && is && s.Token == "" {
		err = &problem.Error{Kind: problem.Refused, Object: "server " + s.Address, Cause: "not logged in", Remedy: "log in with " + e.Command("login %s", s.Address) + ", or give a token by $ARGOCD_AUTH_TOKEN, or use the kubeconfig with --core"}
	}
	return s, is, err
}

// ConnectServed returns a client of the Applications: through the server where one is chosen, else in the cluster.
func (c *Control) ConnectServed() (client.WithWatch, error) {
	s, is, err := Remote(c.Env)
	if err != nil {
		return nil, err
	}
	if !is {
		return connect(c.Env)
	}
	return remote.NewApplications(s, Scheme(), c.usual), nil
}

// refuse returns an error where a server is named to a command that does not go through one.
func (f *ServerFlags) refuse() error {
	if !f.named() {
		return nil
	}
	return Usage("--server", "given to a command that reads the cluster itself, with the rights of the kubeconfig", "leave it out, or add --core")
}
