package decide_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
)

// two is a project of two programs in one module, and what is known of their sources.
func two() decide.Project {
	return decide.Project{
		Definition: []string{"skaffold.yaml"},
		Manifests:  []string{"k8s", "k8s/kustomization.yaml", "k8s/app.yaml"},
		Artifacts: []decide.Artifact{
			{Image: "app", Context: ".", Plan: []string{"Dockerfile"}, Ignore: []string{"docs", "*.md"}, Sources: &decide.Sources{Folders: []string{"cmd/app", "internal/counter"}, Trees: []string{"internal/counter/static"}}},
			{Image: "redis", Context: ".", Plan: []string{"redis.Dockerfile"}, Sources: &decide.Sources{Folders: []string{"cmd/redis"}}},
		},
	}
}

// web is a project of one image that everything in its folder is in, with files that are copied.
func web() decide.Project {
	return decide.Project{Artifacts: []decide.Artifact{{
		Image: "web", Context: "web", Plan: []string{"web/Dockerfile"},
		Sync: []decide.SyncRule{{Src: "static/**", Dest: "/srv", Strip: "static/"}, {Src: "**/*.html", Dest: "pages"}},
	}}}
}

// chain is an image that stands on another.
func chain() decide.Project {
	return decide.Project{Artifacts: []decide.Artifact{
		{Image: "base", Context: "base", Sync: []decide.SyncRule{{Src: "**", Dest: "/"}}},
		{Image: "app", Context: "app", DependsOn: []string{"base"}},
		{Image: "other", Context: "other"},
	}}
}

// running has all images of a project built and deployed.
func running(p decide.Project) decide.Running {
	r := decide.Running{Images: map[string]decide.State{}, Deployed: true}
	for _, a := range p.Artifacts {
		r.Images[a.Image] = decide.State{Built: true}
	}
	return r
}

func with(r decide.Running, image string, s decide.State) decide.Running {
	r.Images[image] = s
	return r
}

func notDeployed(r decide.Running) decide.Running {
	r.Deployed = false
	return r
}

func saved(paths ...string) []decide.Change {
	var all []decide.Change
	for _, p := range paths {
		all = append(all, decide.Change{Path: p})
	}
	return all
}

func TestNext(t *testing.T) {
	failed := decide.State{Built: true, Failed: true}
	for _, row := range []struct {
		rule    string
		project decide.Project
		running decide.Running
		changes []decide.Change
		want    decide.Work
	}{
		{"a loop begins with everything", two(), decide.Running{}, nil, decide.Work{Build: []string{"app", "redis"}, Replan: []string{"app", "redis"}, Deploy: true}},
		{"what runs already is left alone", two(), running(two()), nil, decide.Work{}},
		{"without changes, what failed is tried again", two(), with(running(two()), "app", failed), nil, decide.Work{Build: []string{"app"}, Replan: []string{"app"}}},
		{"without changes, a deployment that failed is tried again", two(), notDeployed(running(two())), nil, decide.Work{Deploy: true}},

		{"a source builds what it is in", two(), running(two()), saved("cmd/app/main.go"), decide.Work{Build: []string{"app"}}},
		{"a source of a package below counts", two(), running(two()), saved("internal/counter/counter.go"), decide.Work{Build: []string{"app"}}},
		{"assembly counts", two(), running(two()), saved("internal/counter/sum_amd64.s"), decide.Work{Build: []string{"app"}}},
		{"a source of a package that nothing imports counts for nothing", two(), running(two()), saved("internal/unused/x.go"), decide.Work{}},
		{"a test is in no program", two(), running(two()), saved("internal/counter/counter_test.go"), decide.Work{}},
		{"other files beside the sources are in no program", two(), running(two()), saved("cmd/app/notes.txt"), decide.Work{}},
		{"a file that is embedded is", two(), running(two()), saved("internal/counter/static/a/page.html"), decide.Work{Build: []string{"app"}}},
		{"a file is embedded by its own name as well", embedding(), running(embedding()), saved("cmd/app/logo.svg"), decide.Work{Build: []string{"app"}}},
		{"a folder that begins alike is another", two(), running(two()), saved("internal/counter/static2/page.html"), decide.Work{}},
		{"several sources build all that they are in, in the order of the project", two(), running(two()), saved("cmd/redis/main.go", "cmd/app/main.go"), decide.Work{Build: []string{"app", "redis"}}},
		{"a source that is gone builds", two(), running(two()), []decide.Change{{Path: "cmd/app/old.go", Gone: true}}, decide.Work{Build: []string{"app"}}},

		{"the Dockerfile has the builder chosen anew", two(), running(two()), saved("redis.Dockerfile"), decide.Work{Build: []string{"redis"}, Replan: []string{"redis"}}},
		{"the module has the builders chosen anew", two(), running(two()), saved("go.mod"), decide.Work{Build: []string{"app", "redis"}, Replan: []string{"app", "redis"}}},
		{"so have its sums", two(), running(two()), saved("go.sum"), decide.Work{Build: []string{"app", "redis"}, Replan: []string{"app", "redis"}}},
		{"so has a workspace", two(), running(two()), saved("go.work"), decide.Work{Build: []string{"app", "redis"}, Replan: []string{"app", "redis"}}},
		{"and what is ignored", two(), running(two()), saved(".dockerignore"), decide.Work{Build: []string{"app", "redis"}, Replan: []string{"app", "redis"}}},
		{"a Dockerfile counts also where it is ignored", ignoring("Dockerfile"), running(ignoring("Dockerfile")), saved("Dockerfile"), decide.Work{Build: []string{"app"}, Replan: []string{"app"}}},
		{"what is ignored is not built", ignoring("docs"), running(ignoring("docs")), saved("docs/a.txt"), decide.Work{}},
		{"what is excepted from that is", ignoring("docs", "!docs/b.txt"), running(ignoring("docs", "!docs/b.txt")), saved("docs/b.txt"), decide.Work{Build: []string{"app"}}},
		{"patterns that are invalid ignore nothing", ignoring("[a"), running(ignoring("[a")), saved("docs/a.txt"), decide.Work{Build: []string{"app"}}},

		{"what has failed is built by a builder chosen anew", two(), with(running(two()), "app", failed), saved("cmd/app/main.go"), decide.Work{Build: []string{"app"}, Replan: []string{"app"}}},
		{"what has failed waits for a change of its own", two(), with(running(two()), "app", failed), saved("cmd/redis/main.go"), decide.Work{Build: []string{"redis"}}},
		{"what was interrupted is built with the next change", two(), with(running(two()), "app", decide.State{}), saved("cmd/redis/main.go"), decide.Work{Build: []string{"app", "redis"}, Replan: []string{"app"}}},

		{"a manifest is deployed", two(), running(two()), saved("k8s/app.yaml"), decide.Work{Deploy: true}},
		{"a new file beside manifests is deployed", two(), running(two()), saved("k8s/new.yaml"), decide.Work{Deploy: true}},
		{"a file in a folder that nothing was read of is not", two(), running(two()), saved("k8s/other/new.yaml"), decide.Work{}},
		{"source and manifest are one round", two(), running(two()), saved("cmd/app/main.go", "k8s/app.yaml"), decide.Work{Build: []string{"app"}, Deploy: true}},
		{"a change elsewhere tries no deployment again", two(), notDeployed(running(two())), saved("README.md"), decide.Work{}},
		{"the definition comes before everything", two(), running(two()), saved("skaffold.yaml", "cmd/app/main.go", "k8s/app.yaml"), decide.Work{Reload: true}},

		{"a file outside of the context is in no image", web(), running(web()), saved("cmd/main.go"), decide.Work{}},
		{"a folder that begins like the context is another", web(), running(web()), saved("website/a.go"), decide.Work{}},
		{"a file without rule builds", web(), running(web()), saved("web/main.js"), decide.Work{Build: []string{"web"}}},
		{"a file with a rule is copied, without what is stripped", web(), running(web()), saved("web/static/css/a.css"), copied("web/static/css/a.css", "/srv/css/a.css")},
		{"the first rule that matches counts", web(), running(web()), saved("web/static/a.html"), copied("web/static/a.html", "/srv/a.html")},
		{"a pattern matches in any folder", web(), running(web()), saved("web/a/b/c.html"), copied("web/a/b/c.html", "pages/a/b/c.html")},
		{"what is left of a path leads nowhere else", stripping(), running(stripping()), saved("web/a../b.css"), copied("web/a../b.css", "/srv/b.css")},
		{"one file without rule builds all", web(), running(web()), saved("web/static/a.css", "web/main.js"), decide.Work{Build: []string{"web"}}},
		{"nothing is copied before there is an image", web(), with(running(web()), "web", decide.State{}), saved("web/static/a.css"), decide.Work{Build: []string{"web"}, Replan: []string{"web"}}},
		{"nor while its last build has failed", web(), with(running(web()), "web", failed), saved("web/static/a.css"), decide.Work{Build: []string{"web"}, Replan: []string{"web"}}},
		{"a file that is gone is gone there", web(), running(web()), []decide.Change{{Path: "web/static/a.css", Gone: true}},
			decide.Work{Sync: []decide.Copy{{Image: "web", Change: decide.Change{Path: "web/static/a.css", Gone: true}, Dest: "/srv/a.css"}}}},
		{"the Dockerfile is never copied", everything(), running(everything()), saved("web/Dockerfile"), decide.Work{Build: []string{"web"}, Replan: []string{"web"}}},
		{"a rule may be written from the folder", dotted(), running(dotted()), saved("web/static/a.css"), copied("web/static/a.css", "/srv/static/a.css")},
		{"a rule that is invalid matches nothing", broken(), running(broken()), saved("web/static/a.css"), decide.Work{Build: []string{"web"}}},

		{"what stands on another is built behind it", chain(), running(chain()), saved("base/a.txt"), decide.Work{Build: []string{"base", "app"}}},
		{"the other does not wait for it", chain(), running(chain()), saved("app/a.txt"), decide.Work{Build: []string{"app"}}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			got := decide.Next(row.project, row.running, row.changes)
			if !reflect.DeepEqual(got, row.want) {
				t.Errorf("got %+v\nwant %+v", got, row.want)
			}
			if got.Nothing() != reflect.DeepEqual(row.want, decide.Work{}) {
				t.Errorf("Nothing: got %v of %+v", got.Nothing(), got)
			}
		})
	}
}

func copied(file, dest string) decide.Work {
	return decide.Work{Sync: []decide.Copy{{Image: "web", Change: decide.Change{Path: file}, Dest: dest}}}
}

func ignoring(patterns ...string) decide.Project {
	return decide.Project{Artifacts: []decide.Artifact{{Image: "app", Context: ".", Plan: []string{"Dockerfile"}, Ignore: patterns}}}
}

func embedding() decide.Project {
	return decide.Project{Artifacts: []decide.Artifact{{Image: "app", Context: ".", Sources: &decide.Sources{Folders: []string{"cmd/app"}, Trees: []string{"cmd/app/logo.svg"}}}}}
}

// everything copies whatever is in the folder.
func everything() decide.Project {
	p := web()
	p.Artifacts[0].Sync = []decide.SyncRule{{Src: "**", Dest: "/srv"}}
	return p
}

func dotted() decide.Project {
	p := web()
	p.Artifacts[0].Sync = []decide.SyncRule{{Src: "./static/*.css", Dest: "/srv"}}
	return p
}

func stripping() decide.Project {
	p := web()
	p.Artifacts[0].Sync = []decide.SyncRule{{Src: "**/*.css", Dest: "/srv", Strip: "a"}}
	return p
}

func broken() decide.Project {
	p := web()
	p.Artifacts[0].Sync = []decide.SyncRule{{Src: "[a", Dest: "/srv"}}
	return p
}

func TestDeploys(t *testing.T) {
	for _, row := range []struct {
		rule     string
		work     decide.Work
		deployed bool
		other    bool
		want     bool
	}{
		{"manifests that have changed are deployed", decide.Work{Deploy: true}, true, false, true},
		{"another image is deployed", decide.Work{Build: []string{"app"}}, true, true, true},
		{"the same image is not", decide.Work{Build: []string{"app"}}, true, false, false},
		{"a build tries again what was not deployed", decide.Work{Build: []string{"app"}}, false, false, true},
		{"files that are copied do not", decide.Work{Sync: []decide.Copy{{}}}, false, false, false},
	} {
		if got := row.work.Deploys(decide.Running{Deployed: row.deployed}, row.other); got != row.want {
			t.Errorf("%s: got %v, want %v", row.rule, got, row.want)
		}
	}
}

func TestNothing(t *testing.T) {
	for _, w := range []decide.Work{{Reload: true}, {Build: []string{"a"}}, {Sync: []decide.Copy{{}}}, {Deploy: true}} {
		if w.Nothing() {
			t.Errorf("%+v: got nothing, want something", w)
		}
	}
}

func TestIsScratch(t *testing.T) {
	for name, want := range map[string]bool{
		"a/main.go~": true, "a/.main.go.swp": true, ".main.go.swo": true, ".x.swx": true, ".x.swpx": true, "a/4913": true, ".#main.go": true, "#main.go#": true, ".goutputstream-X": true,
		"main.go___jb_tmp___": true, "main.go___jb_old___": true, ".main.go.kate-swp": true, ".DS_Store": true, "a.part": true, ".sb-1": true,
		"main.go": false, "a/#": false, "#a": false, "a#": false, "4913/main.go": false, "a/14913": false, "~a": false, "swp": false,
	} {
		if got := decide.IsScratch(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// What commands of the project have changed before something is read is in it: they do not have it built without end.
func TestWhatCommandsHavePrepared(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	p := two()
	p.Artifacts[0].Prepared = decide.Window{From: noon, To: noon.Add(time.Second)}
	p.Prepared = p.Artifacts[0].Prepared
	for _, c := range []struct {
		rule   string
		change decide.Change
		want   decide.Work
	}{
		{"while they ran", decide.Change{Path: "cmd/app/made.go", At: noon.Add(time.Second)}, decide.Work{}},
		{"before", decide.Change{Path: "cmd/app/made.go", At: noon}, decide.Work{Build: []string{"app"}}},
		{"behind", decide.Change{Path: "cmd/app/made.go", At: noon.Add(time.Second + 1)}, decide.Work{Build: []string{"app"}}},
		{"at a time that is not known", decide.Change{Path: "cmd/app/made.go"}, decide.Work{Build: []string{"app"}}},
		{"a file that is gone", decide.Change{Path: "cmd/app/made.go", At: noon.Add(1), Gone: true}, decide.Work{Build: []string{"app"}}},
		{"a file of another image", decide.Change{Path: "cmd/redis/made.go", At: noon.Add(1)}, decide.Work{Build: []string{"redis"}}},
		{"a manifest", decide.Change{Path: "k8s/app.yaml", At: noon.Add(1)}, decide.Work{}},
		{"a manifest behind", decide.Change{Path: "k8s/app.yaml", At: noon.Add(time.Minute)}, decide.Work{Deploy: true}},
		{"the definition", decide.Change{Path: "skaffold.yaml", At: noon.Add(1)}, decide.Work{Reload: true}},
	} {
		if got := decide.Next(p, running(p), []decide.Change{c.change}); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.rule, got, c.want)
		}
	}
}
