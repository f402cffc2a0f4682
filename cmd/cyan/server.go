package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/cyan-cd/cyan/internal/controller"
)

// serverFlags are the flags of `cyan server`.
type serverFlags struct {
	kubeconfig, context  string
	address, dataDir     string
	namespace, instance  string
	logLevel             string
	poll                 time.Duration
	skipInstall, standBy bool
}

func newServerCommand() *cobra.Command {
	var f serverFlags
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run the controllers, and answer webhooks, metrics and probes",
		Long: `Run Cyan's controllers: Applications that follow git, and Rollouts that switch traffic.

Inside a cluster it works on that cluster; elsewhere on the one that the kubeconfig names, from this machine.
It serves POST /api/webhook, GET /metrics, GET /healthz and GET /readyz.`,
		Example: `  cyan server                          # on the cluster of the current context
  cyan server --context kind-dev       # from this machine, against another one
  cyan server --leader-election        # several copies that stand by for one another`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig file (default: $KUBECONFIG, ~/.kube/config, or the service account inside a cluster)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig")
	flags.StringVar(&f.address, "listen", "127.0.0.1:8080", "address for webhooks, metrics and probes; empty for none")
	flags.StringVar(&f.dataDir, "data-dir", "", "where git mirrors are kept (default: $XDG_CACHE_HOME/cyan/mirrors)")
	flags.StringVarP(&f.namespace, "app-namespace", "N", controller.DefaultControlNamespace, "namespace of Applications, AppProjects and their Secrets")
	flags.StringVar(&f.instance, "instance-id", "", "only Rollouts with this controller-instance-id label; empty: those without one")
	flags.DurationVar(&f.poll, "poll", 15*time.Second, "time between two looks at a repository")
	flags.BoolVar(&f.skipInstall, "skip-crds", false, "leave the CustomResourceDefinitions as they are")
	flags.BoolVar(&f.standBy, "leader-election", false, "work only while holding the lease, so that copies can stand by")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	return cmd
}

func (f serverFlags) run(cmd *cobra.Command) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return fmt.Errorf("--log-level %s: use debug, info, warn or error", f.logLevel)
	}
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
	config, err := f.cluster()
	if err != nil {
		return err
	}
	mirrors, err := f.mirrorDir()
	if err != nil {
		return err
	}
	o := controller.Options{
		MirrorDir: mirrors, ControlNamespace: f.namespace, PollEvery: f.poll, RolloutInstanceID: f.instance,
		SkipInstall: f.skipInstall, LeaderElection: f.standBy, Log: log,
	}
	if f.address != "" {
		if o.Listener, err = net.Listen("tcp", f.address); err != nil {
			return fmt.Errorf("listening on %s: %w: choose another address with --listen", f.address, err)
		}
	}
	o.Started = func() { log.Info("ready", "cluster", config.Host, "listening", f.address) }
	return controller.Run(cmd.Context(), config, o)
}

// cluster connects as kubectl does; a local cluster of Cyan's is used when there is nothing else.
func (f serverFlags) cluster() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: f.context}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	if clientcmd.IsEmptyConfig(err) && f.context == "" {
		local := filepath.Join(dataHome(), "cyan", "kubeconfig")
		if _, statErr := os.Stat(local); statErr == nil {
			config, err = clientcmd.BuildConfigFromFlags("", local)
		} else {
			err = errors.New("there is no cluster: start one with `cyan local up`, or name one with --kubeconfig or --context")
		}
	}
	if err != nil {
		return nil, err
	}
	// The API server's own priority and fairness decides; waiting on this side only adds lag.
	config.QPS = -1
	return config, nil
}

func dataHome() string {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "."
	}
	return filepath.Join(home, ".local", "share")
}

func (f serverFlags) mirrorDir() (string, error) {
	if f.dataDir != "" {
		return f.dataDir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a place for git mirrors: %w: name one with --data-dir", err)
	}
	return filepath.Join(cache, "cyan", "mirrors"), nil
}
