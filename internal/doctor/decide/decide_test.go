package decide

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/settings"
)

func lines(results []Result) []string {
	var all []string
	for _, r := range results {
		all = append(all, strings.TrimSuffix(fmt.Sprintf("%s %s: %s; %s", r.Status, r.Check, r.Message, r.Remedy), "; "))
	}
	return all
}

func TestJudgements(t *testing.T) {
	asked := []Repository{{"https://a", "p"}, {"https://b", "p"}}
	gpg, ssh := "4AEE18F83AFDEB23", "SHA256:txVF8wMITH8YaLGZZQFvW2we//3GrfAPnVFKj8cnJFU"
	signed := func(keys ...string) []v1alpha1.AppProject {
		p := v1alpha1.AppProject{}
		p.Name = "shop"
		for _, k := range keys {
			p.Spec.SignatureKeys = append(p.Spec.SignatureKeys, runtime.RawExtension{Raw: []byte(`{"keyID":"` + k + `"}`)})
		}
		return []v1alpha1.AppProject{p}
	}
	all, none := func(string) bool { return true }, func(string) bool { return false }
	var many []settings.Finding
	for i := range mostFindings + 2 {
		many = append(many, settings.Finding{Object: fmt.Sprintf("Application a%d", i), Field: "spec.x", Cause: "not served", Remedy: "leave it out"})
	}
	for _, c := range []struct {
		rule string
		got  []Result
		want []string
	}{
		{"an error with a remedy", []Result{Bad("x", Warn, &problem.Error{Object: "a", Cause: "b", Remedy: "c"})}, []string{"warn x: a: b; c"}},
		{"an error without", []Result{Bad("x", Fail, errors.New("no"))}, []string{"fail x: no"}},
		{"clocks together", []Result{Clock(MostSkew), Clock(-MostSkew)}, []string{"ok clock: less than 5s from the cluster's", "ok clock: less than 5s from the cluster's"}},
		{"clocks apart", []Result{Clock(MostSkew + time.Second), Clock(-time.Minute)}, []string{"warn clock: the cluster's is 6s ahead of this machine's; set both by NTP", "warn clock: the cluster's is -1m0s ahead of this machine's; set both by NTP"}},
		{"all rights", []Result{Rights(nil)}, []string{"ok rights: those that the server needs"}},
		{"rights denied", []Result{Rights([]string{"get b", "get a", "get a"})}, []string{"fail rights: denied in all namespaces: get a, get b; run the server as another user, or have these granted"}},
		{"many rights denied", []Result{Rights(strings.Split("abcdefghij", ""))}, []string{"fail rights: denied in all namespaces: a, b, c, d, e, f, g, h and 2 more; run the server as another user, or have these granted"}},
		{"alone", []Result{Controllers(nil)}, []string{"ok controllers: no others work on the same objects"}},
		{"others", []Result{Controllers([]string{"Deployment a/b"})}, []string{"fail controllers: others work on the same objects: Deployment a/b; `cyan adopt` shows how Cyan takes their place"}},
		{"no repository", Repositories(nil, 0, nil), []string{"ok repositories: no Application names one"}},
		{"repositories answer", Repositories(asked, 0, nil), []string{"ok repositories: 2 of 2 answer"}},
		{"one does not, others were not asked", Repositories(asked, 3, map[string]error{"https://b": errors.New("away")}), []string{"ok repositories: 1 of 2 answer; 3 more were not asked", "fail repositories: away"}},
		{"none does", Repositories(asked[:1], 0, map[string]error{"https://a": errors.New("away")}), []string{"fail repositories: away"}},
		{"no registry", Registries(nil, nil), []string{"ok registries: no image is deployed"}},
		{"one registry is away", Registries([]string{"a", "b"}, map[string]string{"b": "refused"}), []string{"ok registries: 1 of 2 answer", "warn registries: registry b: refused; check the network; nodes may reach what this machine does not"}},
		{"all registries are away", Registries([]string{"b"}, map[string]string{"b": "refused"}), []string{"warn registries: registry b: refused; check the network; nodes may reach what this machine does not"}},
		{"nobody asks for signatures", Signatures(signed(), nil, none), nil},
		{"keys are there", Signatures(signed(gpg, ssh), []string{gpg, ssh}, all), []string{"ok signatures: 2 keys that projects ask for"}},
		{"one key is there", Signatures(signed(gpg), []string{gpg}, all), []string{"ok signatures: 1 key that projects ask for"}},
		{"a key is missing", Signatures(signed(gpg), nil, all), []string{"warn signatures: AppProject shop: no public key of " + gpg + ", so that nothing signed with it is permitted; add it with `cyan gpg add` or `cyan signer add`"}},
		{"the program of a key is missing", Signatures(signed(ssh), []string{ssh}, none), []string{"warn signatures: program ssh-keygen: not found on this machine, and signatures cannot be checked without it; install openssh-client where the server runs"}},
		{"the other program is not needed", Signatures(signed(gpg), []string{gpg}, func(name string) bool { return name == "gpg" }), []string{"ok signatures: 1 key that projects ask for"}},
		{"all is served", Unsupported(nil), []string{"ok unsupported: nothing that is in use"}},
		{"something is not", Unsupported(many[:1]), []string{"warn unsupported: Application a0: spec.x: not served; leave it out"}},
	} {
		if got := lines(c.got); !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", c.rule, got, c.want)
		}
	}
	if got := lines(Unsupported(many)); len(got) != mostFindings+1 || got[mostFindings] != "warn unsupported: 2 more; `cyan adopt` lists all" {
		t.Errorf("many findings: got %q", got)
	}
	if got := lines(Unsupported(many[:mostFindings])); len(got) != mostFindings {
		t.Errorf("as many findings as are listed: got %q", got)
	}
	if got := lines(Signatures(signed("ada"), nil, all)); len(got) != 1 || !strings.HasPrefix(got[0], "fail signatures: AppProject shop: ") {
		t.Errorf("a key that is none: got %q", got)
	}
}

func TestRightsAreNamedAsPeopleGrantThem(t *testing.T) {
	for want, r := range map[string]Right{
		"patch rollouts.argoproj.io/status": {Group: "argoproj.io", Resource: "rollouts", Subresource: "status"},
		"patch pods":                        {Resource: "pods"},
	} {
		if got := r.Named("patch"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestUses(t *testing.T) {
	app := func(a v1alpha1.Application) map[string]any {
		t.Helper()
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&a)
		if err != nil {
			t.Fatal(err)
		}
		return object
	}
	var u Uses
	if got, left := u.Repositories(); len(got) != 0 || left != 0 || len(u.Registries()) != 0 {
		t.Errorf("nothing uses anything: got %v, %d, %v", got, left, u.Registries())
	}
	u.Add(app(v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Source: &v1alpha1.ApplicationSource{RepoURL: "https://z"}}}))
	several := app(v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Project: "shop"}})
	sources := []any{map[string]any{"repoURL": "https://a"}, map[string]any{"repoURL": "https://charts", "chart": "x"}, map[string]any{}, "none"}
	if err := unstructured.SetNestedSlice(several, sources, "spec", "sources"); err != nil {
		t.Fatal(err)
	}
	images := []any{"nginx", "org/x", "docker.io/library/y", "localhost/z", "reg.example:5000/a@sha256:1", "reg.example/b"}
	if err := unstructured.SetNestedSlice(several, images, "status", "summary", "images"); err != nil {
		t.Fatal(err)
	}
	u.Add(several)
	got, left := u.Repositories()
	if want := []Repository{{"https://a", "shop"}, {"https://z", "default"}}; !reflect.DeepEqual(got, want) || left != 0 {
		t.Errorf("repositories: got %v, %d, want %v", got, left, want)
	}
	if got, want := u.Registries(), []string{"localhost", "reg.example", "reg.example:5000", "registry-1.docker.io"}; !slices.Equal(got, want) {
		t.Errorf("registries: got %q, want %q", got, want)
	}
	for i := range MostAsked {
		u.Add(app(v1alpha1.Application{
			Spec:   v1alpha1.ApplicationSpec{Source: &v1alpha1.ApplicationSource{RepoURL: fmt.Sprintf("https://git/%d", i)}},
			Status: v1alpha1.ApplicationStatus{Summary: v1alpha1.ApplicationSummary{Images: []string{fmt.Sprintf("reg%d.example/x", i)}}},
		}))
	}
	if got, left := u.Repositories(); len(got) != MostAsked || left != 2 || len(u.Registries()) != MostAsked {
		t.Errorf("many: got %d repositories, %d left, %d registries", len(got), left, len(u.Registries()))
	}
}
