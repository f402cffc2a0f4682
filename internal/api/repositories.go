package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/patch"
	"github.com/cyan-cd/cyan/internal/problem"
	urls "github.com/cyan-cd/cyan/internal/repository"
	"github.com/cyan-cd/cyan/internal/source"
)

// repository is a repository without what is secret of it.
type repository struct {
	Repo            string          `json:"repo,omitempty"`
	URL             string          `json:"url,omitempty" doc:"of credentials for repositories"`
	Type            string          `json:"type,omitempty"`
	Name            string          `json:"name,omitempty"`
	Project         string          `json:"project,omitempty"`
	Username        string          `json:"username,omitempty"`
	Insecure        bool            `json:"insecure,omitempty"`
	EnableLFS       bool            `json:"enableLfs,omitempty"`
	Proxy           string          `json:"proxy,omitempty"`
	ConnectionState connectionState `json:"connectionState"`

	// url is the address as it is kept, and version what opens it.
	url, version string
}

// writtenRepository is a repository as somebody sends it, with its credentials.
type writtenRepository struct {
	Repo                       string `json:"repo,omitempty" maxLength:"2048"`
	URL                        string `json:"url,omitempty" maxLength:"2048" doc:"of credentials for repositories"`
	Type                       string `json:"type,omitempty" enum:"git,helm,oci"`
	Name                       string `json:"name,omitempty" maxLength:"253"`
	Project                    string `json:"project,omitempty" maxLength:"253"`
	Username                   string `json:"username,omitempty" maxLength:"1024"`
	Password                   string `json:"password,omitempty" maxLength:"16384"`
	BearerToken                string `json:"bearerToken,omitempty" maxLength:"16384"`
	SSHPrivateKey              string `json:"sshPrivateKey,omitempty" maxLength:"65536"`
	TLSClientCertData          string `json:"tlsClientCertData,omitempty" maxLength:"65536"`
	TLSClientCertKey           string `json:"tlsClientCertKey,omitempty" maxLength:"65536"`
	GitHubAppPrivateKey        string `json:"githubAppPrivateKey,omitempty" maxLength:"65536"`
	GitHubAppID                any    `json:"githubAppID,omitempty" doc:"a number, or one as a string"`
	GitHubAppInstallationID    any    `json:"githubAppInstallationID,omitempty" doc:"a number, or one as a string"`
	GitHubAppEnterpriseBaseURL string `json:"githubAppEnterpriseBaseUrl,omitempty" maxLength:"2048"`
	Proxy                      string `json:"proxy,omitempty" maxLength:"2048"`
	NoProxy                    string `json:"noProxy,omitempty" maxLength:"2048"`
	Insecure                   bool   `json:"insecure,omitempty"`
	InsecureIgnoreHostKey      bool   `json:"insecureIgnoreHostKey,omitempty"`
	EnableLFS                  bool   `json:"enableLfs,omitempty"`
	EnableOCI                  bool   `json:"enableOCI,omitempty"`
	ForceHTTPBasicAuth         bool   `json:"forceHttpBasicAuth,omitempty"`
}

type repositoryList struct {
	Body struct {
		Metadata listMetadata `json:"metadata"`
		Items    []repository `json:"items"`
	}
}

type repositoryAnswer struct{ Body repository }

type repositoryName struct {
	Repo    string `path:"repo" maxLength:"2048" doc:"its URL, escaped"`
	Project string `query:"appProject" maxLength:"253" doc:"that of the Application, where several projects have it"`
	Refresh bool   `query:"forceRefresh" doc:"whether it answers now; else, whether it did in the last minutes"`
}

type createRepositoryInput struct {
	Upsert    bool `query:"upsert"`
	CredsOnly bool `query:"credsOnly" doc:"taken, and of no effect"`
	Body      writtenRepository
}

type updateRepositoryInput struct {
	Repo string `path:"repo" maxLength:"2048"`
	Body writtenRepository
}

// repositoryCalls are the calls about a type of the Secrets that have repositories.
type repositoryCalls struct {
	looked
	secretType, prefix string
}

func registerRepositories(l looked) {
	of := repositoryCalls{l, v1alpha1.SecretTypeRepository, "repo"}
	of.register("/api/v1/repositories", "Repository")
	repositoryCalls{l, v1alpha1.SecretTypeRepoCredentials, "creds"}.register("/api/v1/repocreds", "RepositoryCredentials")
	repositoryReads{of, make(chan struct{}, looksAtOnce)}.register()
}

func (s repositoryCalls) register(all, noun string) {
	tags := []string{strings.TrimPrefix(all, "/api/v1/")}
	plural := map[string]string{"Repository": "Repositories"}[noun]
	if plural == "" {
		plural = noun
	}
	list := "list" + plural
	if plural == noun {
		list = "listAll" + noun
	}
	register(s.service, huma.Operation{OperationID: list, Method: http.MethodGet, Path: all, Summary: "Those that who asks may see, without what is secret", Tags: tags}, s.list)
	register(s.service, huma.Operation{OperationID: "create" + noun, Method: http.MethodPost, Path: all, Summary: "Add one", Tags: tags}, s.create)
	register(s.service, huma.Operation{OperationID: "get" + noun, Method: http.MethodGet, Path: all + "/{repo}", Summary: "One, without what is secret", Tags: tags}, s.get)
	register(s.service, huma.Operation{OperationID: "update" + noun, Method: http.MethodPut, Path: all + "/{repo}", Summary: "Replace its credentials", Tags: tags}, s.update)
	register(s.service, huma.Operation{OperationID: "delete" + noun, Method: http.MethodDelete, Path: all + "/{repo}", Summary: "Forget it", Tags: tags}, s.delete)
}

func repositoryRequest(action, project, url string) access.Request {
	return access.Request{{{Resource: access.Repositories, Action: action, Object: access.ObjectOf(project, url)}}}
}

func (s looked) repositorySecrets(ctx context.Context, secretType string) ([]corev1.Secret, error) {
	var secrets corev1.SecretList
	if err := s.Config.List(ctx, &secrets, client.InNamespace(s.Namespace), client.MatchingLabels{v1alpha1.SecretTypeLabel: secretType}); err != nil {
		return nil, fmt.Errorf("reading the Secrets of repositories: %w", err)
	}
	slices.SortFunc(secrets.Items, func(a, b corev1.Secret) int { return strings.Compare(string(a.Data["url"]), string(b.Data["url"])) })
	return secrets.Items, nil
}

// repositoriesOf returns the repositories that who asks may see and that are wanted.
func (s looked) repositoriesOf(ctx context.Context, c *caller, secretType string, wanted func(repository) bool) ([]repository, error) {
	rights, err := c.mayAll()
	if err != nil {
		return nil, err
	}
	secrets, err := s.repositorySecrets(ctx, secretType)
	if err != nil {
		return nil, err
	}
	all := []repository{}
	for _, secret := range secrets {
		r := repositoryOf(secret, secretType)
		r.ConnectionState = s.connections.known(r.version)
		if rights.Decide(repositoryRequest(access.Get, r.Project, string(secret.Data["url"]))).Allowed && wanted(r) {
			all = append(all, r)
		}
	}
	return all, nil
}

// repositoryOf returns what is shown of a Secret; its URL is shown without credentials.
func repositoryOf(secret corev1.Secret, secretType string) repository {
	opened := source.OpenedBy(secret)
	text := func(key string) string { return strings.TrimSpace(string(secret.Data[key])) }
	r := repository{
		Type: text("type"), Name: text("name"), Project: text("project"), Username: opened.Credentials.Username, Insecure: opened.Credentials.Insecure,
		EnableLFS: text("enableLfs") == "true", Proxy: source.Repository{URL: opened.Credentials.Proxy}.String(), ConnectionState: connectionState{Status: "Unknown"},
		url: string(secret.Data["url"]), version: secret.Name + "/" + string(secret.UID) + "/" + secret.ResourceVersion,
	}
	if r.Type == "" {
		r.Type = "git"
	}
	if secretType == v1alpha1.SecretTypeRepoCredentials {
		r.URL = opened.String()
	} else {
		r.Repo = opened.String()
	}
	return r
}

func (s repositoryCalls) list(ctx context.Context, c *caller, in *struct {
	Repo    string `query:"repo" maxLength:"2048"`
	URL     string `query:"url" maxLength:"2048"`
	Project string `query:"appProject" maxLength:"253"`
	Refresh bool   `query:"forceRefresh" doc:"whether they answer now; else, whether they did in the last minutes"`
}) (*repositoryList, error) {
	out := &repositoryList{}
	var err error
	out.Body.Items, err = s.repositoriesOf(ctx, c, s.secretType, func(r repository) bool {
		address := r.Repo + r.URL
		return (in.Repo == "" || urls.Same(in.Repo, address)) && (in.URL == "" || urls.Same(in.URL, address)) && (in.Project == "" || in.Project == r.Project)
	})
	s.reach(ctx, out.Body.Items, in.Refresh)
	return out, err
}

// reach finds out whether repositories answer: those of which that is not known are asked, and all where it is to be
// known as of now.
func (s repositoryCalls) reach(ctx context.Context, all []repository, now bool) {
	if s.secretType != v1alpha1.SecretTypeRepository {
		return
	}
	holds, patience := lookHolds, lookPatience
	if now {
		holds, patience = nowHolds, lookTimeout+lookPatience
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var asking sync.WaitGroup
	for i := range all {
		asking.Go(func() { all[i].ConnectionState = s.connections.stateOf(ctx, all[i], holds) })
	}
	asking.Wait()
}

// stateOf returns whether a repository answers.
func (c *connections) stateOf(ctx context.Context, r repository, holds time.Duration) connectionState {
	if r.Type != "git" {
		return connectionState{Status: "Unknown", Message: "repositories of type " + r.Type + " are not served; keep the manifests in a git repository"}
	}
	return c.ask(ctx, r.version, r.Project, r.url, holds)
}

// of returns the Secret of a repository that the caller has a right to; nothing is said of others.
func (s repositoryCalls) of(ctx context.Context, c *caller, action, url, project string) (*corev1.Secret, error) {
	rights, err := c.mayAll()
	if err != nil {
		return nil, err
	}
	secrets, err := s.repositorySecrets(ctx, s.secretType)
	if err != nil {
		return nil, err
	}
	for i := range secrets {
		of := string(secrets[i].Data["project"])
		address := string(secrets[i].Data["url"])
		if urls.Same(address, url) && (project == "" || project == of) && rights.Decide(repositoryRequest(action, of, address)).Allowed {
			c.about = "repository " + source.Repository{URL: address}.String()
			return &secrets[i], nil
		}
	}
	if rights.Decide(repositoryRequest(action, project, url)).Allowed {
		return nil, &problem.Error{Kind: problem.Absent, Object: "repository " + source.Repository{URL: url}.String(), Cause: "not found", Remedy: "see the list of repositories"}
	}
	return nil, errDenied
}

func (s repositoryCalls) get(ctx context.Context, c *caller, in *repositoryName) (*repositoryAnswer, error) {
	secret, err := s.of(ctx, c, access.Get, in.Repo, in.Project)
	if err != nil {
		return nil, err
	}
	one := []repository{repositoryOf(*secret, s.secretType)}
	s.reach(ctx, one, in.Refresh)
	return &repositoryAnswer{one[0]}, nil
}

func (s repositoryCalls) delete(ctx context.Context, c *caller, in *repositoryName) (*nothing, error) {
	secret, err := s.of(ctx, c, access.Delete, in.Repo, in.Project)
	if err != nil {
		return nil, err
	}
	return &nothing{}, patch.DeleteSeen(ctx, s.Writer, secret)
}

// data returns what a Secret has of a repository that was sent.
func (r writtenRepository) data(url string) (map[string][]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	delete(fields, "repo")
	fields["url"] = url
	data := map[string][]byte{}
	for name, value := range fields {
		switch v := value.(type) {
		case string:
			data[name] = []byte(v)
		case bool:
			data[name] = []byte(strconv.FormatBool(v))
		case float64:
			data[name] = []byte(strconv.FormatInt(int64(v), 10))
		default:
			return nil, &problem.Error{Kind: problem.Usage, Object: name, Cause: "invalid value", Remedy: "send a number or a string"}
		}
	}
	return data, nil
}

func (s repositoryCalls) create(ctx context.Context, c *caller, in *createRepositoryInput) (*repositoryAnswer, error) {
	address := in.Body.Repo + in.Body.URL
	if err := c.allow(repositoryRequest(access.Create, in.Body.Project, address)); err != nil {
		return nil, err
	}
	if address == "" || in.Body.Repo != "" && in.Body.URL != "" {
		return nil, &problem.Error{Kind: problem.Usage, Object: "repo", Cause: "missing, or beside url", Remedy: "send the URL of the repository"}
	}
	if s.secretType == v1alpha1.SecretTypeRepository && in.Body.Type == "" {
		in.Body.Type = "git"
	}
	data, err := in.Body.data(address)
	if err != nil {
		return nil, err
	}
	secrets, err := s.repositorySecrets(ctx, s.secretType)
	if err != nil {
		return nil, err
	}
	for i := range secrets {
		if !urls.Same(string(secrets[i].Data["url"]), address) || string(secrets[i].Data["project"]) != in.Body.Project {
			continue
		}
		if !in.Upsert {
			return nil, &problem.Error{Kind: problem.Usage, Object: "repository " + source.Repository{URL: address}.String(), Cause: "existing repository spec is different; use upsert flag to force update", Remedy: "send it with upsert=true"}
		}
		return s.write(ctx, c, &secrets[i], data)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: s.Namespace, Name: urls.SecretName(s.prefix, address, in.Body.Project),
		Labels: map[string]string{v1alpha1.SecretTypeLabel: s.secretType}, Annotations: map[string]string{"managed-by": "argocd.argoproj.io"},
	}, Data: data}
	if err := s.Writer.Create(ctx, secret); err != nil {
		return nil, err
	}
	return &repositoryAnswer{repositoryOf(*secret, s.secretType)}, nil
}

// write replaces what a Secret has.
func (s repositoryCalls) write(ctx context.Context, c *caller, secret *corev1.Secret, data map[string][]byte) (*repositoryAnswer, error) {
	if err := c.allow(repositoryRequest(access.Update, string(secret.Data["project"]), string(secret.Data["url"]))); err != nil {
		return nil, err
	}
	before := secret.DeepCopy()
	after := secret.DeepCopy()
	after.Data = data
	if err := s.Writer.Patch(ctx, after, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return nil, err
	}
	return &repositoryAnswer{repositoryOf(*after, s.secretType)}, nil
}

func (s repositoryCalls) update(ctx context.Context, c *caller, in *updateRepositoryInput) (*repositoryAnswer, error) {
	secret, err := s.of(ctx, c, access.Update, in.Repo, in.Body.Project)
	if err != nil {
		return nil, err
	}
	if in.Body.Type == "" {
		in.Body.Type = string(secret.Data["type"])
	}
	in.Body.Project = string(secret.Data["project"])
	data, err := in.Body.data(string(secret.Data["url"]))
	if err != nil {
		return nil, err
	}
	return s.write(ctx, c, secret, data)
}
