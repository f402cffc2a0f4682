package source

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ErrUnauthenticated is wrapped by the errors about a webhook whose proof is missing or wrong.
var ErrUnauthenticated = errors.New("the webhook's secret does not match")

// WebhookSecrets prove that a git host sent a payload.
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
	// event is the header by which its requests are recognized.
	event string
	// setting is the key of the secret, for those who have to set it.
	setting string
	// secret is what it proves that it knows; "" when none is set.
	secret func(WebhookSecrets) string
	// signature is the header with the body's HMAC under the secret; "" for a host that proves itself by headers alone.
	signature string
	// proven checks these.
	proven func(WebhookSecrets, http.Header) bool
}

// gitHosts are tried in this order: Gitea calls itself Gogs and GitHub as well.
var gitHosts = []gitHost{
	{name: "Gitea", event: "X-Gitea-Event", signature: "X-Gitea-Signature", setting: "webhook.gogs.secret", secret: func(s WebhookSecrets) string { return s.Gogs }},
	{name: "Gogs", event: "X-Gogs-Event", signature: "X-Gogs-Signature", setting: "webhook.gogs.secret", secret: func(s WebhookSecrets) string { return s.Gogs }},
	{name: "GitHub", event: "X-Github-Event", signature: "X-Hub-Signature-256", setting: "webhook.github.secret", secret: func(s WebhookSecrets) string { return s.GitHub }},
	{
		name: "GitLab", event: "X-Gitlab-Event", setting: "webhook.gitlab.secret", secret: func(s WebhookSecrets) string { return s.GitLab },
		proven: func(s WebhookSecrets, h http.Header) bool { return sameSecret(s.GitLab, h.Get("X-Gitlab-Token")) },
	},
	{
		name: "Bitbucket", event: "X-Hook-Uuid", setting: "webhook.bitbucket.uuid", secret: func(s WebhookSecrets) string { return s.BitbucketUUID },
		proven: func(s WebhookSecrets, h http.Header) bool {
			return sameSecret(strings.Trim(s.BitbucketUUID, "{}"), strings.Trim(h.Get("X-Hook-Uuid"), "{}"))
		},
	},
	{name: "Bitbucket Server", event: "X-Event-Key", signature: "X-Hub-Signature", setting: "webhook.bitbucketserver.secret", secret: func(s WebhookSecrets) string { return s.BitbucketServer }},
	{
		name: "Azure DevOps", event: "X-Vss-Activityid", setting: "webhook.azuredevops.password", secret: func(s WebhookSecrets) string { return s.AzureUsername + s.AzurePassword },
		proven: func(s WebhookSecrets, h http.Header) bool {
			user, password, _ := (&http.Request{Header: h}).BasicAuth()
			return sameSecret(s.AzureUsername, user) && sameSecret(s.AzurePassword, password)
		},
	},
}

func sameSecret(secret, given string) bool {
	return subtle.ConstantTimeCompare([]byte(secret), []byte(given)) == 1
}

// Webhook is a request of a git host that is being read. What its headers prove was checked when it was opened; the
// body is written to it as it comes, and proves the rest.
type Webhook struct {
	host   gitHost
	header http.Header
	// mac is that of what was written, and given what it has to be; nil when the body proves nothing.
	mac   hash.Hash
	given []byte
}

// OpenWebhook finds out which host sent a request, before its body is read. A host for which no secret is set is
// believed as long as none is set for any: its webhook only makes Cyan look at a repository that it follows already.
// The error wraps ErrUnauthenticated when what the host has to know is missing or wrong.
func OpenWebhook(header http.Header, secrets WebhookSecrets) (*Webhook, error) {
	i := slices.IndexFunc(gitHosts, func(h gitHost) bool { return header.Get(h.event) != "" })
	if i < 0 {
		return nil, errors.New("no webhook that Cyan knows: it takes those of GitHub, GitLab, Bitbucket, Gitea, Gogs and Azure DevOps")
	}
	w := &Webhook{host: gitHosts[i], header: header}
	secret := w.host.secret(secrets)
	switch {
	case secrets == WebhookSecrets{}:
		return w, nil
	case secret == "":
		return nil, fmt.Errorf("webhook of %s: %w: none is set for this host while there are some for others; set %s", w.host.name, ErrUnauthenticated, w.host.setting)
	case w.host.signature == "":
		if !w.host.proven(secrets, header) {
			return nil, fmt.Errorf("webhook of %s: %w", w.host.name, ErrUnauthenticated)
		}
		return w, nil
	}
	given, err := hex.DecodeString(strings.TrimPrefix(header.Get(w.host.signature), "sha256="))
	if err != nil || len(given) != sha256.Size {
		return nil, fmt.Errorf("webhook of %s: %w: header %s has no signature", w.host.name, ErrUnauthenticated, w.host.signature)
	}
	w.given, w.mac = given, hmac.New(sha256.New, []byte(secret))
	return w, nil
}

// Write takes the next part of the body.
func (w *Webhook) Write(part []byte) (int, error) {
	if w.mac != nil {
		w.mac.Write(part)
	}
	return len(part), nil
}

// deliveryHeaders name one delivery, whatever number of times it is sent.
var deliveryHeaders = []string{"X-Gitea-Delivery", "X-Gogs-Delivery", "X-Github-Delivery", "X-Gitlab-Event-Uuid", "X-Request-Uuid", "X-Request-Id"}

// Delivery names what the host delivers, the same each time that it does; "" when the host gives it no name.
func (w *Webhook) Delivery() string {
	const longest = 128
	for _, name := range deliveryHeaders {
		if id := w.header.Get(name); id != "" && len(id) <= longest {
			return w.host.name + " " + id
		}
	}
	return ""
}

// Repositories returns the repositories that the webhook tells of, under each URL it names them by, in the one spelling
// that URLs have. body is what was written. A host's greeting, which names none, gives none. The error wraps
// ErrUnauthenticated if the body is not signed with the secret.
func (w *Webhook) Repositories(body []byte) ([]string, error) {
	if w.mac != nil && !hmac.Equal(w.given, w.mac.Sum(nil)) {
		return nil, fmt.Errorf("webhook of %s: %w", w.host.name, ErrUnauthenticated)
	}
	if strings.HasPrefix(w.header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, fmt.Errorf("webhook of %s: reading its form: %w", w.host.name, err)
		}
		body = []byte(form.Get("payload"))
	}
	var p webhookPayload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("webhook of %s: reading its payload: %w", w.host.name, err)
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
