package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// hostileKind is a way in which a repository means harm.
type hostileKind struct {
	name, path string
	recurse    bool
	// files are the repository's; nil where the host itself means harm.
	files func() map[string]string
}

var hostileKinds = []hostileKind{
	{name: "aliases", path: ".", files: aliasFiles},
	{name: "links", path: "d00", recurse: true, files: linkFiles},
	{name: "patch", path: ".", files: patchFiles},
	{name: "refs", path: "."},
}

const (
	// Of a file with aliases: its documents, and how often each of these is ten times what the one before was.
	aliasDocuments, aliasDepth, aliasWidth = 60, 9, 10
	// linkDepth is how deep directories of links go, each twice into the next.
	linkDepth = 18
	// patchedObjects get a patch of patchBytes each.
	patchedObjects, patchBytes = 1000, 1 << 20
	// endlessRefs is how many refs a host lists.
	endlessRefs = 3_000_000
)

// aliasFiles is YAML of half a megabyte that is many gigabytes with its aliases written out.
func aliasFiles() map[string]string {
	var b strings.Builder
	for d := range aliasDocuments {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: aliases-%d}\nl0: &l0 [%s]\n", d, strings.Repeat("laughter, ", patchedObjects-1)+"end")
		for level := 1; level <= aliasDepth; level++ {
			before := fmt.Sprintf("*l%d, ", level-1)
			fmt.Fprintf(&b, "l%d: &l%d [%s]\n", level, level, strings.TrimSuffix(strings.Repeat(before, aliasWidth), ", "))
		}
	}
	return map[string]string{"documents.yaml": b.String()}
}

// linkFiles are directories whose files are reached in 2^linkDepth ways.
func linkFiles() map[string]string {
	files := map[string]string{}
	for d := range linkDepth {
		for _, name := range []string{"a", "b"} {
			files[fmt.Sprintf("d%02d/%s", d, name)] = fmt.Sprintf("%s../d%02d", linkTo, d+1)
		}
	}
	files[fmt.Sprintf("d%02d/settings.yaml", linkDepth)] = settings("first")
	return files
}

// patchFiles are many objects, and a patch of each that is large.
func patchFiles() map[string]string {
	var objects strings.Builder
	for i := range patchedObjects {
		objects.WriteString("---\n" + largeObject(i, "first"))
	}
	patch := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: any}\ndata:\n  large: " + strings.Repeat("x", patchBytes) + "\n"
	return map[string]string{
		"kustomization.yaml": "resources: [objects.yaml]\npatches:\n- path: patch.yaml\n  target: {kind: ConfigMap}\n",
		"objects.yaml":       objects.String(), "patch.yaml": patch,
	}
}

// endlessPath is where repositories of a host are that lists refs without end.
const endlessPath = "/endless/"

// endless is that host.
type endless struct{}

func (endless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/info/refs") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
	out := bufio.NewWriter(w)
	line := func(text string) error {
		_, err := fmt.Fprintf(out, "%04x%s", len(text)+4, text)
		return err
	}
	const commit = "0123456789012345678901234567890123456789"
	_ = line("# service=git-upload-pack\n")
	_, _ = out.WriteString("0000")
	_ = line(commit + " HEAD\x00multi_ack symref=HEAD:refs/heads/main\n")
	_ = line(commit + " refs/heads/main\n")
	for i := range endlessRefs {
		if line(fmt.Sprintf("%s refs/heads/z%07d\n", commit, i)) != nil {
			return
		}
	}
	_, _ = out.WriteString("0000")
	_ = out.Flush()
}

// foe is a repository that means harm, with the Application that follows it.
type foe struct {
	hostileKind
	name string
	repo *repository
}

// again has the server look at a hostile repository anew: at another commit, where there are commits.
func (f foe) again(ctx context.Context, w *world, round int) error {
	if f.files != nil {
		if err := f.repo.commit(ctx, "Again", map[string]string{f.path + "/round.yaml": settings(fmt.Sprint(round))}); err != nil {
			return err
		}
	}
	return w.server.pushed(ctx, f.repo.url)
}

// hostile measures commits to good Applications, each right after a push to a hostile repository.
func hostile(ctx context.Context, w *world) error {
	alone, err := row(ctx, w, w.samples, func(context.Context, int) error { return nil })
	if err != nil {
		return err
	}
	foes, err := foesOf(ctx, w)
	if err != nil {
		return err
	}
	if err := w.restart(ctx); err != nil {
		return err
	}
	stop := mostOf(ctx, w)
	// The first commit comes while all Applications are compared anew.
	starting, err := w.change(ctx, 0, "starting")
	if err != nil {
		stop()
		return err
	}
	live, err := row(ctx, w, max(w.samples, 2*len(foes)), func(ctx context.Context, k int) error { return foes[k%len(foes)].again(ctx, w, k) })
	if err != nil {
		stop()
		return err
	}
	used, err := w.settle(ctx)
	most := stop()
	if err != nil {
		return err
	}
	silent := 0
	for _, f := range foes {
		if app := w.apps.get(f.name); app == nil || len(app.Status.Conditions) == 0 {
			silent++
		}
	}
	with := fmt.Sprintf("with %d hostile repositories: ", len(foes))
	w.sheet.add(figure{what: with + "a good commit → live: p50, p99", measured: spread(live), limit: joined(spread(alone), "") + ", without them",
		targets: []amount{lasting(2 * time.Second), lasting(2 * time.Second)}})
	w.sheet.add(figure{what: with + "a good commit while the server starts → live", measured: []amount{lasting(starting.live)}})
	w.sheet.add(figure{what: with + "memory at most", measured: []amount{memory(used.peak)}, targets: []amount{memory(400 << 20)}})
	w.sheet.add(figure{what: with + "memory with every git at most", measured: []amount{memory(most)}})
	w.sheet.add(figure{what: with + "Applications without a condition", measured: []amount{number(float64(silent))}, targets: []amount{number(0)}})
	return forgive(ctx, w, foes)
}

// row makes commits to good Applications one after the other, each after something else, and returns how long each
// takes to be live.
func row(ctx context.Context, w *world, samples int, first func(ctx context.Context, k int) error) ([]time.Duration, error) {
	var live []time.Duration
	for k := range samples {
		if err := first(ctx, k); err != nil {
			return nil, err
		}
		c, err := w.change(ctx, place(k, samples, w.n), fmt.Sprintf("%d-%d", k, time.Now().UnixNano()))
		if err != nil {
			return nil, err
		}
		live = append(live, c.live)
	}
	return live, nil
}

// foesOf makes the hostile repositories and their Applications.
func foesOf(ctx context.Context, w *world) ([]foe, error) {
	const namespace = "hostile"
	if err := w.cluster.namespace(ctx, namespace); err != nil {
		return nil, err
	}
	var all []foe
	for i := range w.hostile {
		f := foe{hostileKind: hostileKinds[i%len(hostileKinds)], name: fmt.Sprintf("hostile-%02d", i)}
		if f.files == nil {
			f.repo = &repository{url: w.host.address + endlessPath + f.name + ".git"}
		} else {
			var err error
			if f.repo, err = w.host.create(ctx, f.name, f.files()); err != nil {
				return nil, err
			}
		}
		app := application(f.name, f.repo.url, f.path, namespace)
		if f.recurse {
			app.Spec.Source.Directory = &v1alpha1.DirectorySource{Recurse: true}
		}
		if err := w.cluster.client.Create(ctx, app); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// forgive deletes the Applications of hostile repositories.
func forgive(ctx context.Context, w *world, foes []foe) error {
	for _, f := range foes {
		if err := w.cluster.client.Delete(ctx, application(f.name, f.repo.url, f.path, "")); err != nil {
			return err
		}
	}
	return nil
}

// mostOf watches the memory of the server and of what it has started, until it is stopped, and returns the most of it.
func mostOf(ctx context.Context, w *world) (stop func() int64) {
	ctx, cancel := context.WithCancel(ctx)
	var looking sync.WaitGroup
	var most int64
	looking.Go(func() {
		for pass(ctx, pollEvery) == nil {
			if s := w.running.Load(); s != nil {
				most = max(most, s.resident())
			}
		}
	})
	return func() int64 {
		cancel()
		looking.Wait()
		return most
	}
}
