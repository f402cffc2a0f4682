package cli_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/auth"
)

// installed puts objects into the cluster, and takes them and others away after the test.
func (s *shell) installed(objects ...client.Object) {
	s.t.Helper()
	for _, o := range objects {
		if err := s.cluster.Client.Create(s.t.Context(), o); err != nil {
			s.t.Fatal(err)
		}
	}
	s.t.Cleanup(func() {
		for _, name := range []string{auth.SecretName, auth.InitialPasswordName} {
			objects = append(objects, &corev1.Secret{ObjectMeta: control(name)})
		}
		for _, o := range objects {
			_ = s.cluster.Client.Delete(context.Background(), o)
		}
	})
}

func control(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: "argocd"}
}

const team = `p, role:dev, applications, sync, shop/*, allow
p, role:dev, applications, sync, shop/secret, deny
g, alice, role:dev
`

// TestAccounts: what the commands about accounts do and print, on the real API server.
func TestAccounts(t *testing.T) {
	s := newShell(t)
	roles := &v1alpha1.AppProject{ObjectMeta: control("with-roles")}
	roles.Spec.Roles = []runtime.RawExtension{{Raw: []byte(`{"name":"ci","policies":["p, proj:with-roles:ci, applications, sync, with-roles/*, allow"]}`)}}
	s.installed(roles,
		&corev1.ConfigMap{ObjectMeta: control("argocd-cm"), Data: map[string]string{"accounts.alice": "login, apiKey", "accounts.off": "login", "accounts.off.enabled": "false"}},
		&corev1.ConfigMap{ObjectMeta: control("argocd-rbac-cm"), Data: map[string]string{"policy.csv": team, "policy.default": "role:readonly"}},
	)
	accounts := auth.Accounts{Objects: auth.ClusterObjects{Client: s.cluster.Client, Namespace: "argocd"}, Now: time.Now}
	if got, want := s.ends("argocd", "admin", "initial-password", "-n", "argocd"), (outcome{13, "", "Error: Secret argocd-initial-admin-secret: not found: the password was changed, or no server has started yet; set another with `account update-password`\n"}); got != want {
		t.Errorf("before the first start: got %+v, want %+v", got, want)
	}
	if got := s.ends("cyan", "account", "generate-token", "--account", "alice"); got.code != 20 || !strings.Contains(got.stderr, "server.secretkey: missing") {
		t.Errorf("before the first start: got %+v", got)
	}
	// Several replicas start at the same time, and make one key and one password.
	var replicas sync.WaitGroup
	for range 4 {
		replicas.Go(func() {
			if err := accounts.Ensure(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	replicas.Wait()
	first := s.ends("argocd", "admin", "initial-password", "-n", "argocd")
	if first.code != 0 || len(strings.TrimSpace(first.stdout)) != 16 || first.stderr != "change it with `argocd account update-password`, which deletes it here\n" || s.run("cyan", "admin", "initial-password") != first.stdout {
		t.Errorf("got %+v", first)
	}
	server := auth.New(auth.Options{Objects: accounts.Objects, Now: time.Now})
	if _, err := server.Login(httptest.NewRequest(http.MethodPost, "/", nil), auth.Credentials{Name: "admin", Password: strings.TrimSpace(first.stdout)}); err != nil {
		t.Errorf("with the first password: %v", err)
	}
	for _, c := range []struct {
		line string
		in   string
		want outcome
	}{
		{"account list", "", outcome{0, "NAME   ENABLED  CAPABILITIES\nadmin  true     login\nalice  true     login, apiKey\noff    false    login\n", ""}},
		{"account list -o name", "", outcome{0, "admin\nalice\noff\n", ""}},
		{"account get --account nobody", "", outcome{13, "", "Error: account \"nobody\": not found; write accounts.NAME: login, apiKey into ConfigMap argocd-cm\n"}},
		{"account get --account alice", "", outcome{0, "Name:               alice\nEnabled:            true\nCapabilities:       login, apiKey\n\nTokens:\nNONE\n", ""}},
		{"account update-password --account alice --new-password short", "", outcome{2, "", "Error: password: does not match passwordPattern ^.{8,32}$; choose another, or change passwordPattern in ConfigMap argocd-cm\n"}},
		{"account update-password --account alice --current-password x --new-password battery-staple", "", outcome{0, "Password updated\n", "note: --current-password has no effect: whoever may write Secret argocd-secret may set it\n"}},
		{"account update-password", "", outcome{2, "", "Error: standard input: empty; give the password there, or by its flag\n"}},
		{"account update-password", "correct horse\n", outcome{0, "Password updated\n", ""}},
		{"admin initial-password", "", outcome{13, "", "Error: Secret argocd-initial-admin-secret: not found: the password was changed, or no server has started yet; set another with `account update-password`\n"}},
		{"account generate-token --account admin", "", outcome{20, "", "Error: account admin: may not have tokens; write accounts.admin: apiKey into ConfigMap argocd-cm\n"}},
		{"account delete-token build --account alice", "", outcome{13, "", "Error: account alice: token \"build\" not found; list its tokens to see which there are\n"}},
		{"account can-i sync applications shop/web --account alice", "", outcome{0, "yes\n", ""}},
		{"account can-i sync applications shop/secret --account alice --why", "", outcome{0, "no\n", "denied as alice by ConfigMap argocd-rbac-cm: policy.csv line 2: p, role:dev, applications, sync, shop/secret, deny\n"}},
		{"account can-i get applications far/web --account alice", "", outcome{0, "yes\n", ""}},
		{"account can-i delete applications far/web", "", outcome{0, "yes\n", ""}},
		{"account can-i sync applications *", "", outcome{0, "yes\n", ""}},
		{"account can-i * * *", "", outcome{0, "yes\n", ""}},
		{"account can-i sync applications * --account alice", "", outcome{0, "no\n", ""}},
		{"account can-i synk applications far/web", "", outcome{2, "", "Error: policies about applications: unknown action \"synk\"; did you mean sync?\n"}},
		{"account can-i get application far/web", "", outcome{2, "", "Error: policies: unknown resource \"application\"; did you mean applications?\n"}},
		{"account can-i sync applications with-roles/web --account proj:with-roles:ci", "", outcome{0, "yes\n", ""}},
		{"admin settings rbac can role:dev sync apps shop/web", "", outcome{0, "Yes\n", "allowed as role:dev by ConfigMap argocd-rbac-cm: policy.csv line 1: p, role:dev, applications, sync, shop/*, allow\n"}},
		{"admin settings rbac can role:dev delete apps shop/web", "", outcome{1, "No\n", "denied: no line allows applications, delete, shop/web\n"}},
		{"admin settings rbac can role:dev delete apps shop/web -q", "", outcome{1, "", ""}},
		{"admin settings rbac can role:readonly get apps -q", "", outcome{0, "", ""}},
		{"admin settings rbac can role:readonly get apps -q --use-builtin-policy=false --policy-file " + write(t, "p.csv", team), "", outcome{1, "", ""}},
		{"admin settings rbac can nobody get logs -q --default-role role:readonly --policy-file " + write(t, "p.csv", team), "", outcome{0, "", ""}},
		{"admin settings rbac can role:dev run apps", "", outcome{2, "", "Error: policies about applications: unknown action \"run\"; there are: get, create, update, delete, sync, override, rollback, update/*, delete/*, action/*\n"}},
		{"admin settings rbac can role:dev run apps -q --strict=false", "", outcome{1, "", ""}},
		{"admin settings rbac can role:dev", "", outcome{2, "", "*the action"}},
		{"admin settings rbac validate", "", outcome{0, "Policy is valid.\n", ""}},
		{"admin settings rbac validate --policy-file " + write(t, "bad.csv", "p, a, b\n"), "", outcome{1, "ConfigMap argocd-rbac-cm: policy.csv line 1: 3 fields, where p has 6; write p, SUBJECT, RESOURCE, ACTION, OBJECT, allow|deny or g, MEMBER, ROLE\n", ""}},
		{"admin settings rbac validate --policy-file " + write(t, "cm.yaml", "kind: ConfigMap\ndata: {policy.default: 'role:none'}\n"), "", outcome{1, "ConfigMap argocd-rbac-cm: policy.default: role \"role:none\": no line is about it; write lines of it in policy.csv, or name another\n", ""}},
		{"admin settings rbac validate --policy-file /no/such/file", "", outcome{2, "", "*--policy-file: open /no/such/file: no such file or directory; name a file that can be read\n"}},
		{"account session-token", "", outcome{2, "", "*not served by Cyan; `account generate-token` makes a token"}},
		{"account bcrypt --password " + strings.Repeat("x", 73), "", outcome{2, "", "Error: password: longer than 72 bytes; choose a shorter one\n"}},
	} {
		got := s.endsWith(c.in, append([]string{"argocd"}, strings.Fields(c.line)...)...)
		if got.code != c.want.code || !says(got.stdout, c.want.stdout) || !says(got.stderr, c.want.stderr) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.line, got, c.want)
		}
	}
	hash := strings.TrimSpace(s.run("cyan", "account", "bcrypt", "--password", "x"))
	if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte("x")); err != nil {
		t.Error(err)
	}
	s.tokensAreMadeAndDeleted(accounts)
}

// tokensAreMadeAndDeleted makes tokens by commands, which hold until commands delete them.
func (s *shell) tokensAreMadeAndDeleted(accounts auth.Accounts) {
	t := s.t
	t.Helper()
	server := auth.New(auth.Options{Objects: accounts.Objects, Now: time.Now})
	holds := func(token string) bool {
		_, err := server.Verify(t.Context(), strings.TrimSpace(token))
		return err == nil
	}
	token := s.run("argocd", "account", "generate-token", "--account", "alice", "--id", "build", "--expires-in", "1h")
	project := s.run("argocd", "proj", "role", "create-token", "with-roles", "ci", "-e", "10m", "-i", "pipeline", "--token-only")
	if !holds(token) || !holds(project) {
		t.Fatalf("hold: %v, %v", holds(token), holds(project))
	}
	s.says([]string{"argocd", "account", "get", "--account", "alice"}, "Password Changed:", "ID     ISSUED AT", "build  20")
	s.says([]string{"argocd", "proj", "role", "list-tokens", "with-roles", "ci"}, "pipeline")
	s.says([]string{"argocd", "proj", "role", "create-token", "with-roles", "ci"}, "Create token succeeded for proj:with-roles:ci.\n  ID: ", "  Expires At: Never\n  Token: ")
	var listed []struct {
		Name   string
		Tokens []struct{ ID string }
	}
	if err := json.Unmarshal([]byte(s.run("cyan", "account", "list", "-o", "json")), &listed); err != nil || len(listed) != 3 || listed[1].Tokens[0].ID != "build" {
		t.Errorf("got %+v, %v", listed, err)
	}
	if got, want := s.ends("argocd", "account", "delete-token", "build", "--account", "alice"), (outcome{0, "", "token build of account alice deleted\n"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	s.run("argocd", "proj", "role", "delete-token", "with-roles", "ci", "pipeline")
	if holds(token) || holds(project) {
		t.Errorf("after they were deleted: hold %v, %v", holds(token), holds(project))
	}
	login := func(password string) error {
		_, err := server.Login(httptest.NewRequest(http.MethodPost, "/", nil), auth.Credentials{Name: "admin", Password: password})
		return err
	}
	if err := login("correct horse"); err != nil {
		t.Errorf("with the password that a command has set: %v", err)
	}
}
