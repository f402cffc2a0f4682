package source_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cyan-cd/cyan/internal/repository"
	"github.com/cyan-cd/cyan/internal/source"
)

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// parseWebhook reads a webhook in parts.
func parseWebhook(header http.Header, body []byte, secrets source.WebhookSecrets) ([]string, error) {
	w, err := source.OpenWebhook(header, secrets)
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(body, 7) {
		if _, err := w.Write(part); err != nil {
			return nil, err
		}
	}
	return w.Repositories(body)
}

// As soon as a secret is set for one host, the others are strangers.
func TestHostsWithoutASecretAreRefusedOnceThereIsOne(t *testing.T) {
	headers := map[string]http.Header{
		"GitHub": header("X-GitHub-Event", "push"), "GitLab": header("X-Gitlab-Event", "Push Hook"), "Gogs": header("X-Gogs-Event", "push"), "Gitea": header("X-Gitea-Event", "push"),
		"Bitbucket": header("X-Hook-UUID", "u-1"), "Bitbucket Server": header("X-Event-Key", "repo:refs_changed"), "Azure DevOps": header("X-Vss-Activityid", "1"),
	}
	for set, secrets := range map[string]source.WebhookSecrets{
		"GitHub": {GitHub: "x"}, "GitLab": {GitLab: "x"}, "Gogs": {Gogs: "x"}, "Bitbucket Server": {BitbucketServer: "x"}, "Bitbucket": {BitbucketUUID: "x"},
		"Azure DevOps": {AzurePassword: "x"},
	} {
		for host, h := range headers {
			if got, err := source.OpenWebhook(h, secrets); !errors.Is(err, source.ErrUnauthenticated) || got != nil {
				t.Errorf("a secret for %s, and a webhook of %s without any: got %v, want it refused before its body is read", set, host, err)
			}
		}
	}
}

func TestDeliveriesHaveNames(t *testing.T) {
	for want, h := range map[string]http.Header{
		"GitHub d-1":           header("X-GitHub-Event", "push", "X-GitHub-Delivery", "d-1"),
		"Gitea d-1":            header("X-Gitea-Event", "push", "X-Gitea-Delivery", "d-1", "X-GitHub-Delivery", "d-2"),
		"GitLab d-1":           header("X-Gitlab-Event", "push", "X-Gitlab-Event-UUID", "d-1"),
		"Bitbucket d-1":        header("X-Hook-UUID", "u", "X-Request-UUID", "d-1"),
		"Bitbucket Server d-1": header("X-Event-Key", "push", "X-Request-Id", "d-1"),
		"":                     header("X-Vss-Activityid", "1", "X-Request-Id", strings.Repeat("x", 200)),
	} {
		w, err := source.OpenWebhook(h, source.WebhookSecrets{})
		must(t, err)
		if got := w.Delivery(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestWebhooks(t *testing.T) {
	const (
		github      = `{"ref":"refs/heads/main","repository":{"clone_url":"https://github.com/Acme/Shop.git","ssh_url":"git@github.com:Acme/Shop.git","git_url":"git://github.com/Acme/Shop.git","html_url":"https://github.com/Acme/Shop"}}`
		gitlab      = `{"project":{"git_http_url":"https://gitlab.example/acme/shop.git","git_ssh_url":"git@gitlab.example:acme/shop.git","web_url":"https://gitlab.example/acme/shop"},"repository":{"url":"x"}}`
		gitea       = `{"repository":{"clone_url":"http://gitea.example:3000/acme/shop.git","ssh_url":"git@gitea.example:acme/shop.git","html_url":"http://gitea.example:3000/acme/shop"}}`
		bitbucket   = `{"repository":{"full_name":"acme/shop","links":{"html":{"href":"https://bitbucket.org/acme/shop"}}}}`
		bitbucketDC = `{"repository":{"links":{"clone":[{"href":"ssh://git@bb.example:7999/ac/shop.git","name":"ssh"},{"href":"https://bb.example/scm/ac/shop.git","name":"http"}]}}}`
		azure       = `{"eventType":"git.push","resource":{"repository":{"remoteUrl":"https://dev.azure.com/acme/p/_git/shop","url":"https://dev.azure.com/acme/_apis/git"}}}`
	)
	form := "payload=" + url.QueryEscape(github)
	secrets := source.ReadWebhookSecrets(map[string][]byte{
		"webhook.github.secret": []byte("gh\n"), "webhook.gitlab.secret": []byte("gl"), "webhook.gogs.secret": []byte("go"), "webhook.bitbucket.uuid": []byte("{u-1}"),
		"webhook.bitbucketserver.secret": []byte("bb"), "webhook.azuredevops.username": []byte("az"), "webhook.azuredevops.password": []byte("ure"),
	})
	onGitHub := []string{"git://github.com/acme/shop", "https://github.com/acme/shop", "ssh://git@github.com/acme/shop"}
	for _, c := range []struct {
		name   string
		header http.Header
		body   string
		want   []string
	}{
		{"GitHub", header("X-GitHub-Event", "push", "X-Hub-Signature-256", "sha256="+sign("gh", github)), github, onGitHub},
		{"GitHub's form", header("X-GitHub-Event", "push", "Content-Type", "application/x-www-form-urlencoded", "X-Hub-Signature-256", "sha256="+sign("gh", form)), form, onGitHub},
		{"GitHub's greeting to an organization", header("X-GitHub-Event", "ping", "X-Hub-Signature-256", "sha256="+sign("gh", `{"zen":"x"}`)), `{"zen":"x"}`, nil},
		{"GitLab", header("X-Gitlab-Event", "Push Hook", "X-Gitlab-Token", "gl"), gitlab, []string{"https://gitlab.example/acme/shop", "ssh://git@gitlab.example/acme/shop"}},
		{"Gitea", header("X-Gitea-Event", "push", "X-Gogs-Event", "push", "X-GitHub-Event", "push", "X-Gitea-Signature", sign("go", gitea)), gitea, []string{"http://gitea.example:3000/acme/shop", "ssh://git@gitea.example/acme/shop"}},
		{"Gogs", header("X-Gogs-Event", "push", "X-Gogs-Signature", sign("go", gitea)), gitea, []string{"http://gitea.example:3000/acme/shop", "ssh://git@gitea.example/acme/shop"}},
		{"Bitbucket", header("X-Event-Key", "repo:push", "X-Hook-UUID", "u-1"), bitbucket, []string{"https://bitbucket.org/acme/shop", "ssh://git@bitbucket.org/acme/shop"}},
		{"Bitbucket Server", header("X-Event-Key", "repo:refs_changed", "X-Hub-Signature", "sha256="+sign("bb", bitbucketDC)), bitbucketDC, []string{"https://bb.example/scm/ac/shop", "ssh://git@bb.example:7999/ac/shop"}},
		{"Azure DevOps", header("X-Vss-Activityid", "1", "Authorization", "Basic YXo6dXJl"), azure, []string{"https://dev.azure.com/acme/p/_git/shop"}},
	} {
		got, err := parseWebhook(c.header, []byte(c.body), secrets)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
		// Without secrets of its own, an installation believes every host.
		if got, err := parseWebhook(c.header, []byte(c.body), source.WebhookSecrets{}); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s without secrets: %q, %v", c.name, got, err)
		}
		wrong := source.WebhookSecrets{GitHub: "?", GitLab: "?", Gogs: "?", BitbucketServer: "?", BitbucketUUID: "?", AzureUsername: "az", AzurePassword: "?"}
		if got, err := parseWebhook(c.header, []byte(c.body), wrong); !errors.Is(err, source.ErrUnauthenticated) || got != nil {
			t.Errorf("%s with a wrong secret: %q, %v", c.name, got, err)
		}
	}
}

func TestWebhooksThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		body   string
		says   string
	}{
		"a stranger":        {header(), "{}", "GitHub, GitLab"},
		"no JSON":           {header("X-GitHub-Event", "push"), "<html>", "payload"},
		"no form":           {header("X-GitHub-Event", "push", "Content-Type", "application/x-www-form-urlencoded"), "payload=%zz", "form"},
		"a number for text": {header("X-GitHub-Event", "push"), `{"repository":{"clone_url":1}}`, "payload"},
	} {
		if got, err := parseWebhook(c.header, []byte(c.body), source.WebhookSecrets{}); err == nil || !strings.Contains(err.Error(), c.says) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func FuzzParseWebhook(f *testing.F) {
	f.Add("X-GitHub-Event", "application/json", `{"repository":{"clone_url":"https://u:p@github.com/a/b.git"}}`)
	f.Add("X-Event-Key", "application/x-www-form-urlencoded", "payload=%7B%7D")
	f.Fuzz(func(t *testing.T, event, contentType, body string) {
		urls, err := parseWebhook(header(event, "push", "Content-Type", contentType), []byte(body), source.WebhookSecrets{})
		if err != nil && urls != nil {
			t.Error("both URLs and an error")
		}
		for _, u := range urls {
			if normal, err := repository.Parse(u); err != nil || u != normal.String() {
				t.Errorf("%q is not normalized", u)
			}
		}
	})
}
