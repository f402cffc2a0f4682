package cli_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// words splits a line as a shell does whose only quotes are single ones.
func words(line string) []string {
	var all []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			all = append(all, part)
			continue
		}
		all = append(all, strings.Fields(part)...)
	}
	return all
}

// project returns the spec of a project as JSON.
func (s *shell) projectSpec(name string) string {
	s.t.Helper()
	p := &unstructured.Unstructured{}
	p.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.AppProjectKind))
	s.get(p, "argocd", name)
	data, err := json.Marshal(p.Object["spec"])
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

// TestProjectCommands: each line makes of a spec what is expected, and says so; or it refuses in one line, and the spec
// stays.
func TestProjectCommands(t *testing.T) {
	s := newShell(t)
	const roles = "note: roles of projects hold for the HTTP API (cyan server --api-listen); commands have the rights of the kubeconfig\n"
	const id, sshID = "4AEE18F83AFDEB23", "SHA256:txVF8wMITH8YaLGZZQFvW2we//3GrfAPnVFKj8cnJFU"
	for _, c := range []struct {
		line, before, after string
		code                int
		stderr              string
	}{
		{"add-destination p https://k shop", `{}`, `{"destinations":[{"namespace":"shop","server":"https://k"}]}`, 0, ""},
		{"add-destination p prod shop --name", `{}`, `{"destinations":[{"name":"prod","namespace":"shop"}]}`, 0, ""},
		{"add-destination p https://k shop", `{"destinations":[{"server":"https://k","namespace":"shop"}]}`, ``, 0, ""},
		{"remove-destination p https://k shop", `{"destinations":[{"server":"https://k","namespace":"shop"},{"server":"https://k","namespace":"x"}]}`, `{"destinations":[{"namespace":"x","server":"https://k"}]}`, 0, ""},
		{"remove-destination p prod shop", `{"destinations":[{"name":"prod","namespace":"shop"}]}`, `{}`, 0, ""},
		{"remove-destination p https://k y", `{"destinations":[{"server":"https://k","namespace":"x"}]}`, ``, 13, "Error: spec.destinations: destination https://k,y not found; there are: namespace=x server=https://k\n"},
		{"add-destination-service-account p https://k shop sa", `{}`, `{"destinationServiceAccounts":[{"defaultServiceAccount":"sa","namespace":"shop","server":"https://k"}]}`, 0, ""},
		{"add-destination-service-account p https://k shop sa --service-account-namespace ns", `{}`, `{"destinationServiceAccounts":[{"defaultServiceAccount":"ns:sa","namespace":"shop","server":"https://k"}]}`, 0, ""},
		{"add-destination-service-account p https://k shop s*", `{}`, ``, 2, "Error: add-destination-service-account: a cluster or namespace has a !, or a service account is a pattern; name one service account\n"},
		{"remove-destination-service-account p https://k shop sa", `{"destinationServiceAccounts":[{"defaultServiceAccount":"sa","namespace":"shop","server":"https://k"}]}`, `{}`, 0, ""},
		{"add-source p https://g/x", `{"sourceRepos":["a"]}`, `{"sourceRepos":["a","https://g/x"]}`, 0, ""},
		{"remove-source p a", `{"sourceRepos":["a"]}`, `{}`, 0, ""},
		{"remove-source p b", `{"sourceRepos":["a"]}`, ``, 13, "Error: spec.sourceRepos: b not found; there are: a\n"},
		{"add-source-namespace p team", `{}`, `{"sourceNamespaces":["team"]}`, 0, ""},
		{"remove-source-namespace p team", `{"sourceNamespaces":["team","x"]}`, `{"sourceNamespaces":["x"]}`, 0, ""},
		{"add-orphaned-ignore p v1 ConfigMap --name x*", `{}`, `{"orphanedResources":{"ignore":[{"group":"v1","kind":"ConfigMap","name":"x*"}]}}`, 0, ""},
		{"remove-orphaned-ignore p v1 ConfigMap", `{"orphanedResources":{"warn":true,"ignore":[{"group":"v1","kind":"ConfigMap"}]}}`, `{"orphanedResources":{"warn":true}}`, 0, ""},
		{"add-signature-key p " + strings.ToLower(id), `{}`, `{"signatureKeys":[{"keyID":"` + id + `"}]}`, 0, ""},
		{"add-signature-key p nope", `{}`, ``, 2, "Error: KEY-ID: \"nope\" is not the ID of a gpg key, of at least 16 hexadecimal digits, or of an ssh key, which begins with SHA256:; give the last 16 hexadecimal digits of a gpg key, or SHA256:… of an ssh key\n"},
		{"add-signature-key p " + sshID, `{}`, `{"signatureKeys":[{"keyID":"` + sshID + `"}]}`, 0, ""},
		{"add-signature-key p SHA256:abc", `{}`, ``, 2, "Error: KEY-ID: \"SHA256:abc\" is not the fingerprint of an ssh key, as `ssh-keygen -l` prints it; give the last 16 hexadecimal digits of a gpg key, or SHA256:… of an ssh key\n"},
		{"remove-signature-key p " + sshID, `{"signatureKeys":[{"keyID":"` + sshID + `"}]}`, `{}`, 0, ""},
		{"remove-signature-key p " + id, `{"signatureKeys":[{"keyID":"` + id + `"}]}`, `{}`, 0, ""},
		{"allow-cluster-resource p apps X", `{"clusterResourceBlacklist":[{"group":"apps","kind":"X"}]}`, `{"clusterResourceWhitelist":[{"group":"apps","kind":"X"}]}`, 0, ""},
		{"allow-cluster-resource p apps X n*", `{}`, `{"clusterResourceWhitelist":[{"group":"apps","kind":"X","name":"n*"}]}`, 0, ""},
		{"allow-cluster-resource p apps X --list deny", `{"clusterResourceBlacklist":[{"group":"apps","kind":"X"}]}`, `{}`, 0, ""},
		{"deny-cluster-resource p apps X", `{"clusterResourceWhitelist":[{"group":"apps","kind":"X"}]}`, `{"clusterResourceBlacklist":[{"group":"apps","kind":"X"}]}`, 0, ""},
		{"allow-namespace-resource p apps X", `{"namespaceResourceBlacklist":[{"group":"apps","kind":"X"}]}`, `{}`, 0, ""},
		{"allow-namespace-resource p apps X -l allow", `{}`, `{"namespaceResourceWhitelist":[{"group":"apps","kind":"X"}]}`, 0, ""},
		{"deny-namespace-resource p '' X", `{}`, `{"namespaceResourceBlacklist":[{"group":"","kind":"X"}]}`, 0, ""},
		{"deny-namespace-resource p apps X -l neither", `{}`, ``, 2, "Error: --list: unknown list \"neither\"; give allow or deny\n"},
		{"set p --description d --src a --src b --dest https://k,n --orphaned-resources-warn", `{"description":"x","sourceRepos":["z"],"roles":[{"name":"r"}]}`, `{"description":"d","destinations":[{"namespace":"n","server":"https://k"}],"orphanedResources":{"warn":true},"roles":[{"name":"r"}],"sourceRepos":["a","b"]}`, 0, ""},
		{"set p --deny-namespaced-resource Secret --allow-cluster-resource a/B/c --source-namespaces x,y --signature-keys " + id + " --dest-service-accounts s,n,a", `{}`, `{"clusterResourceWhitelist":[{"group":"a","kind":"B","name":"c"}],"destinationServiceAccounts":[{"defaultServiceAccount":"a","namespace":"n","server":"s"}],"namespaceResourceBlacklist":[{"group":"","kind":"Secret"}],"signatureKeys":[{"keyID":"` + id + `"}],"sourceNamespaces":["x","y"]}`, 0, ""},
		{"set p --src ''", `{"sourceRepos":["z"]}`, `{}`, 0, ""},
		{"set p", `{}`, ``, 2, "Error: cyan proj set: a flag is missing; `cyan proj set --help` lists what can be set\n"},
		{"set p --dest x", `{}`, ``, 2, "Error: --dest: \"x\" is not of the form SERVER,NAMESPACE\n"},
		{"set p --dest-service-accounts x", `{}`, ``, 2, "Error: --dest-service-accounts: \"x\" is not of the form SERVER,NAMESPACE,SERVICEACCOUNT\n"},
		{"role create p ci --description d", `{}`, `{"roles":[{"description":"d","name":"ci"}]}`, 0, roles},
		{"role create p ci", `{"roles":[{"name":"ci"}]}`, ``, 2, "Error: role ci: exists already; choose another name\n"},
		{"role delete p ci", `{"roles":[{"name":"ci"}]}`, `{}`, 0, roles},
		{"role delete p cj", `{"roles":[{"name":"ci"}]}`, ``, 13, "Error: spec.roles: role \"cj\" not found; there are: name=ci\n"},
		{"role add-policy p ci -a sync -o '*'", `{"roles":[{"name":"ci"}]}`, `{"roles":[{"name":"ci","policies":["p, proj:p:ci, applications, sync, p/*, allow"]}]}`, 0, roles},
		{"role add-policy p ci -a get -o x -r logs -p deny", `{"roles":[{"name":"ci"}]}`, `{"roles":[{"name":"ci","policies":["p, proj:p:ci, logs, get, p/x, deny"]}]}`, 0, roles},
		{"role add-policy p ci -a get", `{}`, ``, 2, "Error: cyan proj role add-policy: required flag(s) \"object\" not set; `cyan proj role add-policy --help` shows how it is written\n"},
		{"role remove-policy p ci -a sync -o '*'", `{"roles":[{"name":"ci","policies":["p, proj:p:ci, applications, sync, p/*, allow","x"]}]}`, `{"roles":[{"name":"ci","policies":["x"]}]}`, 0, roles},
		{"role add-group p ci g", `{"roles":[{"name":"ci"}]}`, `{"roles":[{"groups":["g"],"name":"ci"}]}`, 0, roles},
		{"role remove-group p ci g", `{"roles":[{"name":"ci","groups":["g"]}]}`, `{"roles":[{"name":"ci"}]}`, 0, roles},
		{"role add-group p cj g", `{"roles":[{"name":"ci"}]}`, ``, 13, "Error: spec.roles: role \"cj\" not found; there are: ci\n"},
		{"role delete-token p ci 5", `{"roles":[{"name":"ci","jwtTokens":[{"iat":5},{"iat":6}]}]}`, `{"roles":[{"jwtTokens":[{"iat":6}],"name":"ci"}]}`, 0, ""},
		{"role delete-token p ci 7", `{"roles":[{"name":"ci","jwtTokens":[{"iat":5}]}]}`, ``, 13, "Error: role ci of AppProject p: token \"7\" not found; list its tokens to see which there are\n"},
		{"role delete-token p ci x", `{"roles":[{"name":"ci","jwtTokens":[{"iat":5,"id":"x"}]}]}`, `{"roles":[{"jwtTokens":[],"name":"ci"}]}`, 0, ""},
		{"role create-token p cj", `{"roles":[{"name":"ci"}]}`, ``, 20, "Error: Secret argocd-secret: server.secretkey: missing, or shorter than 16 bytes; remove it, and start `cyan server`, which makes one; all sessions end\n"},
		{"windows add p -k deny --schedule '0 22 * * *' --duration 1h --applications a,b --manual-sync", `{}`, `{"syncWindows":[{"applications":["a","b"],"duration":"1h","kind":"deny","manualSync":true,"schedule":"0 22 * * *"}]}`, 0, ""},
		{"windows add p -k deny --schedule '0 22 * *' --duration 1h --applications a", `{}`, ``, 2, "Error: sync window: invalid schedule \"0 22 * *\": expected exactly 5 fields, found 4: [0 22 * *]\n"},
		{"windows add p -k deny --schedule '0 22 * * *' --duration 1h", `{}`, ``, 2, "Error: sync window: concerns nothing; add --applications, --namespaces or --clusters\n"},
		{"windows add p -k maybe --schedule '0 22 * * *' --duration 1h --clusters c", `{}`, ``, 2, "Error: sync window: invalid kind \"maybe\"; use allow or deny\n"},
		{"windows update p 0 --duration 2h --time-zone Europe/Berlin", `{"syncWindows":[{"kind":"allow","schedule":"0 1 * * *","duration":"1h","applications":["*"],"syncOverrun":true}]}`, `{"syncWindows":[{"applications":["*"],"duration":"2h","kind":"allow","schedule":"0 1 * * *","syncOverrun":true,"timeZone":"Europe/Berlin"}]}`, 0, ""},
		{"windows update p 0", `{"syncWindows":[{"kind":"allow","schedule":"0 1 * * *","duration":"1h","applications":["*"]}]}`, ``, 2, "Error: proj windows update: a flag is missing; name what is to change, such as --schedule\n"},
		{"windows enable-manual-sync p 0", `{"syncWindows":[{"kind":"allow"}]}`, `{"syncWindows":[{"kind":"allow","manualSync":true}]}`, 0, ""},
		{"windows disable-manual-sync p 0", `{"syncWindows":[{"kind":"allow","manualSync":true}]}`, `{"syncWindows":[{"kind":"allow"}]}`, 0, ""},
		{"windows enable-sync-overrun p 0", `{"syncWindows":[{"kind":"allow"}]}`, `{"syncWindows":[{"kind":"allow","syncOverrun":true}]}`, 0, ""},
		{"windows disable-sync-overrun p 0", `{"syncWindows":[{"kind":"allow","syncOverrun":true}]}`, `{"syncWindows":[{"kind":"allow"}]}`, 0, ""},
		{"windows delete p 1", `{"syncWindows":[{"kind":"allow"},{"kind":"deny"}]}`, `{"syncWindows":[{"kind":"allow"}]}`, 0, ""},
		{"windows delete p 2", `{"syncWindows":[{"kind":"allow"},{"kind":"deny"}]}`, ``, 13, "Error: spec.syncWindows: window 2 not found; there are 2, counted from 0\n"},
		{"windows delete p x", `{}`, ``, 2, "Error: ID: \"x\" is not a number; `proj windows list` lists the IDs\n"},
		{"source-integrity git policies add p --repo-url 'https://g/*' --gpg-mode strict --gpg-key " + id, `{}`, `{"sourceIntegrity":{"git":{"policies":[{"gpg":{"keys":["` + id + `"],"mode":"strict"},"repos":[{"url":"https://g/*"}]}]}}}`, 0, "note: mode strict is not served: the project's Applications stand until it is head\n"},
		{"source-integrity git policies add p --repo-url x --gpg-mode hard", `{}`, ``, 2, "Error: --gpg-mode: unknown mode \"hard\"; give strict, head or none\n"},
		{"source-integrity git policies add p --repo-url x --gpg-mode head", `{}`, ``, 2, "Error: --gpg-key: missing; name the keys that sign\n"},
		{"source-integrity git policies update p 0 --add-repo-url y --delete-repo-url x --gpg-mode none", `{"sourceIntegrity":{"git":{"policies":[{"gpg":{"keys":["` + id + `"],"mode":"strict"},"repos":[{"url":"x"}]}]}}}`, `{"sourceIntegrity":{"git":{"policies":[{"gpg":{"keys":["` + id + `"],"mode":"none"},"repos":[{"url":"y"}]}]}}}`, 0, ""},
		{"source-integrity git policies delete p 0 1", `{"sourceIntegrity":{"git":{"policies":[{"repos":[{"url":"x"}],"gpg":{"mode":"none","keys":[]}},{"repos":[{"url":"y"}],"gpg":{"mode":"none","keys":[]}}]}}}`, `{}`, 0, ""},
		{"add-source nosuch x", `{}`, ``, 13, "Error: AppProject \"nosuch\": not found in namespace \"argocd\"; there are: default, p\n"},
	} {
		s.storeProject("p", c.before)
		got := s.ends(append([]string{"cyan", "proj"}, words(c.line)...)...)
		after, stdout := c.after, "project 'p' updated\n"
		if after == "" {
			var spec any
			if err := json.Unmarshal([]byte(c.before), &spec); err != nil {
				t.Fatal(err)
			}
			data, _ := json.Marshal(spec)
			after, stdout = string(data), "project 'p' unchanged\n"
		}
		if c.code != 0 {
			stdout = ""
		}
		if spec := s.projectSpec("p"); got != (outcome{c.code, stdout, c.stderr}) || spec != after {
			t.Errorf("proj %s:\ngot  %+v\n     %s\nwant %+v\n     %s", c.line, got, spec, outcome{c.code, stdout, c.stderr}, after)
		}
	}
}

// storeProject makes a project with this spec.
func (s *shell) storeProject(name, spec string) {
	s.t.Helper()
	p := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(`{"apiVersion":"argoproj.io/v1alpha1","kind":"AppProject","metadata":{"namespace":"argocd","name":"`+name+`"},"spec":`+spec+`}`), &p.Object); err != nil {
		s.t.Fatal(err)
	}
	old := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name}}
	if err := s.cluster.Client.Delete(s.t.Context(), old); client.IgnoreNotFound(err) != nil {
		s.t.Fatal(err)
	}
	if err := s.cluster.Client.Create(s.t.Context(), p); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.cluster.Client.Delete(context.Background(), old) })
}

func TestProjectsAreShown(t *testing.T) {
	s := newShell(t)
	s.storeProject("shown", `{"roles":[{"name":"ci","description":"d","policies":["pol"],"groups":["g"],"jwtTokens":[{"iat":1696759698,"id":"x"}]}],"unknownHere":1,
		"syncWindows":[{"kind":"allow","schedule":"* * * * *","duration":"1h","applications":["*"]}],"sourceIntegrity":{"git":{"policies":[{"repos":[{"url":"u"}],"gpg":{"mode":"head","keys":["4AEE18F83AFDEB23"]}}]}}}`)
	for _, c := range []struct {
		line  string
		parts []string
	}{
		{"role list shown", []string{"ROLE-NAME", "ci", "d"}},
		{"role list shown -o name", []string{"ci\n"}},
		{"role get shown ci", []string{"Role Name:     ci", "pol", "g", "2023-10-08T10:08:18Z"}},
		{"role list-tokens shown ci -u", []string{"1696759698", "<none>"}},
		{"windows list shown", []string{"Active", "* * * * *"}},
		{"windows list shown -o json", []string{`"duration": "1h"`}},
		{"source-integrity git policies list shown", []string{"head", "4AEE18F83AFDEB23"}},
		{"get shown -o yaml", []string{"sourceIntegrity:", "roles:"}},
		{"get shown", []string{"shown:", "roles:"}},
	} {
		s.says(append([]string{"argocd", "proj"}, strings.Fields(c.line)...), c.parts...)
	}
}

func TestProjectFromAFileAndInAnEditor(t *testing.T) {
	s := newShell(t)
	t.Cleanup(func() {
		_ = s.cluster.Client.Delete(context.Background(), &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "filed"}})
	})
	file := write(t, "project.yaml", "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: filed}\nspec: {sourceRepos: [a], sourceIntegrity: {git: {policies: []}}}\n")
	if got, want := s.ends("cyan", "proj", "create", "-f", file, "--description", "d"), (outcome{0, "project 'filed' created\n", ""}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := s.projectSpec("filed"); !strings.Contains(got, `"description":"d"`) || !strings.Contains(got, `"sourceRepos":["a"]`) {
		t.Error(got)
	}
	if got := s.ends("cyan", "proj", "create", "-f", file); got.code != 20 || got.stderr != "Error: AppProject \"filed\": exists already; add --upsert to change it\n" {
		t.Errorf("got %+v", got)
	}
	// A file that names no kind, as tools write objects that they have decoded, is of the one that is meant.
	if got := s.ends("argocd", "proj", "create", "-f", write(t, "bare.yaml", "metadata: {name: bare}\nspec: {description: d}\n")); got.code != 0 || got.stdout != "project 'bare' created\n" {
		t.Errorf("without a kind: got %+v", got)
	}
	s.run("cyan", "proj", "delete", "bare", "-y")
	if got := s.ends("cyan", "proj", "create", "-f", write(t, "app.yaml", "kind: Application\n")); got.code != 2 || !strings.Contains(got.stderr, `kind "Application" found, where an AppProject is expected`) {
		t.Errorf("got %+v", got)
	}
	editor := write(t, "editor", "#!/bin/sh\nsed -i s/description:.*/description:\\ edited/ $1\n")
	if err := os.Chmod(editor, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBE_EDITOR", editor)
	s.run("cyan", "proj", "edit", "filed")
	if got := s.projectSpec("filed"); !strings.Contains(got, `"description":"edited"`) || !strings.Contains(got, `"sourceRepos":["a"]`) {
		t.Error(got)
	}
}
