package images

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cyan-cd/cyan/localcluster/internal/registry"
)

const address = "127.0.0.1:5000"

// digest is one of a digit.
func digest(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }

func pod(name, image, id string) corev1.Pod {
	p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Image: image}}}}
	if id != "" {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{ImageID: id}}
	}
	return p
}

func TestWhoUsesAnImage(t *testing.T) {
	app := registry.Image{Repository: "team/app", Tags: []string{"1", "latest"}, Digest: digest("a"), Parts: []string{digest("b")}}
	fetched := registry.Image{Repository: "registry.example/team/app", Tags: []string{"1"}, Digest: digest("c"), Fetched: true}
	hub := registry.Image{Repository: "index.docker.io/library/nginx", Tags: []string{"1.19"}, Digest: digest("d"), Fetched: true}
	short := registry.Image{Repository: "nginx", Tags: []string{"1.19"}, Digest: digest("e")}
	ended := pod("p", "team/app:1", "")
	ended.Status.Phase = corev1.PodSucceeded
	starting := pod("p", "elsewhere:1", "")
	starting.Spec.InitContainers = []corev1.Container{{Image: "team/app:1"}}
	debugged := pod("p", "elsewhere:1", "")
	debugged.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Image: "team/app:1"}}}
	mounted := pod("p", "elsewhere:1", "")
	mounted.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "team/app:1"}}}}
	initialised := pod("p", "elsewhere:1", "")
	initialised.Status.InitContainerStatuses = []corev1.ContainerStatus{{ImageID: "x@" + digest("a")}}
	for _, test := range []struct {
		name  string
		image registry.Image
		pod   corev1.Pod
		used  bool
	}{
		{"by its path and tag", app, pod("p", address+"/team/app:1", ""), true},
		{"by its other tag, which none is", app, pod("p", "team/app", ""), true},
		{"by another host, for the path is what counts", app, pod("p", "registry.example/team/app:1", ""), true},
		{"another tag", app, pod("p", "team/app:2", ""), false},
		{"another path", app, pod("p", "team/other:1", ""), false},
		{"by its digest", app, pod("p", "team/app@"+digest("a"), ""), true},
		{"by the digest of a platform", app, pod("p", "team/app@"+digest("b"), ""), true},
		{"by another digest", app, pod("p", "team/app@"+digest("c"), ""), false},
		{"it runs, and its tag went on", app, pod("p", "team/app:2", address+"/team/app@"+digest("a")), true},
		{"another runs, and it is asked for", app, pod("p", "team/app:1", address+"/team/app@"+digest("f")), true},
		{"the pod has ended", app, ended, false},
		{"a first container", app, starting, true},
		{"a first container that ran", app, initialised, true},
		{"a container to debug by", app, debugged, true},
		{"a volume", app, mounted, true},
		{"an image that cannot be read", app, pod("p", "Not An Image", ""), false},
		{"fetched, by its host", fetched, pod("p", "registry.example/team/app:1", ""), true},
		{"fetched, without its host", fetched, pod("p", "team/app:1", ""), false},
		{"fetched from Docker Hub", hub, pod("p", "nginx:1.19", ""), true},
		{"pushed by a short name", short, pod("p", "docker.io/library/nginx:1.19", ""), true},
	} {
		got := UsageOf([]corev1.Pod{test.pod}).PodsOf(test.image)
		if want := fmt.Sprint([]string{"default/p"}[:btoi(test.used)]); fmt.Sprint(got) != want {
			t.Errorf("%s: got %v, want %s", test.name, got, want)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

var held = []registry.Image{
	{Repository: "team/app", Tags: []string{"1", "latest"}, Digest: digest("a"), Size: 10},
	{Repository: "team/app", Tags: []string{"2"}, Digest: digest("b"), Size: 20},
	{Repository: "team/app", Digest: digest("c"), Size: 30},
	{Repository: "library/nginx", Tags: []string{"1.19"}, Digest: digest("d"), Size: 40},
	{Repository: "registry.example/far", Tags: []string{"1"}, Digest: digest("e"), Size: 50, Fetched: true},
}

var onNode = []OnNode{
	{ID: "id-b", Names: []string{address + "/team/app:2"}, Digests: []string{digest("b")}, Size: 21},
	{ID: "id-f", Names: []string{"registry.example/gone:1"}, Digests: []string{digest("f")}, Size: 60},
	{ID: "sha256:" + strings.Repeat("9", 64), Size: 70},
}

func rows() []Row {
	return Rows(held, onNode, UsageOf([]corev1.Pod{pod("web", "team/app:2", ""), pod("gone", "registry.example/gone:1", "")}))
}

func TestRows(t *testing.T) {
	var got []string
	for _, row := range rows() {
		got = append(got, fmt.Sprintf("%s %.8s %d %s %v", row.Name, row.Digest, row.Size, strings.Join(row.Where, "+"), row.Pods))
	}
	want := []string{
		"library/nginx:1.19 sha256:d 40 registry []",
		"registry.example/far:1 sha256:e 50 fetched []",
		"registry.example/gone:1 sha256:f 60 node [default/gone]",
		"sha256:9999999999999999999999999999999999999999999999999999999999999999 sha256:9 70 node []",
		"team/app:1 sha256:a 10 registry []",
		"team/app:2 sha256:b 20 registry+node [default/web]",
		"team/app:latest sha256:a 10 registry []",
		"team/app@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc sha256:c 30 registry []",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRemovals(t *testing.T) {
	for _, test := range []struct {
		name  string
		typed []string
		force Force
		// want is what goes from the registry, and from the node; or the error.
		want string
	}{
		{"an image with one name", []string{"library/nginx:1.19"}, KeepUsed, "library/nginx@d; node"},
		{"as Docker shortens it", []string{"nginx:1.19"}, KeepUsed, "library/nginx@d; node"},
		{"by the registry's host", []string{address + "/library/nginx:1.19"}, KeepUsed, "library/nginx@d; node"},
		{"one of two names", []string{"team/app:1"}, KeepUsed, "team/app@a:1; node"},
		{"latest is not typed", []string{"team/app"}, KeepUsed, "team/app@a:latest; node"},
		{"both names", []string{"team/app:1", "team/app:latest"}, KeepUsed, "team/app@a; node"},
		{"without a tag", []string{"team/app@" + digest("c")}, KeepUsed, "team/app@c; node"},
		{"the beginning of a digest", []string{"cccccccc"}, KeepUsed, "team/app@c; node"},
		{"fetched", []string{"registry.example/far:1"}, KeepUsed, "registry.example/far@e fetched; node"},
		{"on the node alone", []string{"999999999999"}, KeepUsed, "; node sha256:" + strings.Repeat("9", 64)},
		{"used", []string{"team/app:2"}, KeepUsed, `error: image "team/app:2": used by pod default/web; delete what runs it, or add --force`},
		{"used, on the node alone", []string{"registry.example/gone:1"}, KeepUsed, `error: image "registry.example/gone:1": used by pod default/gone; delete what runs it, or add --force`},
		{"used, and forced", []string{"team/app:2"}, RemoveUsed, "team/app@b; node id-b"},
		{"one of several is used", []string{"library/nginx:1.19", "team/app:2"}, KeepUsed, `error: image "team/app:2": used by pod default/web; delete what runs it, or add --force`},
		{"unknown", []string{"team/nothing:1"}, KeepUsed, "error: image \"team/nothing:1\": not found; `cyan local image ls` lists those that there are"},
		{"a digest that is too short", []string{"ccc"}, KeepUsed, "error: image \"ccc\": not found; `cyan local image ls` lists those that there are"},
		{"a digest of two names", []string{"aaaaaaaaaaaa"}, KeepUsed, `error: image "aaaaaaaaaaaa": more than one is meant: team/app:1, team/app:latest; name one of them`},
	} {
		plan, err := PlanRemoval(rows(), test.typed, address, test.force)
		var parts []string
		for _, r := range plan.Registry {
			text := r.Repository + "@" + r.Digest[7:8]
			if r.Tag != "" {
				text += ":" + r.Tag
			}
			if r.Fetched {
				text += " fetched"
			}
			parts = append(parts, text)
		}
		got := strings.TrimSpace(strings.Join(parts, " ") + "; node " + strings.Join(plan.Node, " "))
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// TestOutdated: what was loaded anew is outdated on the node under every name by which a pod may have it.
func TestOutdated(t *testing.T) {
	node := []OnNode{
		{ID: "a", Names: []string{"localhost/app:dev", "docker.io/library/app:dev"}}, {ID: "b", Names: []string{"127.0.0.1:5000/app:dev"}},
		{ID: "c", Names: []string{"docker.io/library/app:other", "docker.io/team/app:dev"}}, {ID: "d", Names: []string{"docker.io/library/web:latest"}}, {ID: "e"},
	}
	for _, c := range []struct {
		loaded []string
		want   string
	}{
		{[]string{"app:dev"}, "localhost/app:dev docker.io/library/app:dev 127.0.0.1:5000/app:dev"},
		{[]string{"localhost/app:dev"}, "localhost/app:dev docker.io/library/app:dev 127.0.0.1:5000/app:dev"},
		{[]string{"team/app:dev", "web"}, "docker.io/team/app:dev docker.io/library/web:latest"},
		{[]string{"app", "app@sha256:0000000000000000000000000000000000000000000000000000000000000000"}, ""},
		{nil, ""},
	} {
		if got := strings.Join(outdated(node, c.loaded), " "); got != c.want {
			t.Errorf("%v: got %q, want %q", c.loaded, got, c.want)
		}
	}
}
