package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli"
	"github.com/cyan-cd/cyan/internal/cli/dev"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/skaffold"
	"github.com/cyan-cd/cyan/internal/devloop"
)

// What keeps a loop from beginning is said before a cluster is asked; what it begins with is what the line has.
func TestDevLines(t *testing.T) {
	const deployed = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {template: {spec: {containers: [{name: shop, image: shop}]}}}\n"
	plain := map[string]string{"Dockerfile": "FROM scratch\n", "k8s/app.yaml": deployed}
	hooked := map[string]string{"Dockerfile": "FROM scratch\n", "k8s/app.yaml": deployed, "skaffold.yaml": "apiVersion: skaffold/v4beta11\nkind: Config\nbuild: {artifacts: [{image: shop, hooks: {before: [{command: [make]}]}}]}\n"}
	article := counterTree("pokoytan/counter")
	for _, c := range []struct {
		rule, line string
		files      map[string]string
		code       int
		out, note  string
	}{
		{"a check without a file", "dev --check", plain, 0, "  image      shop, of Dockerfile, with what is in .\n  manifests  k8s\n", ""},
		{"a check of what nothing deploys", "dev --check -f k8s/skaffold.yml -p local", article, 1, "image pokoytan/counter: built, and nothing deployed has it; k8s/overlay/kustomization.yml:4 has pokotyan/counter", "1 place to be corrected before anything is built"},
		{"a check of a profile that is not there", "dev --check -f k8s/skaffold.yml -p lokal", article, 1, "did you mean local?", "Error:"},
		{"a folder with nothing to deploy", "dev --check", map[string]string{"Dockerfile": "FROM scratch\n"}, 2, "", "Error: folder "},
		{"a folder that is not there", "dev shop", plain, 2, "", "shop: no such file or directory; give the folder of the app"},
		{"two folders", "dev a b", plain, 2, "", "Error: cyan dev: "},
		{"commands of the file, without an answer", "dev", hooked, 20, "", "give --trust-hooks to agree, or --trust-hooks=false to go on without"},
		{"a flag that is wrong, before any question", "dev --promote", hooked, 2, "", "Error: --promote: given without --in-place"},
		{"ports", "dev --port-forward=pods -d localhost:5000", plain, 2, "", "--port-forward: unknown value \"pods\"; give one of auto, user, services, off"},
		{"logs of the future", "dev --since=-5m -d localhost:5000", plain, 2, "", "--since: -5m0s is negative; give how far back, such as 10m"},
		{"an end that is none", "dev --cleanup=later", plain, 2, "", "\"later\" is neither true nor false"},
		{"a promotion of nothing", "dev --promote", plain, 2, "", "--promote: given without --in-place"},
		{"a namespace in place", "dev --in-place -n shop", plain, 2, "", "--namespace: given with --in-place"},
		{"what is left in place", "dev --in-place --cleanup=false", plain, 2, "", "--cleanup=false: given with --in-place"},
		{"a cluster that is away", "dev", plain, 11, "", "Error: looking for its registry: cluster \"test\" (http://127.0.0.1:1) does not answer: "},
		{"a place that is none", "dev -d UPPER/x", plain, 2, "", "UPPER"},
		{"a context that is not there", "dev --context moon -d localhost:5000", plain, 11, "", "context \"moon\" not found"},
		{"all there is", "dev --tail=false --log-filter error --since 10m --port-forward=off --cleanup=false -d localhost:5000/team -n shop --plain", plain, 0, "root . namespace shop logs {Off:true Since:10m0s Filter:error} forward off keep true registry localhost:5000/team plain true\n", ""},
		{"nothing", "dev -d localhost:5000", plain, 0, "root . namespace  logs {Off:false Since:0s Filter:} forward  keep false registry localhost:5000 plain false\n", ""},
		{"ports of all Services", "dev --port-forward -d localhost:5000", plain, 0, "forward services", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			inTree(t, c.files)
			code, out, note := devCalled(t, c.line, "http://127.0.0.1:1")
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(note, c.note) || c.out == "" && code != 0 && out != "" {
				t.Errorf("cyan %s: got %d\n%s%s\nwant %d\n%s%s", c.line, code, out, note, c.code, c.out, c.note)
			}
		})
	}
}

// devCalled is a line, with a loop that prints what it would begin with.
func devCalled(t *testing.T, line, server string) (code int, stdout, stderr string) {
	t.Helper()
	var out, note bytes.Buffer
	kubeconfig(t, server)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	begin := func(_ context.Context, e *kit.Env, o devloop.Options, how dev.Display) error {
		root, err := filepath.Rel(here, o.Root)
		if err != nil {
			return err
		}
		return e.Say(beginning(root, o, how))
	}
	root := cli.New("cyan", "v1", kit.Streams{In: strings.NewReader(""), Out: &out, Err: &note}, func(e *kit.Env) *cobra.Command {
		return dev.New(e, dev.Wiring{Show: begin})
	})
	root.SetArgs(strings.Fields(line))
	err = root.ExecuteContext(t.Context())
	if message := kit.Message(err); message != "" {
		note.WriteString(message + "\n")
	}
	return kit.ExitCode(err), out.String(), note.String()
}

// What a loop by the name skaffold begins with is what the line has.
func TestSkaffoldDevLines(t *testing.T) {
	for _, c := range []struct{ rule, line, want string }{
		{"nothing", "", "logs {Off:false Since:0s Filter:} forward user keep false"},
		{"all left out", " --tail=false --port-forward=off", "logs {Off:true Since:0s Filter:} forward off keep false"},
		{"ports of all Services", " --port-forward", "forward services"},
		{"what runs stays", " --cleanup=false", "keep true"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			inTree(t, map[string]string{"skaffold.yaml": "apiVersion: skaffold/v4beta11\nkind: Config\nmanifests: {rawYaml: [app.yaml]}\n", "app.yaml": deployment("app", "app")})
			kubeconfig(t, "http://127.0.0.1:1")
			var out bytes.Buffer
			begin := func(_ context.Context, e *kit.Env, o devloop.Options) error {
				return e.Say(beginning("", o, dev.Display{}))
			}
			root := cli.New("skaffold", "v1", kit.Streams{In: strings.NewReader(""), Out: &out, Err: &out}, func(e *kit.Env) *cobra.Command {
				return skaffold.NewDev(e, skaffold.Wiring{Show: begin})
			})
			root.SetArgs(strings.Fields("dev -d localhost:5000" + c.line))
			if err := root.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), c.want) {
				t.Errorf("got %v, %s, want %s", err, out.String(), c.want)
			}
		})
	}
}

// kubeconfig has a server be the cluster.
func kubeconfig(t *testing.T, server string) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "kubeconfig")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: test\ncontexts: [{name: test, context: {cluster: test}}]\nclusters: [{name: test, cluster: {server: '" + server + "'}}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", config)
}

func beginning(root string, o devloop.Options, how dev.Display) string {
	return fmt.Sprintf("root %s namespace %s logs %+v forward %s keep %t registry %s plain %t", root, o.Namespace, o.Logs, o.Forward, o.Keep, o.Registry, how.Plain)
}

// Images go to the registry that the cluster names; where it names none, or none that one may read, the flag is asked
// for.
func TestDevFindsTheRegistry(t *testing.T) {
	inTree(t, map[string]string{"Dockerfile": "FROM scratch\n", "k8s/app.yaml": deployment("app", "app")})
	const missing = "names no registry in ConfigMap local-registry-hosting of kube-public, as a cluster of `cyan local up` does; name a registry that this machine pushes to and the nodes pull from"
	for answer, c := range map[string]struct {
		status, code int
		want         string
	}{
		`{"kind":"ConfigMap","apiVersion":"v1","data":{"localRegistryHosting.v1":"host: localhost:5001\n"}}`: {200, 0, "registry localhost:5001 "},
		`{"kind":"ConfigMap","apiVersion":"v1","data":{"other":"x"}}`:                                        {200, 2, missing},
		`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`:              {404, 2, missing},
		`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`:             {403, 2, missing},
		`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Unauthorized","code":401}`:          {401, 11, "does not accept these credentials; log in to it again"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, answer)
		}))
		t.Cleanup(server.Close)
		if code, out, note := devCalled(t, "dev", server.URL); code != c.code || !strings.Contains(out+note, c.want) {
			t.Errorf("%s: got %d, %s%s; want %d, %s", answer, code, out, note, c.code, c.want)
		}
	}
}
