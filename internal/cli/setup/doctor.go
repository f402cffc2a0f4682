package setup

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/repo"
	"github.com/cyan-cd/cyan/internal/doctor"
	"github.com/cyan-cd/cyan/internal/doctor/decide"
	"github.com/cyan-cd/cyan/internal/source"
)

type doctorOptions struct {
	*kit.Control
	out     kit.Format
	timeout time.Duration
}

// NewDoctor makes the command decide.
func NewDoctor(e *kit.Env) *cobra.Command {
	o := &doctorOptions{}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong with an installation",
		Long: `Look for what is wrong with an installation: the cluster and its version, the rights that the server needs, git and the repositories, the registries, the clocks,
other controllers of the same kinds, and what is in use and not served. Each line is ok, warn or fail, with what to do. It ends with 1 when one is fail.`,
		Example: `  cyan doctor
  cyan doctor -o json`,
		Args:              kit.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	o.Control = kit.NewControl(e, cmd)
	cmd.Flags().DurationVar(&o.timeout, "timeout", 20*time.Second, "how long a repository or registry may take to answer")
	o.out.Bind(cmd, kit.JSON, kit.YAML)
	return cmd
}

func (o *doctorOptions) run(ctx context.Context) error {
	if err := o.out.Check(); err != nil {
		return err
	}
	results := o.examine(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var err error
	if o.out.Machine() {
		err = o.Dump(results, o.out.Value)
	} else {
		err = o.show(results)
	}
	if err == nil && slices.ContainsFunc(results, func(r decide.Result) bool { return r.Status == decide.Fail }) {
		return &kit.Exit{Code: 1}
	}
	return err
}

func (o *doctorOptions) show(results []decide.Result) error {
	theme := o.Terminal().Theme
	sign := map[decide.Status]string{decide.OK: theme.Good("✔ ok  "), decide.Warn: theme.Wait("⚠ warn"), decide.Fail: theme.Bad("✖ fail")}
	for _, r := range results {
		line := fmt.Sprintf("%s  %-12s  %s", sign[r.Status], r.Check, r.Message)
		if r.Remedy != "" {
			line += "; " + r.Remedy
		}
		if err := o.Say(line); err != nil {
			return err
		}
	}
	return nil
}

// examine makes all checks. Without a cluster, only those of this machine are made.
func (o *doctorOptions) examine(ctx context.Context) []decide.Result {
	results := []decide.Result{decide.Good("version", "cyan "+o.Version), doctor.Git(ctx)}
	config, err := o.Config()
	if err != nil {
		return append(results, decide.Bad("cluster", decide.Fail, err))
	}
	version, skew, err := doctor.Server(ctx, config, o.timeout)
	if err != nil {
		return append(results, decide.Bad("cluster", decide.Fail, o.Explain(err, "")))
	}
	results = append(results, decide.Good("cluster", o.Kube.ClusterName()+" answers, Kubernetes "+version), decide.Clock(skew))
	c, err := o.Connect()
	if err != nil {
		return append(results, decide.Bad("cluster", decide.Fail, err))
	}
	results = append(results, o.kinds(ctx, c), o.rights(ctx, c))
	found, err := read(ctx, o.Control, c)
	if err != nil {
		return append(results, decide.Bad("objects", decide.Fail, err))
	}
	results = append(results, decide.Controllers(found.Working()))
	results = append(results, o.repositories(ctx, c, found)...)
	results = append(results, o.registries(ctx, found)...)
	if published, err := doctor.PublishedKeys(ctx, c, o.Namespace); err != nil {
		results = append(results, decide.Bad("signatures", decide.Fail, o.Explain(err, "")))
	} else {
		results = append(results, decide.Signatures(found.Projects, published, doctor.HasProgram)...)
	}
	return append(results, decide.Unsupported(found.Findings)...)
}

// read reads what a cluster has.
func read(ctx context.Context, a *kit.Control, c client.Client) (doctor.Installation, error) {
	found, err := doctor.Read(ctx, c, a.Namespace)
	return found, a.Explain(err, "")
}

// rights asks whether the kubeconfig's user may do what the server does.
func (o *doctorOptions) rights(ctx context.Context, c client.Client) decide.Result {
	denied, err := doctor.Denied(ctx, c)
	if err != nil {
		return decide.Bad("rights", decide.Fail, o.Explain(err, "asking for rights"))
	}
	return decide.Rights(denied)
}

// kinds checks that the API server serves the kinds, and that the namespace is there.
func (o *doctorOptions) kinds(ctx context.Context, c client.Client) decide.Result {
	for _, list := range []client.ObjectList{&v1alpha1.ApplicationList{}, &v1alpha1.AppProjectList{}, &v1alpha1.RolloutList{}} {
		if err := c.List(ctx, list, client.Limit(1)); err != nil {
			return decide.Bad("kinds", decide.Warn, o.Explain(err, ""))
		}
	}
	if err := o.CheckNamespace(ctx, c); err != nil {
		return decide.Bad("kinds", decide.Warn, err)
	}
	return decide.Good("kinds", "served, and namespace "+o.Namespace+" is there")
}

// repositories asks each repository of the Applications for its refs, from here.
func (o *doctorOptions) repositories(ctx context.Context, c client.Client, found doctor.Installation) []decide.Result {
	asked, left := found.Uses.Repositories()
	failures, err := o.askRepositories(ctx, c, asked)
	if err != nil {
		return []decide.Result{decide.Bad("repositories", decide.Fail, err)}
	}
	return decide.Repositories(asked, left, failures)
}

func (o *doctorOptions) askRepositories(ctx context.Context, c client.Client, asked []decide.Repository) (failures map[string]error, err error) {
	if len(asked) == 0 {
		return nil, nil
	}
	book, err := repo.Book(ctx, o.Control, c)
	if err != nil {
		return nil, err
	}
	projects := map[string]string{}
	for _, r := range asked {
		projects[r.URL] = r.Project
	}
	err = repo.WithMirrors(func(mirrors *source.Mirrors) error {
		failures = doctor.Ask(slices.Sorted(maps.Keys(projects)), func(url string) error {
			ctx, cancel := context.WithTimeout(ctx, o.timeout)
			defer cancel()
			return mirrors.Refresh(ctx, book.Repository(url, projects[url]))
		})
		return nil
	})
	return failures, err
}

// registries asks the registries of the Applications' images whether they answer, from here; nodes may reach others.
func (o *doctorOptions) registries(ctx context.Context, found doctor.Installation) []decide.Result {
	asked := found.Uses.Registries()
	failures := map[string]string{}
	for host, err := range doctor.Ask(asked, func(host string) error {
		ctx, cancel := context.WithTimeout(ctx, o.timeout)
		defer cancel()
		return askRegistry(ctx, host)
	}) {
		failures[host] = kit.RootCause(err)
	}
	return decide.Registries(asked, failures)
}

// askRegistry asks a registry for its API; any answer will do.
func askRegistry(ctx context.Context, host string) error {
	scheme := "https"
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if ip := net.ParseIP(name); name == "localhost" || ip != nil && ip.IsLoopback() {
		scheme = "http"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+host+"/v2/", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}
