package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/manifests"
	"github.com/cyan-cd/cyan/internal/cluster"
	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/controller"
	"github.com/cyan-cd/cyan/internal/controller/application"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/render/sops"
	"github.com/cyan-cd/cyan/internal/source"
)

// serverFlags are the flags of `cyan server`.
type serverFlags struct {
	env                  *kit.Env
	address, dataDir     string
	namespace, instance  string
	logLevel             string
	poll                 time.Duration
	skipInstall, standBy bool
	besideOthers         bool
	programs             []string
	directories          []string
	renderTime           time.Duration
	renderLimits         map[string]string
	denied               []string
	pprof                string
	pprofForOthers       bool
	metricLabels         []string
	api                  apiFlags
}

func newServerCommand(e *kit.Env) *cobra.Command {
	f := serverFlags{env: e}
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run the controllers, and serve the page, the HTTP API, webhooks, metrics and probes",
		Long: `Run Cyan's controllers: Applications that follow git, and Rollouts that switch traffic.

Inside a cluster it works on that cluster; elsewhere on the one that the kubeconfig names, from this machine.
It serves the page and the HTTP API at --api-listen, and at --listen GET /metrics, GET /healthz and GET /readyz; POST /api/webhook at both. An address of these that nobody
has asked for and that is taken gets another port, which is printed.`,
		Example: `  cyan server                          # on the cluster of the current context
  cyan server --context kind-dev       # from this machine, against another one
  cyan server --exec-provider-allow aws        # cluster Secrets may have aws run for a token
  cyan server --allow-repository-directory /srv/git    # Applications may name repositories there
  cyan server --api-listen 10.0.0.5:443        # the page for others too, by TLS; cyan admin initial-password shows the password of admin
  cyan server --api-listen :8080 --api-insecure --root-path /cd --trusted-proxies 10.0.0.0/8      # behind a proxy that ends TLS
  cyan server --leader-election        # several copies that stand by for one another`,
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.address, "listen", defaultAddress, "address for metrics, probes and webhooks; empty for none")
	flags.StringVar(&f.dataDir, "data-dir", "", "where git mirrors are kept (default: $XDG_CACHE_HOME/cyan/mirrors)")
	flags.StringVarP(&f.namespace, "app-namespace", "N", controller.DefaultControlNamespace, "namespace of Applications, AppProjects and their Secrets")
	flags.StringVar(&f.instance, "instance-id", "", "only Rollouts with this controller-instance-id label; empty: those without one")
	flags.DurationVar(&f.poll, "poll", 0, "time between two looks at a repository (default: timeout.reconciliation of ConfigMap argocd-cm, else 15s)")
	flags.BoolVar(&f.skipInstall, "skip-crds", false, "leave the CustomResourceDefinitions as they are")
	flags.BoolVar(&f.standBy, "leader-election", false, "work only while holding the lease, so that copies can stand by")
	flags.BoolVar(&f.besideOthers, "beside-others", false, "work although the cluster runs another controller of the same kinds, which then leaves these objects alone")
	flags.StringArrayVar(&f.programs, "exec-provider-allow", nil, "NAME or absolute path of a program that cluster Secrets may have run here (execProviderConfig); may be repeated; none by default")
	flags.StringArrayVar(&f.directories, "allow-repository-directory", nil, "DIR on this machine in which git repositories may be that Applications name by path or file URL; may be repeated; none by default")
	flags.DurationVar(&f.renderTime, "render-timeout", 2*time.Minute, "how long rendering one source may take")
	flags.StringToStringVar(&f.renderLimits, "render-limit", nil, "NAME=NUMBER of what rendering one source may cost ("+strings.Join(render.LimitNames(), ", ")+"); may be repeated")
	flags.StringArrayVar(&f.denied, "deny-network", nil, "NETWORK such as 10.0.0.0/8 that no repository is fetched from; may be repeated; link-local addresses always are")
	flags.StringVar(&f.pprof, "pprof", "", "address for profiles of the process, such as 127.0.0.1:6060; none by default")
	flags.BoolVar(&f.pprofForOthers, "pprof-for-others", false, "let that be an address that others reach")
	flags.StringSliceVar(&f.metricLabels, "metrics-application-labels", nil, "labels of Applications that metric argocd_app_labels shows; may be repeated")
	f.api.add(flags)
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	return cmd
}

// shareProcessor has more than one thing run at the same time where there is one processor: what computes for long is
// then put behind what answers by the system, which knows who waits.
func shareProcessor() {
	if runtime.GOMAXPROCS(0) == 1 && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2)
	}
}

func (f serverFlags) run(cmd *cobra.Command) error {
	shareProcessor()
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return kit.Usage("--log-level", fmt.Sprintf("unknown level %q", f.logLevel), "give debug, info, warn or error")
	}
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
	programs, err := cluster.AllowPrograms(f.programs, "name it to `cyan server --exec-provider-allow` if it may run as the server, or register the cluster with a token")
	if err != nil {
		return kit.Usage("--exec-provider-allow", err.Error(), "")
	}
	if err := source.CheckLocalDirectories(f.directories); err != nil {
		return kit.Usage("--allow-repository-directory", err.Error(), "give the absolute path of a directory")
	}
	limits, err := f.limits()
	if err != nil {
		return err
	}
	denied, err := source.ParseNetworks(f.denied)
	if err != nil {
		return kit.Usage("--deny-network", err.Error(), "give an address, or one with the length of its prefix, such as 10.0.0.0/8")
	}
	labels, err := application.NewMetricLabels(f.metricLabels)
	if err != nil {
		return kit.Usage("--metrics-application-labels", err.Error(), "leave one out")
	}
	keys, err := manifests.Keys()
	if err != nil {
		return err
	}
	config, err := f.env.Kube.Config()
	if err != nil {
		return err
	}
	mirrors, err := f.mirrorDir()
	if err != nil {
		return err
	}
	o := controller.Options{
		MirrorDir: mirrors, RepositoryDirectories: f.directories, DenyNetworks: denied, ControlNamespace: f.namespace, Programs: programs, Render: compare.RenderOptions{Time: f.renderTime, Limits: limits, Keys: func(context.Context, string) sops.Keys { return keys }}, PollEvery: f.poll, MetricLabels: labels, RolloutInstanceID: f.instance,
		SkipInstall: f.skipInstall, LeaderElection: f.standBy, BesideOthers: f.besideOthers, Log: log,
	}
	if f.address != "" {
		if o.Listener, err = listen(f.address, asked(cmd, "listen")); err != nil {
			return kit.Usage("--listen", err.Error(), "choose another address")
		}
	}
	f.api.asked = asked(cmd, "api-listen")
	if o.API, err = f.api.listen(); err != nil {
		return err
	}
	o.API.Serving = func(address string, first bool) { f.printAddress(cmd.OutOrStdout(), address, first) }
	if err := f.profile(cmd.Context(), log); err != nil {
		return err
	}
	o.Started = func() { log.Info("ready", "cluster", config.Host, "listening", addressOf(o.Listener)) }
	err = controller.Run(cmd.Context(), config, o)
	if explained := f.env.Explain(err, ""); problem.IsTemporary(explained) {
		return explained
	}
	return err
}

// printAddress prints where the page is, and how to log in.
func (f serverFlags) printAddress(out io.Writer, address string, first bool) {
	how := "the password that was set, or an issuer"
	if first {
		how = "the password that " + f.env.Command("admin initial-password") + " shows"
	}
	fmt.Fprintf(out, "Page and API: %s (user admin, %s)\n", address, how)
}

// addressOf returns where a listener listens.
func addressOf(listener net.Listener) string {
	if listener == nil {
		return ""
	}
	return listener.Addr().String()
}

// profile serves profiles where that is asked for.
func (f serverFlags) profile(ctx context.Context, log *slog.Logger) error {
	if f.pprof == "" {
		return nil
	}
	listener, err := listenPprof(f.pprof, f.pprofForOthers)
	if err != nil {
		return err
	}
	log.Info("profiles", "listening", listener.Addr().String())
	go func() {
		if err := servePprof(ctx, listener); err != nil {
			log.Error("serving profiles", "error", err)
		}
	}()
	return nil
}

// limits are those of rendering, by name.
func (f serverFlags) limits() (render.Limits, error) {
	var limits render.Limits
	for name, text := range f.renderLimits {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n <= 0 {
			return limits, kit.Usage("--render-limit "+name, fmt.Sprintf("invalid number %q", text), "give a whole number above 0")
		}
		if !limits.Set(name, n) {
			return limits, kit.Usage("--render-limit "+name, "unknown limit", "give one of "+strings.Join(render.LimitNames(), ", "))
		}
	}
	return limits, nil
}

func (f serverFlags) mirrorDir() (string, error) {
	if f.dataDir != "" {
		return f.dataDir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", kit.Usage("--data-dir", "not given, and this user has no cache directory: "+err.Error(), "name a directory with it")
	}
	return filepath.Join(cache, "cyan", "mirrors"), nil
}
