package source

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/repository"
	"github.com/cyan-cd/cyan/internal/settings"
)

// CredentialStore finds what opens a repository, among all that people keep beside their Applications. The zero value
// is empty.
type CredentialStore struct {
	entries []credentialEntry
	trust   Trust
}

// credentialEntry is what one Secret opens.
type credentialEntry struct {
	url repository.URL
	// project is the one that the Secret is for; "" for all.
	project string
	// prefix is set when it holds for every repository below url.
	prefix      bool
	credentials Credentials
	// unserved is what the Secret asks for and does not get, each with the Secret's name.
	unserved []string
}

// NewCredentialStore reads Secrets of the types repository and repo-creds; others, and those whose URL is invalid, are
// left out. Of two for the same place and project, the later counts.
func NewCredentialStore(secrets []corev1.Secret, trust Trust) CredentialStore {
	b := CredentialStore{trust: trust}
	for _, s := range secrets {
		kind := s.Labels[v1alpha1.SecretTypeLabel]
		if kind != v1alpha1.SecretTypeRepository && kind != v1alpha1.SecretTypeRepoCredentials {
			continue
		}
		opened := OpenedBy(s)
		u, err := parseURL(opened.URL)
		if err != nil {
			continue
		}
		b.entries = append(b.entries, credentialEntry{
			unserved: UnservedKeys(s),
			url:      u, project: strings.TrimSpace(string(s.Data["project"])), prefix: kind == v1alpha1.SecretTypeRepoCredentials, credentials: opened.Credentials,
		})
	}
	// The first that fits counts: those of a project before those for all, the longest prefix before shorter ones.
	slices.Reverse(b.entries)
	slices.SortStableFunc(b.entries, func(x, y credentialEntry) int {
		return cmp.Or(-cmp.Compare(min(len(x.project), 1), min(len(y.project), 1)), -cmp.Compare(len(x.url.Path()), len(y.url.Path())), -cmp.Compare(len(x.url.User()), len(y.url.User())))
	})
	return b
}

// OpenedBy is the repository that a Secret names, with what the Secret opens it by.
func OpenedBy(s corev1.Secret) Repository {
	text := func(key string) string { return strings.TrimSpace(string(s.Data[key])) }
	unchecked := text("insecure") == "true" || text("insecureIgnoreHostKey") == "true"
	return Repository{URL: text("url"), Credentials: Credentials{
		Username: text("username"), Password: text("password"), BearerToken: text("bearerToken"),
		ForceBasicAuth: text("forceHttpBasicAuth") == "true",
		GitHubApp: GitHubApp{
			ID: text("githubAppID"), InstallationID: text("githubAppInstallationID"), PrivateKey: string(s.Data["githubAppPrivateKey"]), APIURL: text("githubAppEnterpriseBaseUrl"),
		},
		SSHPrivateKey: string(s.Data["sshPrivateKey"]), TLSClientCert: string(s.Data["tlsClientCertData"]), TLSClientKey: string(s.Data["tlsClientCertKey"]),
		Insecure: unchecked, InsecureIgnoreHostKey: unchecked, Proxy: text("proxy"), NoProxy: text("noProxy"),
	}}
}

// UnservedKeys returns what a Secret of the types repository and repo-creds asks for that is not served, a sentence for
// each: keys that are not honoured, and a URL that is invalid.
func UnservedKeys(s corev1.Secret) []string {
	var all []string
	for _, f := range settings.InSecret(s.Name, s.Labels[v1alpha1.SecretTypeLabel], s.Data) {
		if f.Verdict != settings.Harmless {
			all = append(all, f.Problem().Error())
		}
	}
	if _, err := parseURL(OpenedBy(s).URL); err != nil && strings.TrimSpace(string(s.Data["type"])) != "helm" {
		all = append(all, "Secret "+s.Name+": "+err.Error())
	}
	return all
}

// Repository is a URL with what opens it for the Applications of a project. Credentials that a project has for itself
// come before those for all, those of the repository before those of a prefix, and the longest prefix before others.
// What is for another project opens nothing.
func (b CredentialStore) Repository(url, project string) Repository {
	repo := Repository{URL: url}
	u, err := parseURL(url)
	if err != nil {
		return repo
	}
	c := b.credentials(u, project)
	c.SSHKnownHosts = cmp.Or(c.SSHKnownHosts, b.trust.KnownHosts[KnownHostsKey])
	c.CA = cmp.Or(c.CA, b.trust.Certificates[u.Host()])
	repo.Credentials = c
	return repo
}

func (b CredentialStore) credentials(u repository.URL, project string) Credentials {
	var own Credentials
	if e := b.find(func(e credentialEntry) bool { return !e.prefix && e.holdsFor(u) }, project); e != nil {
		own = e.credentials
	}
	if own.opens() {
		return own
	}
	e := b.find(func(e credentialEntry) bool { return e.prefix && e.holdsFor(u) }, project)
	if e == nil {
		return own
	}
	c := e.credentials
	c.Insecure, c.InsecureIgnoreHostKey = c.Insecure || own.Insecure, c.InsecureIgnoreHostKey || own.InsecureIgnoreHostKey
	c.Proxy, c.NoProxy = cmp.Or(own.Proxy, c.Proxy), cmp.Or(own.NoProxy, c.NoProxy)
	return c
}

// find returns the first entry that fits and that is for a project; nil when there is none.
func (b CredentialStore) find(fits func(credentialEntry) bool, project string) *credentialEntry {
	for i, e := range b.entries {
		if (e.project == "" || e.project == project) && fits(e) {
			return &b.entries[i]
		}
	}
	return nil
}

// OfProject returns the URLs of the repositories whose Secret is for a project alone, sorted.
func (b CredentialStore) OfProject(project string) []string {
	var all []string
	for _, e := range b.entries {
		if !e.prefix && e.project != "" && e.project == project {
			all = append(all, e.url.String())
		}
	}
	slices.Sort(all)
	return all
}

// Unserved returns what the Secrets ask for that open a repository for a project, and do not get: a sentence for each.
func (b CredentialStore) Unserved(url, project string) []string {
	u, err := parseURL(url)
	if err != nil {
		return nil
	}
	var all []string
	for _, prefix := range []bool{false, true} {
		if e := b.find(func(e credentialEntry) bool { return e.prefix == prefix && e.holdsFor(u) }, project); e != nil {
			all = append(all, e.unserved...)
		}
	}
	return all
}

// holdsFor reports whether an entry is for a repository.
func (e credentialEntry) holdsFor(u repository.URL) bool {
	return u.Within(e.url) && (e.prefix || e.url.Within(u))
}

// opens reports whether credentials hold something to be let in by.
func (c Credentials) opens() bool {
	return c.Username != "" || c.Password != "" || c.BearerToken != "" || c.SSHPrivateKey != "" || c.GitHubApp != (GitHubApp{}) || c.TLSClientCert != ""
}
