package auth

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// OIDCSettings are oidc.config of ConfigMap argocd-cm, as far as it is served.
type OIDCSettings struct {
	Name         string `json:"name"`
	Issuer       string `json:"issuer"`
	ClientID     string `json:"clientID"`
	ClientSecret string `json:"clientSecret"`
	CLIClientID  string `json:"cliClientID"`
	// RequestedScopes are asked for; openid is among them always.
	RequestedScopes        []string         `json:"requestedScopes"`
	RequestedIDTokenClaims map[string]Claim `json:"requestedIDTokenClaims"`
	LogoutURL              string           `json:"logoutURL"`
	RootCA                 string           `json:"rootCA"`
	AllowedAudiences       []string         `json:"allowedAudiences"`
	EnableUserInfoGroups   bool             `json:"enableUserInfoGroups"`
	UserInfoPath           string           `json:"userInfoPath"`
	DomainHint             string           `json:"domainHint"`
}

// Claim is how a claim is asked for.
type Claim struct {
	Essential bool     `json:"essential,omitempty"`
	Value     string   `json:"value,omitempty"`
	Values    []string `json:"values,omitempty"`
}

// GitHubSettings are the connector of type github in dex.config of ConfigMap argocd-cm.
type GitHubSettings struct {
	ClientID     string `json:"clientID"`
	ClientSecret string `json:"clientSecret"`
	// Orgs are the organizations one of which a user has to be in; all when empty.
	Orgs []GitHubOrg `json:"orgs"`
	// HostName is that of a GitHub Enterprise Server.
	HostName string `json:"hostName"`
	RootCA   string `json:"rootCA"`
	// TeamNameField is what of a team follows the organization in a group: name, slug or both.
	TeamNameField string `json:"teamNameField"`
	LoadAllGroups bool   `json:"loadAllGroups"`
	UseLoginAsID  bool   `json:"useLoginAsID"`
}

// GitHubOrg is an organization, with the teams that count; all when empty.
type GitHubOrg struct {
	Name  string   `json:"name"`
	Teams []string `json:"teams"`
}

const (
	oidcKey = "oidc.config"
	dexKey  = "dex.config"
)

func isHTTP(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.Fragment == "" && u.RawQuery == ""
}

// yaml reads a key; false when there is nothing to read.
func (p *settingsParser) yaml(key string, into any) bool {
	if p.value(key) == "" {
		return false
	}
	if err := yaml.Unmarshal([]byte(p.data[key]), into); err != nil {
		p.find(key, "invalid YAML: "+cut(strings.ReplaceAll(err.Error(), "\n", " "))+"; left out", "correct it")
		return false
	}
	return true
}

// ClientID returns the client by which this server is known to the issuer.
func (a Accounts) ClientID(ctx context.Context, o OIDCSettings) (string, error) {
	return a.resolve(ctx, oidcKey+": clientID", o.ClientID)
}

// oidcNotServed has what of oidc.config is not honoured, with why and what to do; harmless ones are not listed.
var oidcNotServed = map[string][2]string{
	"skipAudienceCheckWhenTokenHasNoAudience": {"the audience of a token is always checked", "have the issuer put one into its tokens"},
	"azure":                          {"Azure's workload identity is not served", "give a clientSecret"},
	"refreshTokenThreshold":          {"tokens of the issuer are not refreshed: people are sent to it again when their session ends", "remove it"},
	"claimsFromAuthorizationRequest": {"not served", "remove it"},
}

// oidcServed are the keys that are honoured, or that change nothing: PKCE is used always.
var oidcServed = []string{
	"name", "issuer", "clientID", "clientSecret", "cliClientID", "requestedScopes", "requestedIDTokenClaims", "logoutURL", "rootCA", "allowedAudiences", "enableUserInfoGroups", "userInfoPath",
	"domainHint", "enablePKCEAuthentication", "userInfoCacheExpiration",
}

// issuers reads oidc.config and dex.config.
func (p *settingsParser) issuers(s *Settings) {
	if p.value("oidc.tls.insecure.skip.verify") == "true" {
		p.find("oidc.tls.insecure.skip.verify", "certificates of the issuer are always verified", "write its authority into rootCA of "+oidcKey)
	}
	s.OIDC = p.oidc()
	connector := p.dex()
	switch {
	case connector == nil:
	case s.OIDC != nil:
		p.find(dexKey, oidcKey+" is set as well, which is taken", "remove one of the two")
	default:
		s.GitHub = connector
	}
	if (s.OIDC != nil || s.GitHub != nil) && len(s.URLs) == 0 {
		p.find("url", "not set, so that nobody can be sent back from the issuer", "write the address that people use, such as https://cd.example")
	}
}

func (p *settingsParser) oidc() *OIDCSettings {
	var fields map[string]any
	o := &OIDCSettings{}
	if !p.yaml(oidcKey, &fields) || !p.yaml(oidcKey, o) {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if why, not := oidcNotServed[key]; not {
			p.find(oidcKey+": "+key, why[0], why[1])
		} else if !slices.Contains(oidcServed, key) {
			p.find(oidcKey+": "+key, "unknown key", "see whether it is spelled as the documentation has it")
		}
	}
	switch {
	case !isHTTP(o.Issuer):
		p.find(oidcKey+": issuer", "not an http or https URL; nobody can log in by it", "write the issuer's URL")
		return nil
	case o.ClientID == "":
		p.find(oidcKey+": clientID", "not set; nobody can log in by it", "write the client that the issuer knows")
		return nil
	}
	if len(o.RequestedScopes) == 0 {
		o.RequestedScopes = []string{"openid", "profile", "email", "groups"}
	}
	if !slices.Contains(o.RequestedScopes, "openid") {
		o.RequestedScopes = append([]string{"openid"}, o.RequestedScopes...)
	}
	return o
}

// dex reads the one connector that is served without the program dex.
func (p *settingsParser) dex() *GitHubSettings {
	var config struct {
		Connectors []struct {
			Type   string         `json:"type"`
			Name   string         `json:"name"`
			Config GitHubSettings `json:"config"`
		} `json:"connectors"`
	}
	var any struct {
		Connectors []struct {
			Type string `json:"type"`
		} `json:"connectors"`
	}
	if !p.yaml(dexKey, &any) {
		return nil
	}
	if len(any.Connectors) != 1 || any.Connectors[0].Type != "github" {
		var types []string
		for _, c := range any.Connectors[:min(len(any.Connectors), 10)] {
			types = append(types, cut(c.Type))
		}
		p.find(dexKey, fmt.Sprintf("connectors %q; one of type github is served, as dex itself is not run", types), "write an issuer into "+oidcKey)
		return nil
	}
	if !p.yaml(dexKey, &config) {
		return nil
	}
	g := config.Connectors[0].Config
	if g.ClientID == "" || g.ClientSecret == "" {
		p.find(dexKey, "clientID or clientSecret not set; nobody can log in by it", "write those of the OAuth app")
		return nil
	}
	if g.TeamNameField == "" {
		g.TeamNameField = "name"
	}
	if !slices.Contains([]string{"name", "slug", "both"}, g.TeamNameField) {
		p.find(dexKey+": teamNameField", fmt.Sprintf("unknown value %q, taken for slug", cut(g.TeamNameField)), "write name, slug or both")
		g.TeamNameField = "slug"
	}
	return &g
}
