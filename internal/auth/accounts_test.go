package auth

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/problem"
)

func TestParseSettings(t *testing.T) {
	const at = "ConfigMap argocd-cm: "
	for _, c := range []struct {
		rule  string
		data  map[string]string
		check func(Settings) bool
		found []string
	}{
		{"nothing is set", nil, func(s Settings) bool {
			return !s.Anonymous && s.SessionDuration == 24*time.Hour && s.PasswordPattern.String() == `^.{8,32}$` && len(s.URLs) == 0 && s.OIDC == nil && s.GitHub == nil &&
				len(s.Accounts) == 1 && s.Accounts["admin"] == AccountSettings{Enabled: true, Login: true}
		}, nil},
		{"all is set", map[string]string{"users.anonymous.enabled": "true", "users.session.duration": "12h", "passwordPattern": "^x+$", "url": "https://cd.example/", "additionalUrls": "- https://b.example", "admin.enabled": "false"},
			func(s Settings) bool {
				return s.Anonymous && s.SessionDuration == 12*time.Hour && s.PasswordPattern.MatchString("xx") && slices.Equal(s.URLs, []string{"https://cd.example", "https://b.example"}) && !s.Accounts["admin"].Enabled
			}, nil},
		{"accounts", map[string]string{"accounts.a": "login", "accounts.b": " apiKey,login ", "accounts.c": "apiKey", "accounts.c.enabled": "false", "accounts.admin": "apiKey"}, func(s Settings) bool {
			return s.Accounts["a"] == AccountSettings{true, true, false} && s.Accounts["b"] == AccountSettings{true, true, true} && s.Accounts["c"] == AccountSettings{false, false, true} && s.Accounts["admin"] == AccountSettings{true, true, true}
		}, nil},
		{"an account that is disabled twice", map[string]string{"admin.enabled": "false", "accounts.admin.enabled": "true"}, func(s Settings) bool { return !s.Accounts["admin"].Enabled }, nil},
		{"what is invalid lets in fewer", map[string]string{"users.anonymous.enabled": "yes", "admin.enabled": "yes", "users.session.duration": "1s", "passwordPattern": "("},
			func(s Settings) bool {
				return !s.Anonymous && !s.Accounts["admin"].Enabled && s.SessionDuration == 24*time.Hour && s.PasswordPattern.String() == defaultPattern
			},
			[]string{
				at + `admin.enabled: "yes" is neither true nor false, taken for false; write true or false`,
				at + "passwordPattern: invalid expression: error parsing regexp: missing closing ): `(`; taken for ^.{8,32}$; correct it",
				at + `users.anonymous.enabled: "yes" is neither true nor false, taken for false; write true or false`,
				at + `users.session.duration: "1s" is not a time of at least 1m0s, taken for 24h0m0s; write a time such as 12h`,
			}},
		{"names of accounts", map[string]string{"accounts.a.b": "login", "accounts.": "login", "accounts." + strings.Repeat("x", 33): "login", "accounts." + strings.Repeat("x", 32): "login", "accounts.x": "log-in"},
			func(s Settings) bool {
				return len(s.Accounts) == 3 && !s.Accounts["x"].Login
			}, []string{
				at + "accounts.: invalid name of an account; use at most 32 letters, without dots",
				at + "accounts.a.b: invalid name of an account; use at most 32 letters, without dots",
				at + `accounts.x: unknown capability "log-in"; write login, apiKey or both`,
				at + "accounts." + strings.Repeat("x", 33) + ": invalid name of an account; use at most 32 letters, without dots",
			}},
		{"addresses", map[string]string{"url": "cd.example", "additionalUrls": `["javascript:alert(1)", "https://a.example"]`}, func(s Settings) bool { return slices.Equal(s.URLs, []string{"https://a.example"}) },
			[]string{at + `additionalUrls: "javascript:alert(1)" is not an http or https URL; correct it`, at + "url: not an http or https URL; write one such as https://cd.example"}},
		{"an issuer", map[string]string{"url": "https://cd.example", "oidc.config": "{name: Okta, issuer: https://idp.example, clientID: cd, clientSecret: $oidc.secret, requestedScopes: [email], enablePKCEAuthentication: true}"},
			func(s Settings) bool {
				return s.OIDC.Issuer == "https://idp.example" && slices.Equal(s.OIDC.RequestedScopes, []string{"openid", "email"}) && s.provider() == "https://idp.example"
			}, nil},
		{"scopes of an issuer", map[string]string{"url": "https://cd.example", "oidc.config": "{issuer: https://idp.example, clientID: cd}"},
			func(s Settings) bool {
				return slices.Equal(s.OIDC.RequestedScopes, []string{"openid", "profile", "email", "groups"})
			}, nil},
		{"what of an issuer is not served", map[string]string{"url": "https://cd.example", "oidc.tls.insecure.skip.verify": "true", "oidc.config": "{issuer: https://idp.example, clientID: cd, skipAudienceCheckWhenTokenHasNoAudience: true, azure: {useWorkloadIdentity: true}, refreshTokenThreshold: 5m, clientId: x}"},
			func(s Settings) bool { return s.OIDC != nil }, []string{
				at + "oidc.config: azure: Azure's workload identity is not served; give a clientSecret",
				at + "oidc.config: clientId: unknown key; see whether it is spelled as the documentation has it",
				at + "oidc.config: refreshTokenThreshold: tokens of the issuer are not refreshed: people are sent to it again when their session ends; remove it",
				at + "oidc.config: skipAudienceCheckWhenTokenHasNoAudience: the audience of a token is always checked; have the issuer put one into its tokens",
				at + "oidc.tls.insecure.skip.verify: certificates of the issuer are always verified; write its authority into rootCA of oidc.config",
			}},
		{"an issuer without a URL", map[string]string{"oidc.config": "{issuer: idp, clientID: cd}"}, func(s Settings) bool { return s.OIDC == nil },
			[]string{at + "oidc.config: issuer: not an http or https URL; nobody can log in by it; write the issuer's URL"}},
		{"an issuer without a client", map[string]string{"oidc.config": "{issuer: https://idp.example}"}, func(s Settings) bool { return s.OIDC == nil },
			[]string{at + "oidc.config: clientID: not set; nobody can log in by it; write the client that the issuer knows"}},
		{"an issuer that is no YAML", map[string]string{"oidc.config": "{"}, func(s Settings) bool { return s.OIDC == nil },
			[]string{at + "oidc.config: invalid YAML: error converting YAML to JSON: yaml: line 1: did not find expected node content; left out; correct it"}},
		{"nowhere to come back to", map[string]string{"oidc.config": "{issuer: https://idp.example, clientID: cd}"}, func(s Settings) bool { return s.OIDC != nil },
			[]string{at + "url: not set, so that nobody can be sent back from the issuer; write the address that people use, such as https://cd.example"}},
		{"GitHub by dex", map[string]string{"url": "https://cd.example", "dex.config": "connectors: [{type: github, id: github, name: GitHub, config: {clientID: a, clientSecret: $dex.github.secret, orgs: [{name: org, teams: [devs]}]}}]"},
			func(s Settings) bool {
				return s.GitHub.ClientID == "a" && s.GitHub.TeamNameField == "name" && s.GitHub.Orgs[0].Name == "org" && s.provider() == "https://github.com"
			}, nil},
		{"GitHub without a client", map[string]string{"url": "https://cd.example", "dex.config": "connectors: [{type: github, config: {clientID: a}}]"}, func(s Settings) bool { return s.GitHub == nil },
			[]string{at + "dex.config: clientID or clientSecret not set; nobody can log in by it; write those of the OAuth app"}},
		{"GitHub with an unknown name of teams", map[string]string{"url": "https://cd.example", "dex.config": "connectors: [{type: github, config: {clientID: a, clientSecret: b, teamNameField: nam}}]"}, func(s Settings) bool { return s.GitHub.TeamNameField == "slug" },
			[]string{at + `dex.config: teamNameField: unknown value "nam", taken for slug; write name, slug or both`}},
		{"another connector of dex", map[string]string{"url": "https://cd.example", "dex.config": "connectors: [{type: ldap, config: {host: a, orgs: x}}]"}, func(s Settings) bool { return s.GitHub == nil },
			[]string{at + `dex.config: connectors ["ldap"]; one of type github is served, as dex itself is not run; write an issuer into oidc.config`}},
		{"two connectors of dex", map[string]string{"dex.config": "connectors: [{type: github}, {type: saml}]"}, func(s Settings) bool { return s.GitHub == nil },
			[]string{at + `dex.config: connectors ["github" "saml"]; one of type github is served, as dex itself is not run; write an issuer into oidc.config`}},
		{"an issuer and dex", map[string]string{"url": "https://cd.example", "oidc.config": "{issuer: https://idp.example, clientID: cd}", "dex.config": "connectors: [{type: github, config: {clientID: a, clientSecret: b}}]"},
			func(s Settings) bool { return s.OIDC != nil && s.GitHub == nil }, []string{at + "dex.config: oidc.config is set as well, which is taken; remove one of the two"}},
	} {
		s, found := ParseSettings(c.data)
		if !c.check(s) || !slices.Equal(texts(found), c.found) {
			t.Errorf("%s: got %+v\nfindings %q\nwant     %q", c.rule, s, texts(found), c.found)
		}
	}
	many := map[string]string{}
	for i := range mostAccounts + 10 {
		many["accounts.a"+strings.Repeat("b", i%20)+string(rune('a'+i%26))+time.Duration(i).String()] = "login"
	}
	if s, found := ParseSettings(many); len(s.Accounts) > mostAccounts || len(found) == 0 {
		t.Errorf("%d accounts, %d findings", len(s.Accounts), len(found))
	}
}

// TestFirstStart: the key and admin's first password are made once, whoever starts, and again after a crash between.
func TestFirstStart(t *testing.T) {
	w := newWorld(t)
	w.secrets = map[string]Secret{}
	if _, err := w.InitialPassword(t.Context()); problem.KindOf(err) != problem.Absent {
		t.Errorf("before: got %v", err)
	}
	for range 2 {
		if err := w.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	first, err := w.InitialPassword(t.Context())
	if err != nil || len(first) != initialLength {
		t.Fatalf("got %q, %v", first, err)
	}
	session := w.login("admin", first)
	w.stays("after the start", session.Token)
	key := string(w.secrets[SecretName].Data[signingKey])

	// A crash after the password was made, before its hash was written.
	delete(w.secrets[SecretName].Data, "admin.password")
	if err := w.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	w.login("admin", first)
	if got := string(w.secrets[SecretName].Data[signingKey]); got != key {
		t.Error("the key was made anew")
	}

	// A new password ends the first.
	if err := w.SetPassword(t.Context(), "admin", "another one"); err != nil {
		t.Fatal(err)
	}
	if _, there := w.secrets[InitialPasswordName]; there {
		t.Error("the first password is still shown")
	}
	if err := w.Ensure(t.Context()); err != nil || w.secrets[InitialPasswordName].Data != nil {
		t.Errorf("a start with a password: got %v, and a first password %v", err, w.secrets[InitialPasswordName].Data != nil)
	}
	w.login("admin", "another one")
}

func TestFirstStartMakesNoPasswordThatIsNotWanted(t *testing.T) {
	w := newWorld(t)
	w.secrets[SecretName] = Secret{Data: map[string][]byte{"admin.password": quick(t, "patched by hand")}}
	if err := w.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.login("admin", "patched by hand")
	w.secrets = map[string]Secret{}
	w.set("admin.enabled", "false")
	if err := w.Ensure(t.Context()); err != nil || w.secrets[InitialPasswordName].Data != nil || len(w.secrets[SecretName].Data[signingKey]) < leastKey {
		t.Errorf("got %v, %v", err, w.secrets)
	}
}

func TestNewPasswordsAreAsSettingsWant(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ account, password, want string }{
		{"alice", "short", "password: does not match passwordPattern ^.{8,32}$; choose another, or change passwordPattern in ConfigMap argocd-cm"},
		{"alice", strings.Repeat("x", 73), "password: longer than 72 bytes; choose a shorter one"},
		{"nobody", "long enough", `account "nobody": not found; write accounts.NAME: login, apiKey into ConfigMap argocd-cm`},
		{"ci", "long enough", "account ci: may not log in with a password; write accounts.ci: login into ConfigMap argocd-cm"},
	} {
		if err := w.SetPassword(t.Context(), c.account, c.password); err == nil || err.Error() != c.want {
			t.Errorf("%s %.10s: got %v, want %s", c.account, c.password, err, c.want)
		}
	}
}

func TestListOfAccounts(t *testing.T) {
	w := newWorld(t)
	all, err := w.List(t.Context())
	var names []string
	for _, a := range all {
		names = append(names, a.Name)
	}
	if want := []string{"admin", "alice", "ci", "empty", "off"}; err != nil || !slices.Equal(names, want) || !all[1].HasPassword() || all[2].HasPassword() || all[1].PasswordChanged.IsZero() {
		t.Errorf("got %+v, %v, want %v", all, err, want)
	}
	if _, err := w.Get(t.Context(), "mallory"); problem.KindOf(err) != problem.Absent {
		t.Errorf("got %v", err)
	}
}

// TestAccountTokens: tokens are listed, expire, and are taken back at once.
func TestAccountTokens(t *testing.T) {
	w := newWorld(t)
	forever, _, err := w.GenerateToken(t.Context(), "ci", "build", 0)
	if err != nil {
		t.Fatal(err)
	}
	hour, entry, err := w.GenerateToken(t.Context(), "ci", "", time.Hour)
	if err != nil || entry.ID == "" || entry.ExpiresAt != w.now.Add(time.Hour).Unix() {
		t.Fatal(entry, err)
	}
	id, err := w.Verify(t.Context(), forever)
	if want := (access.Subject{Name: "ci"}); err != nil || id.Name != want.Name || id.Foreign || id.How != ByAccountToken || id.Issuer != LocalIssuer || id.TokenID != "build" || !id.Expires.IsZero() {
		t.Errorf("got %+v, %v", id, err)
	}
	for _, c := range []struct {
		account, id string
		expires     time.Duration
		want        string
	}{
		{"ci", "build", 0, `account ci: token "build" exists already; choose another id, or delete that token`},
		{"ci", "x", -1, "token: expiresIn: in the past; give a time such as 24h, or none"},
		{"ci", "a\nb", 0, "token: id: invalid; give at most 128 letters"},
		{"ci", strings.Repeat("x", 129), 0, "token: id: invalid; give at most 128 letters"},
		{"empty", "x", 0, "account empty: may not have tokens; write accounts.empty: apiKey into ConfigMap argocd-cm"},
		{"admin", "x", 0, "account admin: may not have tokens; write accounts.admin: apiKey into ConfigMap argocd-cm"},
		{"none", "x", 0, `account "none": not found; write accounts.NAME: login, apiKey into ConfigMap argocd-cm`},
	} {
		if _, _, err := w.GenerateToken(t.Context(), c.account, c.id, c.expires); err == nil || err.Error() != c.want {
			t.Errorf("%s %q: got %v, want %s", c.account, c.id, err, c.want)
		}
	}
	w.pass(time.Hour + 10*time.Second)
	w.ends("after it expired", hour)
	w.stays("after the other expired", forever)
	second, _, err := w.GenerateToken(t.Context(), "ci", "second", 0)
	if err != nil {
		t.Fatal(err)
	}
	if account, err := w.Get(t.Context(), "ci"); err != nil || len(account.Tokens) != 2 {
		t.Errorf("got %+v, %v, want that the expired one is gone", account.Tokens, err)
	}
	if err := w.DeleteToken(t.Context(), "ci", "build"); err != nil {
		t.Fatal(err)
	}
	w.ends("after it was deleted", forever)
	w.stays("after another was deleted", second)
	if err := w.DeleteToken(t.Context(), "ci", "build"); err == nil || err.Error() != `account ci: token "build" not found; list its tokens to see which there are` {
		t.Errorf("got %v", err)
	}
	if err := w.DeleteToken(t.Context(), "none", "build"); problem.KindOf(err) != problem.Absent {
		t.Errorf("got %v", err)
	}
	w.set("accounts.ci", "login")
	w.ends("after the account may have none", second)
	w.set("accounts.ci", "apiKey")
	w.set("accounts.ci.enabled", "false")
	w.ends("after the account was disabled", second)
	delete(w.configMaps[ConfigName], "accounts.ci.enabled")
	delete(w.configMaps[ConfigName], "accounts.ci")
	w.ends("after the account was removed", second)
	w.set("accounts.ci", "apiKey")
	w.stays("after all is as it was", second)
	w.secrets[SecretName].Data["accounts.ci.tokens"] = []byte("{")
	w.ends("when the list cannot be read", second)
	if _, _, err := w.GenerateToken(t.Context(), "ci", "third", 0); err == nil || err.Error() != "Secret argocd-secret: accounts.ci.tokens: not a list of tokens; correct or remove it" {
		t.Errorf("got %v", err)
	}
}

func TestTokensAreBounded(t *testing.T) {
	tokens := make([]access.Token, mostTokens-1)
	now := time.Unix(1000, 0)
	tokens, err := addToken(tokens, access.Token{ID: "last"}, now, "account ci")
	if err != nil || len(tokens) != mostTokens {
		t.Fatal(len(tokens), err)
	}
	if _, err := addToken(tokens, access.Token{ID: "more"}, now, "account ci"); err == nil || err.Error() != "account ci: 500 tokens, as many as there may be; delete those that nobody uses" {
		t.Errorf("got %v", err)
	}
	tokens[0].ExpiresAt = 1000
	if tokens, err = addToken(tokens, access.Token{ID: "more"}, now, "account ci"); err != nil || len(tokens) != mostTokens {
		t.Errorf("an expired one makes room: got %v", err)
	}
}

// TestProjectTokens: those of the roles of projects, in the places where existing tools look for them.
func TestProjectTokens(t *testing.T) {
	w := newWorld(t)
	token, entry, err := w.GenerateProjectToken(t.Context(), "shop", "ci", "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := w.Verify(t.Context(), token); err != nil || id.Name != "proj:shop:ci" || id.How != ByProjectToken || id.Foreign || id.TokenID != entry.ID {
		t.Errorf("got %+v, %v", id, err)
	}
	role, status := string(w.projects["shop"].Spec.Roles[0].Raw), string(w.projects["shop"].Status.JWTTokensByRole.Raw)
	if !has(role, `"kept":"as it is"`, `"jwtTokens":[{"iat":`, entry.ID) || !has(status, `"ci":{"items":[{"iat":`, entry.ID) {
		t.Errorf("got %s and %s", role, status)
	}
	if _, _, err := w.GenerateProjectToken(t.Context(), "shop", "none", "", 0); err == nil || err.Error() != `AppProject shop: role "none" not found; see which there are with `+"`proj role list`" {
		t.Errorf("got %v", err)
	}
	if err := w.DeleteProjectToken(t.Context(), "shop", "ci", "other", 0); err == nil || err.Error() != `role ci of AppProject shop: token "other" not found; list its tokens to see which there are` {
		t.Errorf("got %v", err)
	}
	if err := w.DeleteProjectToken(t.Context(), "shop", "ci", "", 0); problem.KindOf(err) != problem.Absent {
		t.Errorf("a token without a name: got %v", err)
	}
	before := w.projects["shop"].DeepCopy()
	if err := w.DeleteProjectToken(t.Context(), "shop", "ci", "", entry.IssuedAt); err != nil {
		t.Fatal(err)
	}
	w.ends("after it was deleted", token)
	w.projects["shop"] = before
	w.stays("as before", token)
	before.Spec.Roles = nil
	w.ends("after the role was removed", token)
	delete(w.projects, "shop")
	w.ends("after the project was removed", token)
}

func TestSecretReferences(t *testing.T) {
	w := newWorld(t)
	w.secrets[SecretName].Data["oidc.secret"] = []byte(" s3cret\n")
	w.secrets["labelled"] = Secret{Labels: map[string]string{PartOfLabel: partOf}, Data: map[string][]byte{"a.b": []byte("other")}}
	w.secrets["foreign"] = Secret{Data: map[string][]byte{"a": []byte("not for this")}}
	const at = "ConfigMap argocd-cm: f: "
	for value, want := range map[string]string{
		"plain": "plain", "$oidc.secret": "s3cret", " $oidc.secret": "s3cret", "$labelled:a.b": "other", "pa$$word": "pa$$word",
		"$none":       at + `$none: Secret argocd-secret has no key "none"; write it there`,
		"$labelled:x": at + `$labelled:x: Secret labelled has no key "x"; write it there`,
		"$foreign:a":  at + `$foreign:a: Secret "foreign" not found, or without the label app.kubernetes.io/part-of: argocd; label it`,
		"$absent:a":   at + `$absent:a: Secret "absent" not found, or without the label app.kubernetes.io/part-of: argocd; label it`,
	} {
		got, err := w.resolve(t.Context(), "f", value)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", value, got, want)
		}
	}
}
