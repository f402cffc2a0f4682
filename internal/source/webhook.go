package source

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ErrUnauthenticated is wrapped by ParseWebhook's error for a payload whose proof is missing or wrong.
var ErrUnauthenticated = errors.New("the webhook's secret does not match")

// WebhookSecrets prove that a git host sent a payload. A host without a secret is believed: a webhook only makes Cyan
// look at a repository that it follows already.
type WebhookSecrets struct {
	GitHub, GitLab, BitbucketServer string
	// Gogs is Gitea's as well.
	Gogs string
	// BitbucketUUID is the hook's X-Hook-UUID.
	BitbucketUUID string
	// AzureUsername and AzurePassword are those of basic authentication.
	AzureUsername, AzurePassword string
}

// ReadWebhookSecrets reads the data of the Secret that existing installations keep them in, argocd-secret.
func ReadWebhookSecrets(data map[string][]byte) WebhookSecrets {
	value := func(key string) string { return strings.TrimSpace(string(data["webhook."+key])) }
	return WebhookSecrets{
		GitHub: value("github.secret"), GitLab: value("gitlab.secret"), BitbucketServer: value("bitbucketserver.secret"), Gogs: value("gogs.secret"),
		BitbucketUUID: value("bitbucket.uuid"), AzureUsername: value("azuredevops.username"), AzurePassword: value("azuredevops.password"),
	}
}

// gitHost is how one kind of host sends webhooks.
type gitHost struct {
	name string
	// sent recognizes its requests.
	sent func(http.Header) bool
	// proven checks the host's proof of who it is.
	proven func(WebhookSecrets, http.Header, []byte) bool
}

// gitHosts are tried in this order: Gitea calls itself Gogs and GitHub as well.
var gitHosts = []gitHost{
	{"Gitea", hasHeader("X-Gitea-Event"), func(s WebhookSecrets, h http.Header, body []byte) bool {
		return signedBody(s.Gogs, h.Get("X-Gitea-Signature"), body)
	}},
	{"Gogs", hasHeader("X-Gogs-Event"), func(s WebhookSecrets, h http.Header, body []byte) bool {
		return signedBody(s.Gogs, h.Get("X-Gogs-Signature"), body)
	}},
	{"GitHub", hasHeader("X-Github-Event"), func(s WebhookSecrets, h http.Header, body []byte) bool {
		return signedBody(s.GitHub, h.Get("X-Hub-Signature-256"), body)
	}},
	{"GitLab", hasHeader("X-Gitlab-Event"), func(s WebhookSecrets, h http.Header, _ []byte) bool {
		return sameSecret(s.GitLab, h.Get("X-Gitlab-Token"))
	}},
	{"Bitbucket", hasHeader("X-Hook-Uuid"), func(s WebhookSecrets, h http.Header, _ []byte) bool {
		return sameSecret(strings.Trim(s.BitbucketUUID, "{}"), strings.Trim(h.Get("X-Hook-Uuid"), "{}"))
	}},
	{"Bitbucket Server", hasHeader("X-Event-Key"), func(s WebhookSecrets, h http.Header, body []byte) bool {
		return signedBody(s.BitbucketServer, h.Get("X-Hub-Signature"), body)
	}},
	{"Azure DevOps", hasHeader("X-Vss-Activityid"), func(s WebhookSecrets, h http.Header, _ []byte) bool {
		user, password, _ := (&http.Request{Header: h}).BasicAuth()
		return sameSecret(s.AzureUsername, user) && sameSecret(s.AzurePassword, password)
	}},
}

func hasHeader(name string) func(http.Header) bool {
	return func(h http.Header) bool { return h.Get(name) != "" }
}

func sameSecret(secret, given string) bool {
	return secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(given)) == 1
}

func signedBody(secret, signature string, body []byte) bool {
	if secret == "" {
		return true
	}
	given, err := hex.DecodeString(strings.TrimPrefix(signature, "sha256="))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}

// webhookPayload is what the hosts have in common, and what they call it.
type webhookPayload struct {
	Repository payloadRepository `json:"repository"`
	Project    payloadRepository `json:"project"`
	Resource   struct {
		Repository payloadRepository `json:"repository"`
	} `json:"resource"`
}

type payloadRepository struct {
	CloneURL   string `json:"clone_url"`
	SSHURL     string `json:"ssh_url"`
	GitURL     string `json:"git_url"`
	HTMLURL    string `json:"html_url"`
	GitHTTPURL string `json:"git_http_url"`
	GitSSHURL  string `json:"git_ssh_url"`
	WebURL     string `json:"web_url"`
	RemoteURL  string `json:"remoteUrl"`
	SSHRemote  string `json:"sshUrl"`
	Links      struct {
		HTML struct {
			Href string `json:"href"`
		} `json:"html"`
		Clone []struct {
			Href string `json:"href"`
		} `json:"clone"`
	} `json:"links"`
}

func (r payloadRepository) urls() []string {
	all := []string{r.CloneURL, r.SSHURL, r.GitURL, r.HTMLURL, r.GitHTTPURL, r.GitSSHURL, r.WebURL, r.RemoteURL, r.SSHRemote, r.Links.HTML.Href}
	for _, c := range r.Links.Clone {
		all = append(all, c.Href)
	}
	// Bitbucket's cloud names the page alone; the repository is there over ssh too.
	if u, err := url.Parse(r.Links.HTML.Href); err == nil && u.Host == "bitbucket.org" {
		all = append(all, "git@bitbucket.org:"+strings.TrimPrefix(u.Path, "/")+".git")
	}
	return all
}

// ParseWebhook returns the repositories that a webhook of GitHub, GitLab, Bitbucket, Gitea, Gogs or Azure DevOps tells
// of, under each URL it names them by, normalized. A host's greeting, which names none, gives none. The error wraps
// ErrUnauthenticated if the secret does not match.
func ParseWebhook(header http.Header, body []byte, secrets WebhookSecrets) ([]string, error) {
	i := slices.IndexFunc(gitHosts, func(h gitHost) bool { return h.sent(header) })
	if i < 0 {
		return nil, errors.New("no webhook that Cyan knows: it takes those of GitHub, GitLab, Bitbucket, Gitea, Gogs and Azure DevOps")
	}
	host := gitHosts[i]
	if !host.proven(secrets, header, body) {
		return nil, fmt.Errorf("webhook of %s: %w", host.name, ErrUnauthenticated)
	}
	if strings.HasPrefix(header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, fmt.Errorf("webhook of %s: reading its form: %w", host.name, err)
		}
		body = []byte(form.Get("payload"))
	}
	var p webhookPayload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("webhook of %s: reading its payload: %w", host.name, err)
	}
	var urls []string
	for _, raw := range slices.Concat(p.Repository.urls(), p.Project.urls(), p.Resource.Repository.urls()) {
		if u, err := parseURL(raw); err == nil {
			urls = append(urls, u.String())
		}
	}
	slices.Sort(urls)
	return slices.Compact(urls), nil
}
