package auth

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// hub is a small GitHub Enterprise Server.
type hub struct {
	*httptest.Server
	user        any
	orgs, teams []any
}

func newHub(t *testing.T) *hub {
	h := &hub{user: map[string]any{"id": 17, "login": "ada"}}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, r *http.Request, value any) {
		if r.Header.Get("Authorization") != "Bearer access" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(value)
	}
	page := func(all []any, r *http.Request) []any {
		var per, n int
		_, _ = fmt.Sscan(r.FormValue("per_page"), &per)
		_, _ = fmt.Sscan(r.FormValue("page"), &n)
		return append([]any{}, all[min(len(all), (n-1)*per):min(len(all), n*per)]...)
	}
	mux.HandleFunc("POST /login/oauth/access_token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.FormValue("client_id") != clientID || r.FormValue("client_secret") != clientSecret || r.FormValue("code") != "the-code" || r.FormValue("code_verifier") == "" {
			_, _ = w.Write([]byte(`{"error":"bad_verification_code"}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"access","token_type":"bearer"}`))
	})
	mux.HandleFunc("GET /api/v3/user", func(w http.ResponseWriter, r *http.Request) { answer(w, r, h.user) })
	mux.HandleFunc("GET /api/v3/user/orgs", func(w http.ResponseWriter, r *http.Request) { answer(w, r, page(h.orgs, r)) })
	mux.HandleFunc("GET /api/v3/user/teams", func(w http.ResponseWriter, r *http.Request) { answer(w, r, page(h.teams, r)) })
	h.Server = httptest.NewUnstartedServer(mux)
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	h.StartTLS()
	t.Cleanup(h.Close)
	return h
}

func org(name string) any { return map[string]any{"login": name} }

func teamOf(org, name, slug string) any {
	return map[string]any{"name": name, "slug": slug, "organization": map[string]any{"login": org}}
}

// TestGitHub: who logs in by GitHub has a number for a name, and ORG:TEAM for groups, as the settings of dex have it.
func TestGitHub(t *testing.T) {
	many := make([]any, 250)
	for i := range many {
		many[i] = teamOf("org", fmt.Sprint("Team ", i), fmt.Sprint("team-", i))
	}
	for _, c := range []struct {
		rule   string
		config map[string]any
		user   any
		orgs   []any
		teams  []any
		name   string
		groups []string
	}{
		{"teams of all organizations", nil, nil, []any{org("org")}, []any{teamOf("org", "Devs", "devs"), teamOf("far", "Ops", "ops")}, "17", []string{"far:Ops", "org:Devs"}},
		{"by slug", map[string]any{"teamNameField": "slug"}, nil, nil, []any{teamOf("org", "Devs", "devs")}, "17", []string{"org:devs"}},
		{"by both", map[string]any{"teamNameField": "both"}, nil, nil, []any{teamOf("org", "Devs", "devs")}, "17", []string{"org:Devs", "org:devs"}},
		{"organizations too", map[string]any{"loadAllGroups": true}, nil, []any{org("org")}, []any{teamOf("org", "Devs", "devs")}, "17", []string{"org", "org:Devs"}},
		{"login for a name", map[string]any{"useLoginAsID": true}, nil, nil, nil, "ada", nil},
		{"a member of one of the organizations", map[string]any{"orgs": []any{map[string]any{"name": "ORG"}}}, nil, []any{org("org"), org("far")}, []any{teamOf("org", "Devs", "devs"), teamOf("far", "Ops", "ops")}, "17", []string{"org:Devs"}},
		{"a member of none", map[string]any{"orgs": []any{map[string]any{"name": "other"}}}, nil, []any{org("org")}, nil, "", nil},
		{"a team of one of the organizations", map[string]any{"orgs": []any{map[string]any{"name": "org", "teams": []string{"devs"}}}}, nil, []any{org("org")}, []any{teamOf("org", "Devs", "devs"), teamOf("org", "Ops", "ops")}, "17", []string{"org:Devs"}},
		{"in none of the teams", map[string]any{"orgs": []any{map[string]any{"name": "org", "teams": []string{"devs"}}}}, nil, []any{org("org")}, []any{teamOf("org", "Ops", "ops"), teamOf("far", "Devs", "devs")}, "", nil},
		{"more than a page", nil, nil, nil, many, "17", nil},
		{"nobody", nil, map[string]any{}, nil, nil, "", nil},
		{"the name of an account", map[string]any{"useLoginAsID": true}, map[string]any{"id": 1, "login": "admin"}, nil, nil, "", nil},
	} {
		h := newHub(t)
		if c.user != nil {
			h.user = c.user
		}
		h.orgs, h.teams = c.orgs, c.teams
		w := newWorld(t, "url", "https://cd.example")
		config := map[string]any{"clientID": clientID, "clientSecret": "$dex.github.clientSecret", "hostName": strings.TrimPrefix(h.URL, "https://"), "rootCA": (&idp{Server: h.Server}).authority()}
		for k, v := range c.config {
			config[k] = v
		}
		text, err := json.Marshal(map[string]any{"connectors": []any{map[string]any{"type": "github", "id": "github", "name": "GitHub", "config": config}}})
		if err != nil {
			t.Fatal(err)
		}
		w.set("dex.config", string(text))
		w.secrets[SecretName].Data["dex.github.clientSecret"] = []byte(clientSecret)
		b := w.begin(nil, "/auth/login")
		if q := b.to.Query(); !strings.HasPrefix(b.to.String(), h.URL+"/login/oauth/authorize") || q.Get("redirect_uri") != "https://cd.example/api/dex/callback" || q.Get("scope") != "user:email read:org" || q.Get("code_challenge") == "" {
			t.Errorf("%s: got %s", c.rule, b.to)
		}
		id, answer, err := w.finish(b, b.back())
		switch {
		case c.name == "":
			if codeOf(err) != CodeRefused || cookieNamed(answer.Cookies(), sessionCookie) != nil {
				t.Errorf("%s: got %+v, %v", c.rule, id, err)
			}
			continue
		case err != nil || id.Name != c.name || !id.Foreign || id.Issuer != h.URL:
			t.Errorf("%s: got %+v, %v", c.rule, id, err)
		case c.rule == "more than a page" && len(id.Groups) != len(many):
			t.Errorf("%s: %d groups, want %d", c.rule, len(id.Groups), len(many))
		case c.rule != "more than a page" && !slices.Equal(id.Groups, c.groups):
			t.Errorf("%s: got %q, want %q", c.rule, id.Groups, c.groups)
		}
		if got, err := w.Authenticate(request(withCookies(answer.Cookies()))); err != nil || got.Name != c.name || len(got.Groups) != len(id.Groups) {
			t.Errorf("%s: the session is of %+v, %v", c.rule, got, err)
		}
	}
}

func TestGitHubItself(t *testing.T) {
	if s := (GitHubSettings{}); s.issuer() != "https://github.com" || s.api() != "https://api.github.com" {
		t.Errorf("got %s, %s", s.issuer(), s.api())
	}
}
