// Package decide judges an installation by what was observed of it: each part is in order, needs somebody, or does not
// work, with what to do.
package decide

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/project"
	"github.com/cyan-cd/cyan/internal/settings"
)

// Status is how a check ended.
type Status string

// How checks end.
const (
	OK   Status = "ok"
	Warn Status = "warn"
	Fail Status = "fail"
)

// Result is what a check has found.
type Result struct {
	Check   string `json:"check"`
	Status  Status `json:"status"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
}

// Bad returns the result of an error.
func Bad(check string, as Status, err error) Result {
	if p := problem.Of(err); p != nil {
		plain := *p
		plain.Remedy = ""
		return Result{check, as, plain.Error(), p.Remedy}
	}
	return Result{Check: check, Status: as, Message: err.Error()}
}

// Good returns a result that is in order.
func Good(check, message string) Result { return Result{Check: check, Status: OK, Message: message} }

// MostSkew is how far clocks may be apart: windows, time-outs and confirmations compare times of both.
const MostSkew = 5 * time.Second

// Clock judges how far the cluster's clock is ahead of this machine's.
func Clock(skew time.Duration) Result {
	if skew.Abs() > MostSkew {
		return Result{"clock", Warn, fmt.Sprintf("the cluster's is %s ahead of this machine's", skew.Round(time.Second)), "set both by NTP"}
	}
	return Good("clock", fmt.Sprintf("less than %s from the cluster's", MostSkew))
}

// Right is something that the server does in its cluster.
type Right struct {
	Group, Resource, Subresource string
	Verbs                        []string
}

// Needed is what the server does in its cluster.
var Needed = []Right{
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

// Named returns how people name a verb on the resource of a right.
func (r Right) Named(verb string) string {
	name := strings.TrimSuffix(r.Resource+"."+r.Group, ".")
	if r.Subresource != "" {
		name += "/" + r.Subresource
	}
	return verb + " " + name
}

// Rights judges what of [Needed] is denied.
func Rights(denied []string) Result {
	if len(denied) > 0 {
		return Result{"rights", Fail, "denied in all namespaces: " + listed(denied), "run the server as another user, or have these granted"}
	}
	return Good("rights", "those that the server needs")
}

// mostListed bounds the names of a message.
const mostListed = 8

// listed returns names, sorted and each once.
func listed(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) > mostListed {
		return strings.Join(names[:mostListed], ", ") + fmt.Sprintf(" and %d more", len(names)-mostListed)
	}
	return strings.Join(names, ", ")
}

// Controllers judges which others work on the same objects.
func Controllers(running []string) Result {
	if len(running) > 0 {
		return Result{"controllers", Fail, "others work on the same objects: " + listed(running), "`cyan adopt` shows how Cyan takes their place"}
	}
	return Good("controllers", "no others work on the same objects")
}

// MostAsked bounds how many repositories and registries are asked.
const MostAsked = 50

// Repository is a git repository of Applications, as they write it, and the project of one of them.
type Repository struct{ URL, Project string }

// Uses are the repositories and the registries that Applications use. The zero value is empty.
type Uses struct {
	// projects has the project of one of the Applications of each repository, by its URL.
	projects   map[string]string
	registries map[string]bool
}

// Add adds what an Application uses.
func (u *Uses) Add(app map[string]any) {
	if u.projects == nil {
		u.projects, u.registries = map[string]string{}, map[string]bool{}
	}
	project, _, _ := unstructured.NestedString(app, "spec", "project")
	for _, source := range sourcesOf(app) {
		url, _ := source["repoURL"].(string)
		if chart, _ := source["chart"].(string); url != "" && chart == "" {
			u.projects[url] = cmp.Or(project, v1alpha1.DefaultProject)
		}
	}
	images, _, _ := unstructured.NestedStringSlice(app, "status", "summary", "images")
	for _, image := range images {
		host, _, ok := strings.Cut(image, "/")
		if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" || host == "docker.io" {
			host = "registry-1.docker.io"
		}
		u.registries[host] = true
	}
}

// Repositories returns the git repositories, sorted, and how many more than [MostAsked] there are.
func (u *Uses) Repositories() (first []Repository, left int) {
	for _, url := range slices.Sorted(maps.Keys(u.projects)) {
		first = append(first, Repository{url, u.projects[url]})
	}
	left = max(len(first)-MostAsked, 0)
	return first[:len(first)-left], left
}

// Registries returns the hosts of images, sorted, [MostAsked] at most.
func (u *Uses) Registries() []string {
	names := slices.Sorted(maps.Keys(u.registries))
	return names[:min(len(names), MostAsked)]
}

func sourcesOf(app map[string]any) []map[string]any {
	var all []map[string]any
	if one, ok, _ := unstructured.NestedMap(app, "spec", "source"); ok {
		all = append(all, one)
	}
	several, _, _ := unstructured.NestedSlice(app, "spec", "sources")
	for _, s := range several {
		if source, ok := s.(map[string]any); ok {
			all = append(all, source)
		}
	}
	return all
}

// Repositories judges how repositories have answered: failures has those that have not, by their URLs.
func Repositories(asked []Repository, left int, failures map[string]error) []Result {
	const check = "repositories"
	if len(asked) == 0 {
		return []Result{Good(check, "no Application names one")}
	}
	var results []Result
	for _, r := range asked {
		if err := failures[r.URL]; err != nil {
			results = append(results, Bad(check, Fail, err))
		}
	}
	if good := len(asked) - len(results); good > 0 {
		message := fmt.Sprintf("%d of %d answer", good, len(asked))
		if left > 0 {
			message += fmt.Sprintf("; %d more were not asked", left)
		}
		results = append([]Result{Good(check, message)}, results...)
	}
	return results
}

// Registries judges how registries have answered: failures has why those have not that have not.
func Registries(asked []string, failures map[string]string) []Result {
	const check = "registries"
	if len(asked) == 0 {
		return []Result{Good(check, "no image is deployed")}
	}
	var results []Result
	for _, host := range asked {
		if why := failures[host]; why != "" {
			results = append(results, Result{check, Warn, "registry " + host + ": " + why, "check the network; nodes may reach what this machine does not"})
		}
	}
	if good := len(asked) - len(results); good > 0 {
		results = append([]Result{Good(check, fmt.Sprintf("%d of %d answer", good, len(asked)))}, results...)
	}
	return results
}

// Signatures judges whether what projects ask of signatures can be checked: the public keys are published, and the
// programs are there. Nothing is returned where no project asks.
func Signatures(projects []v1alpha1.AppProject, published []string, hasProgram func(name string) bool) []Result {
	const check = "signatures"
	var results []Result
	var all []string
	for i := range projects {
		of := &projects[i]
		ids, no := project.KeyIDs(of)
		if no != nil {
			results = append(results, Result{check, Fail, no.Object + ": " + no.Cause, no.Remedy})
			continue
		}
		all = append(all, ids...)
		if missing := project.Unpublished(ids, published); len(missing) > 0 {
			results = append(results, Result{
				check, Warn, fmt.Sprintf("AppProject %s: no public key of %s, so that nothing signed with it is permitted", of.Name, strings.Join(missing, ", ")),
				"add it with `cyan gpg add` or `cyan signer add`",
			})
		}
	}
	for _, p := range []struct {
		program, debian string
		ssh             bool
	}{{"gpg", "gnupg", false}, {"ssh-keygen", "openssh-client", true}} {
		needed := slices.ContainsFunc(all, func(id string) bool { return project.IsSSHKey(id) == p.ssh })
		if needed && !hasProgram(p.program) {
			results = append(results, Result{check, Warn, "program " + p.program + ": not found on this machine, and signatures cannot be checked without it", "install " + p.debian + " where the server runs"})
		}
	}
	if len(results) == 0 && len(all) > 0 {
		results = append(results, Good(check, Counted(len(all), "key")+" that projects ask for"))
	}
	return results
}

// Counted returns a number with what it counts.
func Counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// mostFindings bounds how many results are about what is not served.
const mostFindings = 20

// Unsupported returns what is in use and not served.
func Unsupported(findings []settings.Finding) []Result {
	const check = "unsupported"
	if len(findings) == 0 {
		return []Result{Good(check, "nothing that is in use")}
	}
	var results []Result
	for _, f := range findings[:min(len(findings), mostFindings)] {
		results = append(results, Bad(check, Warn, f.Problem()))
	}
	if more := len(findings) - mostFindings; more > 0 {
		results = append(results, Result{check, Warn, fmt.Sprintf("%d more", more), "`cyan adopt` lists all"})
	}
	return results
}
