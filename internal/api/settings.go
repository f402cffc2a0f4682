package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/auth"
)

// publicSettings are what clients ask before they log in, and a little more after.
type publicSettings struct {
	Body struct {
		URL                string      `json:"url,omitempty"`
		OIDCConfig         *oidcConfig `json:"oidcConfig,omitempty"`
		DexConfig          *dexConfig  `json:"dexConfig,omitempty"`
		UserLoginsDisabled bool        `json:"userLoginsDisabled" doc:"no account may log in with a password"`
		Help               *help       `json:"help,omitempty"`
		// The rest is for who has logged in.
		PasswordPattern     string `json:"passwordPattern,omitempty"`
		ControllerNamespace string `json:"controllerNamespace,omitempty"`
		BannerContent       string `json:"uiBannerContent,omitempty"`
		BannerURL           string `json:"uiBannerURL,omitempty"`
		BannerPosition      string `json:"uiBannerPosition,omitempty"`
		BannerPermanent     bool   `json:"uiBannerPermanent,omitempty"`
	}
}

// oidcConfig is what a program needs to log in by the issuer: none of it is a secret.
type oidcConfig struct {
	Name        string   `json:"name"`
	Issuer      string   `json:"issuer"`
	ClientID    string   `json:"clientID"`
	CLIClientID string   `json:"cliClientID,omitempty"`
	Scopes      []string `json:"scopes"`
}

type dexConfig struct {
	Connectors []dexConnector `json:"connectors"`
}

type dexConnector struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// help is where people of an installation ask.
type help struct {
	ChatURL  string `json:"chatUrl,omitempty"`
	ChatText string `json:"chatText,omitempty"`
}

// me is who asks, and what the page shows them.
type me struct {
	Body struct {
		LoggedIn bool     `json:"loggedIn"`
		Name     string   `json:"name" doc:"what people know who asks by; empty for a stranger"`
		Account  string   `json:"account,omitempty" doc:"the account that has logged in with a password, which may change it"`
		Groups   []string `json:"groups"`
		Admin    bool     `json:"admin"`
		May      struct {
			CreateApplication []string `json:"createApplication" doc:"the projects in which Applications may be created"`
			Settings          bool     `json:"settings"`
			Accounts          bool     `json:"accounts"`
			Projects          bool     `json:"projects"`
			Repositories      bool     `json:"repositories"`
			Clusters          bool     `json:"clusters"`
		} `json:"may"`
		Session    *sessionEnd `json:"session,omitempty"`
		Methods    methods     `json:"methods"`
		Version    string      `json:"version"`
		Banner     *banner     `json:"banner,omitempty"`
		Help       *help       `json:"help,omitempty"`
		ServerTime time.Time   `json:"serverTime"`
	}
}

type sessionEnd struct {
	Expires time.Time `json:"expires"`
}

type methods struct {
	Password bool `json:"password"`
	SSO      *sso `json:"sso,omitempty"`
}

type sso struct {
	Name     string `json:"name"`
	LoginURL string `json:"loginUrl" doc:"takes return_url, a path of this server"`
}

type banner struct {
	Text string `json:"text"`
	URL  string `json:"url,omitempty"`
}

// settingsCalls are the calls about what the installation is set to, as far as everybody may know it.
type settingsCalls struct{ *service }

func (s settingsCalls) register() {
	register(s.service, huma.Operation{OperationID: "settings", Security: anybody, Method: http.MethodGet, Path: "/api/v1/settings", Summary: "How to log in, and what else clients ask first", Tags: []string{"settings"}}, s.settings)
	register(s.service, huma.Operation{OperationID: "me", Security: anybody, Method: http.MethodGet, Path: "/api/v1/view/me", Summary: "Who asks, what they may do, and how to log in", Tags: []string{"view"}}, s.me)
}

// written is what ConfigMap argocd-cm has, as it stands and as it is read.
func (s settingsCalls) written(ctx context.Context) (map[string]string, auth.Settings, error) {
	data, err := s.auth.Objects.ConfigMap(ctx, auth.ConfigName)
	if err != nil {
		return nil, auth.Settings{}, err
	}
	read, _ := auth.ParseSettings(data)
	return data, read, nil
}

func (s settingsCalls) settings(ctx context.Context, c *caller, _ *struct{}) (*publicSettings, error) {
	c.open()
	data, read, err := s.written(ctx)
	if err != nil {
		return nil, err
	}
	out := &publicSettings{}
	b := &out.Body
	b.UserLoginsDisabled, b.Help = !passwords(read), helpOf(data)
	if len(read.URLs) > 0 {
		b.URL = read.URLs[0]
	}
	if o := read.OIDC; o != nil {
		id, err := s.auth.ClientID(ctx, *o)
		if err != nil {
			return nil, err
		}
		b.OIDCConfig = &oidcConfig{Name: o.Name, Issuer: o.Issuer, ClientID: id, CLIClientID: o.CLIClientID, Scopes: o.RequestedScopes}
	}
	if read.GitHub != nil {
		b.DexConfig = &dexConfig{[]dexConnector{{"GitHub", "github"}}}
	}
	if c.unknown == nil && c.LoggedIn() {
		b.PasswordPattern, b.ControllerNamespace = read.PasswordPattern.String(), s.Namespace
		b.BannerContent, b.BannerURL, b.BannerPosition, b.BannerPermanent = data["ui.bannercontent"], webAddress(data["ui.bannerurl"]), data["ui.bannerposition"], data["ui.bannerpermanent"] == "true"
	}
	return out, nil
}

// passwords reports whether an account may log in with one.
func passwords(s auth.Settings) bool {
	for _, a := range s.Accounts {
		if a.Enabled && a.Login {
			return true
		}
	}
	return false
}

// webAddress returns an address that a link may lead to; "" for what is none.
func webAddress(text string) string {
	text = strings.TrimSpace(text)
	if u, err := url.Parse(text); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return text
}

func helpOf(data map[string]string) *help {
	h := help{webAddress(data["help.chatUrl"]), data["help.chatText"]}
	if h.ChatURL == "" {
		return nil
	}
	return &h
}

func (s settingsCalls) me(ctx context.Context, c *caller, _ *struct{}) (*me, error) {
	c.open()
	data, read, err := s.written(ctx)
	if err != nil {
		return nil, err
	}
	out := &me{}
	b := &out.Body
	b.Version, b.ServerTime, b.Help, b.Groups, b.May.CreateApplication = s.Version, s.auth.Now(), helpOf(data), []string{}, []string{}
	b.Methods = s.methods(read)
	if c.unknown != nil {
		return out, nil
	}
	if text := strings.TrimSpace(data["ui.bannercontent"]); text != "" {
		b.Banner = &banner{text, webAddress(data["ui.bannerurl"])}
	}
	if c.LoggedIn() {
		b.LoggedIn, b.Name, b.Groups = true, c.DisplayName, append(b.Groups, c.Groups...)
		if c.How == auth.BySession && !c.Foreign {
			b.Account = c.Name
		}
		if !c.Expires.IsZero() {
			b.Session = &sessionEnd{c.Expires}
		}
	}
	return out, s.may(ctx, c.rights, out)
}

// methods are how people log in.
func (s settingsCalls) methods(read auth.Settings) methods {
	m := methods{Password: passwords(read)}
	switch {
	case len(read.URLs) == 0:
	case read.OIDC != nil && read.OIDC.Name != "":
		m.SSO = &sso{Name: read.OIDC.Name}
	case read.OIDC != nil:
		m.SSO = &sso{Name: "OpenID Connect"}
	case read.GitHub != nil:
		m.SSO = &sso{Name: "GitHub"}
	}
	if m.SSO != nil {
		m.SSO.LoginURL = s.auth.Below(auth.LoginPath)
	}
	return m
}

// may finds out which parts of the page there are for somebody.
func (s settingsCalls) may(ctx context.Context, rights access.Rights, out *me) error {
	var projects v1alpha1.AppProjectList
	if err := s.Reader.List(ctx, &projects, client.InNamespace(s.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	allowed := func(resource, action, object string) bool {
		return rights.Allowed(access.Call{Resource: resource, Action: action, Object: object})
	}
	// Somewhere is everywhere, or everywhere in a project.
	somewhere := func(resource string) bool {
		return allowed(resource, access.Get, "*") || slices.ContainsFunc(projects.Items, func(p v1alpha1.AppProject) bool { return allowed(resource, access.Get, p.Name+"/*") })
	}
	may := &out.Body.May
	for i := range projects.Items {
		name := projects.Items[i].Name
		if allowed(access.Applications, access.Create, name+"/*") {
			may.CreateApplication = append(may.CreateApplication, name)
		}
		may.Projects = may.Projects || allowed(access.Projects, access.Get, name)
	}
	slices.Sort(may.CreateApplication)
	may.Projects = may.Projects || allowed(access.Projects, access.Get, "*")
	may.Repositories, may.Clusters, may.Accounts = somewhere(access.Repositories), somewhere(access.Clusters), allowed(access.Accounts, access.Get, "*")
	may.Settings = may.Projects || may.Repositories || may.Clusters || may.Accounts
	out.Body.Admin = allowed(access.Accounts, access.Update, "*") && allowed(access.Projects, access.Update, "*") && allowed(access.Clusters, access.Update, "*") && allowed(access.Applications, access.Delete, "*/*")
	return nil
}
