package setup

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/repo"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/settings"
	"github.com/cyan-cd/cyan/internal/source"
)

// status is how a check ended.
type status string

const (
	ok   status = "ok"
	warn status = "warn"
	fail status = "fail"
)

// result is one line of doctor.
type result struct {
	Check   string `json:"check"`
	Status  status `json:"status"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
}

// bad makes the result of an error.
func bad(check string, as status, err error) result {
	if p := problem.Of(err); p != nil {
		plain := *p
		plain.Remedy = ""
		return result{check, as, plain.Error(), p.Remedy}
	}
	return result{Check: check, Status: as, Message: err.Error()}
}

type doctor struct {
	*kit.Control
	out     kit.Format
	timeout time.Duration
}

// NewDoctor makes the command doctor.
func NewDoctor(e *kit.Env) *cobra.Command {
	o := &doctor{}
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

func (o *doctor) run(ctx context.Context) error {
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
	if err == nil && slices.ContainsFunc(results, func(r result) bool { return r.Status == fail }) {
		return &kit.Exit{Code: 1}
	}
	return err
}

func (o *doctor) show(results []result) error {
	theme := o.Terminal().Theme
	sign := map[status]string{ok: theme.Good("✔ ok  "), warn: theme.Wait("⚠ warn"), fail: theme.Bad("✖ fail")}
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
func (o *doctor) examine(ctx context.Context) []result {
	results := []result{{Check: "version", Status: ok, Message: "cyan " + o.Version}, gitProgram(ctx)}
	config, err := o.Config()
	if err != nil {
		return append(results, bad("cluster", fail, err))
	}
	version, skew, err := o.server(ctx, config)
	if err != nil {
		return append(results, bad("cluster", fail, o.Explain(err, "")))
	}
	results = append(results, result{Check: "cluster", Status: ok, Message: o.Kube.ClusterName() + " answers, Kubernetes " + version}, clock(skew))
	c, err := o.Connect()
	if err != nil {
		return append(results, bad("cluster", fail, err))
	}
	results = append(results, o.kinds(ctx, c), o.rights(ctx, c))
	found, err := read(ctx, o.Control, c)
	if err != nil {
		return append(results, bad("objects", fail, err))
	}
	results = append(results, controllersBeside(found.others))
	results = append(results, o.repositories(ctx, c, found)...)
	results = append(results, o.registries(ctx, found)...)
	results = append(results, o.signatures(ctx, c, found)...)
	return append(results, unsupported(found.findings)...)
}

func gitProgram(ctx context.Context) result {
	out, err := exec.CommandContext(ctx, "git", "--version").Output()
	if err != nil {
		return result{"git", fail, "program git: " + err.Error(), "install git where the server runs"}
	}
	return result{Check: "git", Status: ok, Message: strings.TrimSpace(string(out))}
}

// server asks the API server for its version, and compares its clock with this machine's.
func (o *doctor) server(ctx context.Context, config *rest.Config) (version string, skew time.Duration, err error) {
	var date string
	config = rest.CopyConfig(config)
	config.Timeout = o.timeout
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r.WithContext(ctx))
			if err == nil {
				date = answer.Header.Get("Date")
			}
			return answer, err
		})
	})
	d, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return "", 0, err
	}
	asked := time.Now()
	info, err := d.ServerVersion()
	if err != nil {
		return "", 0, err
	}
	if at, err := http.ParseTime(date); err == nil {
		// The header has whole seconds; the answer was made between asking and now.
		if skew = at.Sub(asked); skew < 0 && skew > -time.Since(asked)-time.Second {
			skew = 0
		}
	}
	return info.GitVersion, skew, nil
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip carries a request out.
func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

// mostSkew is how far clocks may be apart: windows, time-outs and confirmations compare times of both.
const mostSkew = 5 * time.Second

func clock(skew time.Duration) result {
	if skew.Abs() > mostSkew {
		return result{"clock", warn, fmt.Sprintf("the cluster's is %s ahead of this machine's", skew.Round(time.Second)), "set both by NTP"}
	}
	return result{Check: "clock", Status: ok, Message: fmt.Sprintf("less than %s from the cluster's", mostSkew)}
}

// kinds checks that the API server serves the kinds, and that the namespace is there.
func (o *doctor) kinds(ctx context.Context, c client.Client) result {
	for _, list := range []client.ObjectList{&v1alpha1.ApplicationList{}, &v1alpha1.AppProjectList{}, &v1alpha1.RolloutList{}} {
		if err := c.List(ctx, list, client.Limit(1)); err != nil {
			return bad("kinds", warn, o.Explain(err, ""))
		}
	}
	if err := o.CheckNamespace(ctx, c); err != nil {
		return bad("kinds", warn, err)
	}
	return result{Check: "kinds", Status: ok, Message: "served, and namespace " + o.Namespace + " is there"}
}

// needed is what the server does in its cluster.
var needed = []struct {
	group, resource, subresource string
	verbs                        []string
}{
	{"argoproj.io", "applications", "", []string{"get", "list", "watch", "patch", "update"}},
	{"argoproj.io", "appprojects", "", []string{"get", "list", "watch", "patch"}},
	{"argoproj.io", "rollouts", "", []string{"get", "list", "watch", "patch"}},
	{"argoproj.io", "rollouts", "status", []string{"patch"}},
	{"", "secrets", "", []string{"get", "list", "watch"}},
	{"", "configmaps", "", []string{"get", "list", "watch"}},
	{"", "services", "", []string{"get", "list", "watch", "patch"}},
	{"", "pods", "", []string{"get", "list", "watch", "delete"}},
	{"", "namespaces", "", []string{"get", "create"}},
	{"", "events", "", []string{"create", "patch"}},
	{"apps", "deployments", "", []string{"get", "list", "watch", "patch"}},
	{"apps", "replicasets", "", []string{"get", "list", "watch", "create", "patch", "delete"}},
	{"coordination.k8s.io", "leases", "", []string{"get", "list", "watch", "create", "update", "delete"}},
	{"apiextensions.k8s.io", "customresourcedefinitions", "", []string{"get", "create", "patch"}},
	{"*", "*", "", []string{"create", "patch", "delete"}},
}

// rights asks whether the kubeconfig's user may do what the server does.
func (o *doctor) rights(ctx context.Context, c client.Client) result {
	var denied []string
	for _, n := range needed {
		for _, verb := range n.verbs {
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
				ResourceAttributes: &authorizationv1.ResourceAttributes{Group: n.group, Resource: n.resource, Subresource: n.subresource, Verb: verb},
			}}
			if err := c.Create(ctx, review); err != nil {
				return bad("rights", fail, o.Explain(err, "asking for rights"))
			}
			if !review.Status.Allowed {
				name := strings.TrimSuffix(n.resource+"."+n.group, ".")
				if n.subresource != "" {
					name += "/" + n.subresource
				}
				denied = append(denied, verb+" "+name)
			}
		}
	}
	if len(denied) > 0 {
		return result{"rights", fail, "denied in all namespaces: " + kit.Choices(denied), "run the server as another user, or have these granted"}
	}
	return result{Check: "rights", Status: ok, Message: "those that the server needs"}
}

func controllersBeside(others []workload) result {
	var running []string
	for _, w := range others {
		if w.replicas > 0 || w.running > 0 {
			running = append(running, w.String())
		}
	}
	if len(running) > 0 {
		return result{"controllers", fail, "others work on the same objects: " + kit.Choices(running), "`cyan adopt` shows how Cyan takes their place"}
	}
	return result{Check: "controllers", Status: ok, Message: "no others work on the same objects"}
}

// mostRepositories bounds how many repositories and registries are asked.
const mostRepositories = 50

// repositories asks each repository of the Applications for its refs, from here.
func (o *doctor) repositories(ctx context.Context, c client.Client, found installation) []result {
	projects := map[string]string{}
	for _, object := range found.objects[v1alpha1.ApplicationKind] {
		for url, project := range repositoriesOf(object.Object) {
			projects[url] = project
		}
	}
	if len(projects) == 0 {
		return []result{{Check: "repositories", Status: ok, Message: "no Application names one"}}
	}
	book, err := repo.Book(ctx, o.Control, c)
	if err != nil {
		return []result{bad("repositories", fail, err)}
	}
	urls := sortedKeys(projects)
	left := max(len(urls)-mostRepositories, 0)
	urls = urls[:len(urls)-left]
	var results []result
	err = repo.WithMirrors(func(mirrors *source.Mirrors) error {
		failures := atOnce(urls, func(url string) error {
			ctx, cancel := context.WithTimeout(ctx, o.timeout)
			defer cancel()
			return mirrors.Refresh(ctx, book.Repository(url, projects[url]))
		})
		for _, url := range urls {
			if err := failures[url]; err != nil {
				results = append(results, bad("repositories", fail, err))
			}
		}
		return nil
	})
	if err != nil {
		results = append(results, bad("repositories", fail, err))
	}
	if good := len(urls) - len(results); good > 0 {
		message := fmt.Sprintf("%d of %d answer", good, len(urls))
		if left > 0 {
			message += fmt.Sprintf("; %d more were not asked", left)
		}
		results = append([]result{{Check: "repositories", Status: ok, Message: message}}, results...)
	}
	return results
}

// registries asks the registries of the Applications' images whether they answer, from here; nodes may reach others.
func (o *doctor) registries(ctx context.Context, found installation) []result {
	hosts := map[string]bool{}
	for _, object := range found.objects[v1alpha1.ApplicationKind] {
		for _, host := range registriesOf(object.Object) {
			hosts[host] = true
		}
	}
	names := sortedKeys(hosts)
	names = names[:min(len(names), mostRepositories)]
	failures := atOnce(names, func(host string) error {
		ctx, cancel := context.WithTimeout(ctx, o.timeout)
		defer cancel()
		return askRegistry(ctx, host)
	})
	if len(names) == 0 {
		return []result{{Check: "registries", Status: ok, Message: "no image is deployed"}}
	}
	var results []result
	for _, host := range names {
		if err := failures[host]; err != nil {
			results = append(results, result{"registries", warn, "registry " + host + ": " + kit.RootCause(err), "check the network; nodes may reach what this machine does not"})
		}
	}
	if good := len(names) - len(results); good > 0 {
		results = append([]result{{Check: "registries", Status: ok, Message: fmt.Sprintf("%d of %d answer", good, len(names))}}, results...)
	}
	return results
}

// mostFindings bounds how many lines are about what is not served.
const mostFindings = 20

func unsupported(findings []settings.Finding) []result {
	if len(findings) == 0 {
		return []result{{Check: "unsupported", Status: ok, Message: "nothing that is in use"}}
	}
	var results []result
	for _, f := range findings[:min(len(findings), mostFindings)] {
		results = append(results, bad("unsupported", warn, f.Problem()))
	}
	if more := len(findings) - mostFindings; more > 0 {
		results = append(results, result{"unsupported", warn, fmt.Sprintf("%d more", more), "`cyan adopt` lists all"})
	}
	return results
}
