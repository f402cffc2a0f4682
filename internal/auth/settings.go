package auth

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/problem"
)

// Settings are what ConfigMap argocd-cm says about who may log in.
type Settings struct {
	// Accounts have what is written about accounts, by their names; admin is always among them.
	Accounts map[string]AccountSettings
	// Anonymous lets requests without a token have what everybody has.
	Anonymous bool
	// SessionDuration is how long a session lasts that is not renewed.
	SessionDuration time.Duration
	// PasswordPattern is what a new password has to match.
	PasswordPattern *regexp.Regexp
	// URLs are the addresses that people know the server by, the first of them in links; none when none is set.
	URLs []string
	// OIDC is the issuer whose users may log in, GitHub the same for GitHub; at most one of the two is set.
	OIDC   *OIDCSettings
	GitHub *GitHubSettings
}

// AccountSettings are what is written about an account.
type AccountSettings struct {
	Enabled bool
	// Login lets it log in with a password, APIKey have tokens.
	Login, APIKey bool
}

const (
	adminName      = "admin"
	accountsPrefix = "accounts."
	enabledSuffix  = ".enabled"

	defaultPattern  = `^.{8,32}$`
	defaultDuration = 24 * time.Hour
	leastDuration   = time.Minute
	mostAccounts    = 1000
	// longestName bounds the name of an account, in bytes: what is longer is refused before anything is looked up.
	longestName = 32
)

// ParseSettings reads the data of ConfigMap argocd-cm. What is invalid or not served is returned, with what to do.
func ParseSettings(data map[string]string) (Settings, []*problem.Error) {
	p := &settingsParser{data: data}
	s := Settings{
		Anonymous: p.flag("users.anonymous.enabled", false), SessionDuration: p.duration("users.session.duration"), PasswordPattern: p.pattern("passwordPattern"),
		Accounts: p.accounts(), URLs: p.urls(),
	}
	p.issuers(&s)
	return s, p.found
}

type settingsParser struct {
	data  map[string]string
	found []*problem.Error
}

func (p *settingsParser) value(key string) string { return strings.TrimSpace(p.data[key]) }

func (p *settingsParser) find(key, cause, remedy string) {
	p.found = append(p.found, &problem.Error{Kind: problem.Usage, Object: "ConfigMap " + ConfigName, Field: key, Cause: cause, Remedy: remedy})
}

// flag reads true or false. What is neither is taken for false, which lets in fewer.
func (p *settingsParser) flag(key string, otherwise bool) bool {
	switch p.value(key) {
	case "":
		return otherwise
	case "true":
		return true
	case "false":
		return false
	}
	p.find(key, fmt.Sprintf("%q is neither true nor false, taken for false", cut(p.value(key))), "write true or false")
	return false
}

func (p *settingsParser) duration(key string) time.Duration {
	text := p.value(key)
	if text == "" {
		return defaultDuration
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < leastDuration {
		p.find(key, fmt.Sprintf("%q is not a time of at least %s, taken for %s", cut(text), leastDuration, defaultDuration), "write a time such as 12h")
		return defaultDuration
	}
	return d
}

func (p *settingsParser) pattern(key string) *regexp.Regexp {
	text := p.value(key)
	if text == "" {
		text = defaultPattern
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		p.find(key, fmt.Sprintf("invalid expression: %v; taken for %s", err, defaultPattern), "correct it")
		return regexp.MustCompile(defaultPattern)
	}
	return compiled
}

// accounts reads accounts.NAME, accounts.NAME.enabled and admin.enabled.
func (p *settingsParser) accounts() map[string]AccountSettings {
	all := map[string]AccountSettings{adminName: {Enabled: p.flag("admin.enabled", true), Login: true}}
	for _, key := range slices.Sorted(maps.Keys(p.data)) {
		name, isAccount := strings.CutPrefix(key, accountsPrefix)
		switch {
		case !isAccount || strings.HasSuffix(name, enabledSuffix):
			continue
		case name == "" || len(name) > longestName || strings.ContainsAny(name, "."):
			p.find(key, "invalid name of an account", fmt.Sprintf("use at most %d letters, without dots", longestName))
			continue
		case len(all) >= mostAccounts:
			p.find(key, fmt.Sprintf("more than %d accounts; left out", mostAccounts), "let people log in by an issuer")
			continue
		}
		a, known := all[name]
		if !known {
			a.Enabled = true
		}
		p.capabilities(key, &a)
		all[name] = a
	}
	for name, a := range all {
		if key := accountsPrefix + name + enabledSuffix; p.value(key) != "" {
			a.Enabled = a.Enabled && p.flag(key, true)
			all[name] = a
		}
	}
	return all
}

// capabilities reads what an account may have.
func (p *settingsParser) capabilities(key string, a *AccountSettings) {
	for capability := range strings.SplitSeq(p.data[key], ",") {
		switch capability = strings.TrimSpace(capability); capability {
		case "login":
			a.Login = true
		case "apiKey":
			a.APIKey = true
		case "":
		default:
			p.find(key, fmt.Sprintf("unknown capability %q", cut(capability)), "write login, apiKey or both")
		}
	}
}

// urls reads url and additionalUrls.
func (p *settingsParser) urls() []string {
	var all []string
	if u := strings.TrimSuffix(p.value("url"), "/"); u != "" {
		if isHTTP(u) {
			all = append(all, u)
		} else {
			p.find("url", "not an http or https URL", "write one such as https://cd.example")
		}
	}
	var more []string
	if !p.yaml("additionalUrls", &more) {
		return all
	}
	for _, u := range more {
		if u = strings.TrimSuffix(u, "/"); isHTTP(u) {
			all = append(all, u)
		} else {
			p.find("additionalUrls", fmt.Sprintf("%q is not an http or https URL", cut(u)), "correct it")
		}
	}
	return all
}

// cut shortens what was written to what a message holds.
func cut(text string) string {
	const most = 80
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
