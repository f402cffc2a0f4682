package auth

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/oauth2"
)

// gitHub is GitHub, or a GitHub Enterprise Server, as an issuer: an OAuth app by which people say who they are, and of
// which teams they are a member.
type gitHub struct {
	settings   GitHubSettings
	id, secret string
	client     *http.Client
}

func (s GitHubSettings) issuer() string {
	if s.HostName == "" {
		return "https://github.com"
	}
	return "https://" + s.HostName
}

// api is where the REST API is.
func (s GitHubSettings) api() string {
	if s.HostName == "" {
		return "https://api.github.com"
	}
	return "https://" + s.HostName + "/api/v3"
}

func (g *gitHub) issuer() string { return g.settings.issuer() }

func (g *gitHub) http() *http.Client { return g.client }

func (g *gitHub) callback() string { return DexCallbackPath }

func (g *gitHub) config(context.Context) (oauth2.Config, []oauth2.AuthCodeOption, error) {
	at := g.settings.issuer() + "/login/oauth/"
	return oauth2.Config{
		ClientID: g.id, ClientSecret: g.secret, Scopes: []string{"user:email", "read:org"},
		Endpoint: oauth2.Endpoint{AuthURL: at + "authorize", TokenURL: at + "access_token", AuthStyle: oauth2.AuthStyleInParams},
	}, nil, nil
}

// Pages of what GitHub lists: a user of more teams than that has the first ones.
const (
	perPage   = 100
	mostPages = 10
)

func (g *gitHub) user(ctx context.Context, token *oauth2.Token, _ string) (user, error) {
	var me struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
	}
	if err := g.get(ctx, token, "/user", &me); err != nil {
		return user{}, err
	}
	if me.ID == 0 || me.Login == "" {
		return user{}, fmt.Errorf("GitHub's answer names no user")
	}
	// The number stays with the user, where a login may become another's.
	u := user{name: strconv.FormatInt(me.ID, 10), display: cut(me.Login)}
	if g.settings.UseLoginAsID {
		u.name = me.Login
	}
	orgs, err := list(ctx, g, token, "/user/orgs", func(o struct {
		Login string `json:"login"`
	}) string {
		return o.Login
	})
	if err != nil {
		return user{}, err
	}
	if !g.isMember(orgs) {
		return user{}, fmt.Errorf("GitHub user %q is in none of the organizations", cut(me.Login))
	}
	teams, err := list(ctx, g, token, "/user/teams", func(t team) team { return t })
	if err != nil {
		return user{}, err
	}
	u.groups = g.groups(orgs, teams)
	if !g.hasTeam(orgs, teams) {
		return user{}, fmt.Errorf("GitHub user %q is in none of the teams", cut(me.Login))
	}
	return u, nil
}

// team is a team of an organization.
type team struct {
	Name         string `json:"name"`
	Slug         string `json:"slug"`
	Organization struct {
		Login string `json:"login"`
	} `json:"organization"`
}

// isMember reports whether one of a user's organizations is one of those whose people may log in.
func (g *gitHub) isMember(orgs []string) bool {
	return len(g.settings.Orgs) == 0 || slices.ContainsFunc(g.settings.Orgs, func(o GitHubOrg) bool {
		return slices.ContainsFunc(orgs, func(name string) bool { return strings.EqualFold(name, o.Name) })
	})
}

// hasTeam reports whether a user is in one of the organizations without a list of teams, or in a team of such a list.
func (g *gitHub) hasTeam(orgs []string, teams []team) bool {
	return len(g.settings.Orgs) == 0 || slices.ContainsFunc(g.settings.Orgs, func(o GitHubOrg) bool {
		if len(o.Teams) == 0 {
			return slices.ContainsFunc(orgs, func(name string) bool { return strings.EqualFold(name, o.Name) })
		}
		return slices.ContainsFunc(teams, func(t team) bool { return strings.EqualFold(t.Organization.Login, o.Name) && o.counts(t) })
	})
}

func (o GitHubOrg) counts(t team) bool {
	return len(o.Teams) == 0 || slices.ContainsFunc(o.Teams, func(name string) bool { return strings.EqualFold(name, t.Name) || strings.EqualFold(name, t.Slug) })
}

// groups returns ORG:TEAM for each team that counts, and the organizations too where all groups are asked for.
func (g *gitHub) groups(orgs []string, teams []team) []string {
	var groups []string
	if g.settings.LoadAllGroups {
		groups = append(groups, orgs...)
	}
	for _, t := range teams {
		of := slices.IndexFunc(g.settings.Orgs, func(o GitHubOrg) bool { return strings.EqualFold(o.Name, t.Organization.Login) })
		switch {
		case of < 0 && len(g.settings.Orgs) > 0, of >= 0 && !g.settings.Orgs[of].counts(t):
			continue
		}
		if g.settings.TeamNameField != "slug" {
			groups = append(groups, t.Organization.Login+":"+t.Name)
		}
		if g.settings.TeamNameField != "name" {
			groups = append(groups, t.Organization.Login+":"+t.Slug)
		}
	}
	slices.Sort(groups)
	groups = slices.Compact(groups)
	return groups[:min(len(groups), mostGroups)]
}

// list asks for all pages of a list.
func list[T, U any](ctx context.Context, g *gitHub, token *oauth2.Token, path string, of func(T) U) ([]U, error) {
	var all []U
	for page := 1; page <= mostPages; page++ {
		var items []T
		if err := g.get(ctx, token, fmt.Sprintf("%s?per_page=%d&page=%d", path, perPage, page), &items); err != nil {
			return nil, err
		}
		for _, item := range items {
			all = append(all, of(item))
		}
		if len(items) < perPage {
			break
		}
	}
	return all, nil
}

func (g *gitHub) get(ctx context.Context, token *oauth2.Token, path string, into any) error {
	at, err := url.Parse(g.settings.api() + path)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return err
	}
	token.SetAuthHeader(request)
	if err := getJSON(g.client, request, into); err != nil {
		return fmt.Errorf("asking GitHub for %s: %w", at.Path, err)
	}
	return nil
}
