package source

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/repository"
)

// gitAccess is what a call of git needs to be let in. Secrets go by environment or by files that only this user reads,
// never by argument.
type gitAccess struct {
	url     string
	name    string
	env     []string
	config  []gitSetting
	secrets []string
	files   string
	// egress is the way to the host, for http and https; nil where git goes by itself.
	egress *egress
	// foreign is set when what git says may be the words of the other end.
	foreign bool
}

// credentialHelper is a credential helper: git asks it only for the URL that it is configured for, so a redirect to
// another host learns nothing.
const credentialHelper = `!f() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$CYAN_GIT_USERNAME" "$CYAN_GIT_PASSWORD"; }; f`

// gitAccess prepares the credentials of repo. The caller calls done.
func (s *mirrorStore) access(ctx context.Context, repo Repository) (*gitAccess, error) {
	u, c, err := repo.split()
	if err != nil {
		return nil, err
	}
	a := &gitAccess{url: u.Remote(), name: repo.String(), secrets: c.secrets(), foreign: u.Scheme() != "file"}
	switch u.Scheme() {
	case "http", "https":
		if c, err = a.asApp(ctx, s, c); err != nil {
			break
		}
		if err = a.overHTTP(s, u, c); err == nil && !s.opts.OwnConfiguration {
			err = a.guardHTTP(s.networks, u, c)
		}
	case "ssh":
		err = a.overSSH(ctx, s, u, c)
	case "git":
		if !s.opts.OwnConfiguration {
			_, err = s.networks.lookup(ctx, u.Host())
		}
	case "file":
		if a.url, err = s.local(u); err != nil {
			return nil, err
		}
		a.env = append(a.env, "GIT_ALLOW_PROTOCOL=file")
	}
	if err != nil {
		a.done()
		if p := problem.Of(err); p != nil {
			return nil, a.rename("connecting", p)
		}
		return nil, newError(ErrRefused, a.name, err.Error(), "correct the credentials of the repository")
	}
	return a, nil
}

func (a *gitAccess) done() {
	if a.egress != nil {
		a.egress.close()
	}
	if a.files != "" {
		_ = os.RemoveAll(a.files)
	}
}

// call adds the credentials to a call.
func (a *gitAccess) call(c gitCall) gitCall {
	c.env = append(c.env, a.env...)
	c.config = append(c.config, a.config...)
	return c
}

func (a *gitAccess) overHTTP(s *mirrorStore, u repository.URL, c Credentials) error {
	for _, text := range []string{c.Username, c.Password, c.BearerToken, c.Proxy} {
		if strings.ContainsAny(text, "\r\n\x00") {
			return errors.New("a user name, password, token or proxy has a line break in it")
		}
	}
	a.authenticateHTTP(u, c)
	if c.Insecure {
		a.set("http.sslVerify", "false")
	}
	if c.Proxy != "" {
		a.set("http.proxy", c.Proxy)
	}
	if c.NoProxy != "" {
		a.env = append(a.env, "no_proxy="+c.NoProxy, "NO_PROXY="+c.NoProxy)
	}
	return a.certificates(s, c)
}

// authenticateHTTP sets who it is that asks.
func (a *gitAccess) authenticateHTTP(u repository.URL, c Credentials) {
	origin := u.Origin()
	switch {
	case c.BearerToken != "":
		a.set("http."+origin+".extraHeader", "Authorization: Bearer "+c.BearerToken)
		// The header would go wherever the host points.
		a.set("http.followRedirects", "false")
	case c.ForceBasicAuth && c.Password != "":
		a.set("http."+origin+".extraHeader", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(cmp.Or(c.Username, "git")+":"+c.Password)))
		a.set("http.followRedirects", "false")
	case c.Password != "" || c.Username != "":
		// A name alone may be a token.
		username := c.Username
		if username == "" {
			username = "git"
		}
		a.env = append(a.env, "CYAN_GIT_USERNAME="+username, "CYAN_GIT_PASSWORD="+c.Password)
		for _, at := range append([]string{origin}, upgrades(u)...) {
			a.set("credential."+at+".helper", credentialHelper)
		}
	}
}

// certificates puts those of TLS into files for git.
func (a *gitAccess) certificates(s *mirrorStore, c Credentials) error {
	for key, content := range map[string]string{"http.sslCAInfo": c.CA, "http.sslCert": c.TLSClientCert, "http.sslKey": c.TLSClientKey} {
		if content == "" {
			continue
		}
		file, err := a.file(s, key, content)
		if err != nil {
			return err
		}
		a.set(key, file)
		if key == "http.sslCAInfo" {
			// The variable would win over the setting.
			a.env = append(a.env, "GIT_SSL_CAINFO="+file)
		}
	}
	return nil
}

// asApp puts a token of a GitHub App in the place of its key.
func (a *gitAccess) asApp(ctx context.Context, s *mirrorStore, c Credentials) (Credentials, error) {
	if c.GitHubApp == (GitHubApp{}) || c.Password != "" || c.BearerToken != "" {
		return c, nil
	}
	client, err := s.apiClient(c)
	if err != nil {
		return c, err
	}
	token, err := s.apps.token(ctx, c, client)
	if err != nil {
		return c, err
	}
	a.secrets = append(a.secrets, token)
	c.Username, c.Password = "x-access-token", token
	return c, nil
}

// upgrades are where a host may send git on to when it is asked over http.
func upgrades(u repository.URL) []string {
	if u.Scheme() != "http" {
		return nil
	}
	host := strings.TrimSuffix(strings.TrimPrefix(u.Origin(), "http://"), ":"+u.Port())
	return []string{"https://" + host, "https://" + host + ":" + u.Port()}
}

// guardHTTP has git reach the host of a URL and no other. A proxy that people have set decides itself where it goes, so
// nothing is followed there.
func (a *gitAccess) guardHTTP(n networks, u repository.URL, c Credentials) error {
	own := c.Proxy != ""
	if !own {
		proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: u.Scheme(), Host: net.JoinHostPort(u.Host(), u.Port())}})
		own = proxy != nil || err != nil
	}
	if address, err := netip.ParseAddr(u.Host()); err == nil && !n.allow(address) {
		return n.refusal(u.Host())
	}
	if own {
		a.set("http.followRedirects", "false")
		return nil
	}
	e, err := openEgress(u, n)
	if err != nil {
		return err
	}
	a.egress = e
	a.set("http.proxy", "http://"+e.address)
	a.env = append(a.env, "no_proxy=", "NO_PROXY=")
	return nil
}

func (a *gitAccess) overSSH(ctx context.Context, s *mirrorStore, u repository.URL, c Credentials) error {
	command := []string{"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15"}
	if !s.opts.OwnConfiguration {
		command = append(command, "-F", os.DevNull)
		addresses, err := s.networks.lookup(ctx, u.Host())
		if err != nil {
			return err
		}
		if _, err := netip.ParseAddr(u.Host()); err != nil {
			// What was judged is what is connected to, under the name that known_hosts has.
			alias := u.Host()
			if u.Port() != "22" {
				alias = "[" + alias + "]:" + u.Port()
			}
			command = append(command, "-o", "HostName="+addresses[0].Unmap().String(), "-o", shellQuote("HostKeyAlias="+alias))
		}
	}
	if c.SSHPrivateKey != "" {
		file, err := a.file(s, "key", strings.TrimSpace(strings.ReplaceAll(c.SSHPrivateKey, "\r\n", "\n"))+"\n")
		if err != nil {
			return err
		}
		command = append(command, "-o", "IdentitiesOnly=yes", "-i", shellQuote(file))
	}
	switch {
	case c.InsecureIgnoreHostKey:
		command = append(command, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile="+os.DevNull)
	case c.SSHKnownHosts != "":
		file, err := a.file(s, "known_hosts", c.SSHKnownHosts+"\n")
		if err != nil {
			return err
		}
		command = append(command, "-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile="+shellQuote(file))
	default:
		command = append(command, "-o", "StrictHostKeyChecking=yes")
	}
	if _, own := os.LookupEnv("GIT_SSH_COMMAND"); own && s.opts.OwnConfiguration && c == (Credentials{}) {
		return nil
	}
	a.env = append(a.env, "GIT_SSH_COMMAND="+strings.Join(command, " "), "GIT_SSH_VARIANT=ssh")
	return nil
}

func (a *gitAccess) set(key, value string) { a.config = append(a.config, gitSetting{key, value}) }

// file puts a secret where only this user can read it, until done.
func (a *gitAccess) file(s *mirrorStore, name, content string) (string, error) {
	if a.files == "" {
		dir, err := os.MkdirTemp(s.secretsDir(), "access-")
		if err != nil {
			return "", fmt.Errorf("making a place for credentials: %w", err)
		}
		a.files = dir
	}
	file := filepath.Join(a.files, name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		return "", fmt.Errorf("writing credentials: %w", err)
	}
	return file, nil
}

// explain adds the repository's name, a kind and a remedy to git's failure.
func (a *gitAccess) explain(doing string, err error) error {
	if failed := problem.Of(a.egress.err()); failed != nil {
		return a.rename(doing, failed)
	}
	var exit *exitError
	if errors.As(err, &exit) && a.foreign {
		return diagnose(a.name, doing, ownWords(exit.stderr), a.secrets)
	} else if errors.As(err, &exit) {
		return diagnose(a.name, doing, exit.stderr, a.secrets)
	}
	if late := problem.Of(err); late != nil && errors.Is(err, ErrUnreachable) {
		return newError(ErrUnreachable, a.name, doing+" "+late.Cause, "check the network and the host")
	}
	return fmt.Errorf("repository %s: %s: %w", a.name, doing, err)
}

// rename returns a problem with a host as one with the repository.
func (a *gitAccess) rename(doing string, p *problem.Error) error {
	named := *p
	named.Object, named.Cause = "repository "+a.name, doing+": "+p.Cause
	return &named
}

// shellQuote is for the shell that git starts ssh with.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
