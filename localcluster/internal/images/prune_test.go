package images

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cyan-cd/cyan/localcluster/internal/registry"
)

// numbered is a digest of a number.
func numbered(n int) string { return fmt.Sprintf("sha256:%064d", n) }

// saves are images of a repository in the order in which they were pushed, of which the last has the tag.
func saves(repository, tag string, count int) []registry.Image {
	var all []registry.Image
	for n := 1; n <= count; n++ {
		image := registry.Image{Repository: repository, Digest: numbered(n), Pushed: time.Unix(int64(n), 0), Former: []string{tag}}
		if n == count {
			image.Tags, image.Former = []string{tag}, nil
		}
		all = append(all, image)
	}
	return all
}

// object is what an object of a kind says.
type object struct{ kind, text string }

func TestWhatMayGo(t *testing.T) {
	thirteen := saves("app", "dev", 13) // 1 and 2 are older than the newest ten of those that have no tag
	released := saves("app", "latest", 13)
	index := slices.Clone(thirteen)
	index[0].Parts = []string{digest("f")}
	named := []registry.Image{
		{Repository: "team/app", Tags: []string{"1"}, Digest: digest("a")}, {Repository: "team/web", Tags: []string{"latest"}, Digest: digest("b")},
		{Repository: "index.docker.io/library/nginx", Tags: []string{"1.19"}, Digest: digest("c"), Fetched: true},
	}
	both := []registry.Image{{Repository: "app", Tags: []string{"1", "2"}, Digest: digest("a")}}
	fetched := []registry.Image{{Repository: "far.example/app", Digest: digest("c"), Fetched: true}}
	for _, test := range []struct {
		name    string
		held    []registry.Image
		scope   Scope
		objects []object
		pods    []corev1.Pod
		// want are the numbers of the images that go, or their names.
		want string
	}{
		{"the newest ten that were replaced stay", thirteen, Crowding, nil, nil, "1 2"},
		{"as many as stay crowd nothing", saves("app", "dev", 11), Crowding, nil, nil, ""},
		{"each repository has its own ten", slices.Concat(saves("app", "dev", 11), saves("web", "dev", 12)), Crowding, nil, nil, "1"},
		{"a pod runs it", thirteen, Crowding, nil, []corev1.Pod{pod("p", "app:dev", "x/app@"+numbered(1))}, "2"},
		{"a ReplicaSet of before names it", thirteen, Crowding, []object{{"ReplicaSet", "host/app:dev@" + numbered(2)}}, nil, "1"},
		{"an object names an image of an index", index, Crowding, []object{{"Job", "app@" + digest("f")}}, nil, "2"},
		{"an Application could go back to it", released, Crowding, []object{{"Application", "127.0.0.1:5000/app:latest"}}, nil, ""},
		{"an Application of another repository", released, Crowding, []object{{"Application", "my-app:1"}, {"Application", "app-2"}}, nil, "1 2"},
		{"no Application goes back to what a loop made", thirteen, Crowding, []object{{"Application", "127.0.0.1:5000/app:dev"}}, nil, "1 2"},
		{"a loop made it, and somebody else named it", append([]registry.Image{{Repository: "app", Digest: numbered(0), Former: []string{"dev", "v1"}}}, thirteen...), Crowding, []object{{"Application", "app"}}, nil, "1 2"},
		{"a ConfigMap names its repository", released, Crowding, []object{{"ConfigMap", "app"}}, nil, "1 2"},
		{"images with tags stay", named, Crowding, nil, nil, ""},
		{"all that were replaced", thirteen, Replaced, nil, nil, "1 2 3 4 5 6 7 8 9 10 11 12"},
		{"all but those of a pod and an object", thirteen, Replaced, []object{{"Deployment", numbered(3)}}, []corev1.Pod{pod("p", "app@"+numbered(1), "")}, "2 4 5 6 7 8 9 10 11 12"},
		{"tags and what was fetched are not replaced", slices.Concat(named, fetched), Replaced, nil, nil, ""},
		{"all", slices.Concat(named, fetched), Unused, nil, nil, "far.example/app@" + digest("c") + " index.docker.io/library/nginx:1.19 team/app:1 team/web:latest"},
		{"an object names its tag, with a host", named, Unused, []object{{"CronJob", "registry.example/team/app:1"}}, nil, "index.docker.io/library/nginx:1.19 team/web:latest"},
		{"an object names another tag", named, Unused, []object{{"CronJob", "team/app:10 steam/app:1"}}, nil, "index.docker.io/library/nginx:1.19 team/app:1 team/web:latest"},
		{"behind another tag", named, Unused, []object{{"CronJob", "team/app:10\nteam/app:1\n"}}, nil, "index.docker.io/library/nginx:1.19 team/web:latest"},
		{"latest needs no name", named, Unused, []object{{"CronJob", "team/web"}}, nil, "index.docker.io/library/nginx:1.19 team/app:1"},
		{"as Docker shortens it", named, Unused, []object{{"CronJob", "nginx:1.19"}}, nil, "team/app:1 team/web:latest"},
		{"one of its names is named", both, Unused, []object{{"CronJob", "app:2"}}, nil, "app:1"},
	} {
		rows := Rows(test.held, nil, UsageOf(test.pods))
		mentions := NewMentions(rows)
		for _, o := range test.objects {
			mentions.Read(o.kind, o.text)
		}
		var got []string
		for _, name := range PlanPrune(rows, mentions, test.scope).Names {
			if _, number, ok := strings.Cut(name, "@sha256:0"); ok {
				name = strings.TrimLeft(number, "0")
			}
			got = append(got, name)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: got %q, want %q", test.name, strings.Join(got, " "), test.want)
		}
	}
}

// TestTheSandboxIsNoImageOfAnybody: every pod needs what no object names.
func TestTheSandboxIsNoImageOfAnybody(t *testing.T) {
	if rows := Rows([]registry.Image{{Repository: "cyan/sandbox", Tags: []string{"1"}, Digest: digest("a")}}, nil, nil); len(rows) != 0 {
		t.Errorf("got %v", rows)
	}
}

func TestCrowded(t *testing.T) {
	for _, test := range []struct {
		name string
		held []registry.Image
		want bool
	}{
		{"nothing", nil, false},
		{"as many as stay", slices.Concat(saves("app", "dev", 11), saves("web", "dev", 11)), false},
		{"one more", saves("app", "dev", 12), true},
	} {
		if got := Crowded(test.held); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// TestWhatAnObjectHolds: what is deep in it is read, and what a Secret has packed, as Helm does with releases.
func TestWhatAnObjectHolds(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(`{"manifest":"image: app@` + numbered(3) + `"}`)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	encode := base64.StdEncoding.EncodeToString
	secret := &unstructured.Unstructured{Object: map[string]any{
		"kind": "Secret", "metadata": map[string]any{"annotations": map[string]any{numbered(1): "x"}}, "list": []any{map[string]any{"image": "app@" + numbered(2)}},
		"data": map[string]any{"release": encode([]byte(encode(packed.Bytes()))), "plain": encode([]byte(numbered(4))), "coded": encode([]byte(encode([]byte(numbered(5)))))},
	}}
	text := textOf(secret)
	for n := 1; n <= 4; n++ {
		if !strings.Contains(text, numbered(n)) {
			t.Errorf("%s is not in\n%s", numbered(n), text)
		}
	}
}

// A name is mentioned as a whole alone: not as a part of a longer one, whatever that goes on with.
func TestNamesAreMentionedWhole(t *testing.T) {
	row := Row{Name: "app:1"}
	for text, want := range map[string]bool{
		"app:1": true, `"app:1"`: true, "team/app:1": true, "r.example:5000/app:1": true, "app:1@sha256": true, "app:1,app:2": true, "app:12 app:1": true, "[app:1]": true, "{app:1}": true,
		"aapp:1": false, "zapp:1": false, "Aapp:1": false, "Zapp:1": false, "0app:1": false, "9app:1": false, ".app:1": false, "_app:1": false, "-app:1": false,
		"app:1a": false, "app:1z": false, "app:1A": false, "app:1Z": false, "app:10": false, "app:19": false, "app:1.": false, "app:1_": false, "app:1-": false, "app": false, "": false,
	} {
		mentions := NewMentions([]Row{row})
		mentions.Read("Pod", text)
		if got := mentions.has(row); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

// What an image is called in objects is its name without what may be left out; one that has no tag has none.
func TestShortNames(t *testing.T) {
	for _, c := range []struct {
		row  Row
		want string
	}{
		{Row{Name: "index.docker.io/library/app:latest"}, "app"},
		{Row{Name: "docker.io/team/app:1"}, "team/app:1"},
		{Row{Name: "team/app"}, ""},
		{Row{Name: "team/app@sha256:12"}, ""},
		{Row{Name: "sha256:12", Digest: "sha256:12"}, ""},
		{Row{Name: "app:12", Digest: "sha256:12"}, "app:12"},
	} {
		if got, ok := shortName(c.row); got != c.want || ok != (c.want != "") {
			t.Errorf("%s: got %q, %v, want %q", c.row.Name, got, ok, c.want)
		}
	}
}
