package kustomize

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/cyan-cd/cyan/internal/render"
)

// Kustomize cannot be stopped once it runs, and bounds nothing by itself. So what a build will cost is estimated from
// what was inspected, never too low by much, and spent before it starts.

// Steps of work, as render.Work counts them, that were measured.
const (
	// stepsPerPair is for two objects of one build: each is compared with each.
	stepsPerPair = 80
	// stepsPerRename is for two objects of a build that changes names, which looks for references to them.
	stepsPerRename = 520
	// stepsPerEntry is for two entries of one mapping or list that are compared.
	stepsPerEntry = 2
	// stepsPerEdit is for one change of one object.
	stepsPerEdit = 1000
	// stepsPerNode is for one value of an object that is encoded and decoded again.
	stepsPerNode = 200
)

// load is what a build costs, and what it makes.
type load struct {
	kustomizations, objects, nodes, bytes, work int64
	// kinds has what is known of the objects of a kind, and names how many objects have a name.
	kinds map[string]kindLoad
	names map[string]int64
	// references is the number of references to variables, and value the size of the largest variable.
	references, value int64
	// renamed is whether names are changed.
	renamed bool
}

// kindLoad is about the objects of one kind: how many there are, the longest mapping or list in one, and the bytes of
// the largest.
type kindLoad struct{ objects, widest, largest int64 }

func newLoad() *load { return &load{kinds: map[string]kindLoad{}, names: map[string]int64{}} }

func (l *load) add(other *load) {
	l.kustomizations += other.kustomizations
	l.objects += other.objects
	l.nodes += other.nodes
	l.bytes += other.bytes
	l.work += other.work
	l.references += other.references
	l.value = max(l.value, other.value)
	l.renamed = l.renamed || other.renamed
	for kind, have := range other.kinds {
		l.addKind(kind, have)
	}
	for name, n := range other.names {
		l.names[name] += n
	}
}

func (l *load) addKind(kind string, k kindLoad) {
	have := l.kinds[kind]
	l.kinds[kind] = kindLoad{have.objects + k.objects, max(have.widest, k.widest), max(have.largest, k.largest)}
}

// addDocuments adds objects as a file has them.
func (l *load) addDocuments(docs []render.Document) {
	for _, d := range docs {
		l.nodes += d.Size.Nodes
		l.bytes += d.Size.Bytes
		l.work += d.Size.Pairs * stepsPerEntry
		l.references += references(d.Text)
		for _, object := range expandLists([]render.Document{d}) {
			l.objects++
			l.names[render.Scalar(render.Field(object.Node, "metadata"), "name")]++
			l.addKind(render.Scalar(object.Node, "kind"), kindLoad{1, d.Size.Widest, d.Size.Bytes})
		}
	}
}

func references(text []byte) int64 { return int64(bytes.Count(text, []byte("$("))) }

// matching returns how many objects a selector may select, and the kind that all of them have, or "".
func (l *load) matching(kind, name string) (n int64, of string) {
	n = l.objects
	if kind != "" && regexp.QuoteMeta(kind) == kind {
		n, of = l.kinds[kind].objects, kind
	}
	// A name that no file has may be one that was changed.
	if named := l.names[name]; name != "" && named > 0 && regexp.QuoteMeta(name) == name {
		n = min(n, named)
	}
	return n, of
}

// widest returns the longest mapping or list, and largest the bytes of the largest object, of a kind, or of all.
func (l *load) extremes(kind string) (widest, largest int64) {
	if kind != "" {
		return l.kinds[kind].widest, l.kinds[kind].largest
	}
	for _, k := range l.kinds {
		widest, largest = max(widest, k.widest), max(largest, k.largest)
	}
	return widest, largest
}

// grow records that each of n objects of a kind gets as much as size.
func (l *load) grow(n int64, kind string, size render.Size) {
	l.nodes += n * size.Nodes
	l.bytes += n * size.Bytes
	for have, k := range l.kinds {
		if kind == "" || kind == have {
			l.kinds[have] = kindLoad{k.objects, k.widest + size.Widest, k.largest + size.Bytes}
		}
	}
	widest, _ := l.extremes(kind)
	l.work += n * (widest*widest*stepsPerEntry + size.Nodes*stepsPerNode + stepsPerEdit)
}

// allowed refuses a load that is over the budget.
func (l *load) allowed(budget *render.Budget, at string) error {
	for _, q := range []struct {
		quantity render.Quantity
		n        int64
	}{{render.Kustomizations, l.kustomizations}, {render.Objects, l.objects}, {render.Nodes, l.nodes}, {render.Output, l.bytes}, {render.Work, l.work}} {
		if err := budget.Allows(q.quantity, q.n, at); err != nil {
			return err
		}
	}
	return nil
}

// estimator estimates the costs of a build of what was inspected.
type estimator struct{ *facts }

// spend estimates what building dir costs, and takes that from the budget.
func (e estimator) spend(dir string) error {
	total := newLoad()
	if err := e.estimate(dir, total, map[string]*load{}); err != nil {
		return err
	}
	if total.renamed {
		total.work += total.objects * total.objects * stepsPerRename
	}
	total.bytes += total.references * total.value
	budget, at := e.tree.Budget(), render.DisplayPath(dir)
	if err := total.allowed(budget, at); err != nil {
		return err
	}
	if e.ownSchema && total.work > ownSchemaWork {
		return overOwnSchema(at, total.work)
	}
	return budget.Spend(render.Work, total.work, at)
}

// estimate adds what building a directory costs to into, which has what there is already: for a component, the
// objects of whoever names it. known has the loads of directories that build on nothing else.
func (e estimator) estimate(dir string, into *load, known map[string]*load) error {
	inspected := e.inspected[dir]
	into.kustomizations++
	for _, r := range inspected.resources {
		if r.docs != nil {
			into.addDocuments(r.docs)
		} else if base := known[r.dir]; base != nil {
			into.add(base)
		} else {
			base := newLoad()
			if err := e.estimate(r.dir, base, known); err != nil {
				return err
			}
			known[r.dir] = base
			into.add(base)
		}
		if err := into.allowed(e.tree.Budget(), inspected.file); err != nil {
			return err
		}
	}
	if err := e.generated(inspected, into); err != nil {
		return err
	}
	for _, component := range inspected.components {
		if err := e.estimate(component, into, known); err != nil {
			return err
		}
	}
	return e.transformed(inspected, into)
}

// generated adds what the generators of a kustomization make.
func (e estimator) generated(k *inspected, into *load) error {
	for _, g := range k.kustomization.ConfigMapGenerator {
		if err := e.generator(k, "ConfigMap", g.GeneratorArgs, into); err != nil {
			return err
		}
	}
	for _, g := range k.kustomization.SecretGenerator {
		if err := e.generator(k, "Secret", g.GeneratorArgs, into); err != nil {
			return err
		}
	}
	return nil
}

func (e estimator) generator(k *inspected, kind string, g types.GeneratorArgs, into *load) error {
	var size render.Size
	for _, literal := range g.LiteralSources {
		size.Bytes += int64(len(literal))
	}
	size.Widest = int64(len(g.LiteralSources) + len(g.FileSources))
	envs := g.EnvSources
	if g.EnvSource != "" {
		envs = append([]string{g.EnvSource}, envs...)
	}
	for _, entry := range append(envs, g.FileSources...) {
		_, name, keyed := strings.Cut(entry, "=")
		if !keyed {
			name = entry
		}
		resolved, _, err := e.tree.Resolve(path.Join(k.dir, name))
		if err != nil {
			return err
		}
		data, err := e.tree.ReadFile(resolved)
		if err != nil {
			return err
		}
		size.Bytes += int64(len(data))
		into.references += references(data)
		size.Widest += int64(bytes.Count(data, []byte("\n"))) * int64(min(len(envs), 1))
	}
	size.Nodes = 2*size.Widest + 20
	into.objects++
	into.renamed = true
	into.names[g.Name]++
	into.addKind(kind, kindLoad{1, 0, 0})
	into.nodes += size.Nodes
	into.bytes += size.Bytes
	into.addKind(kind, kindLoad{0, size.Widest, size.Bytes})
	into.work += size.Widest * size.Widest * stepsPerEntry
	return into.allowed(e.tree.Budget(), k.file)
}

// transformed adds what the transformers of a kustomization cost, by the objects that there are.
func (e estimator) transformed(k *inspected, into *load) error {
	into.work += into.objects * into.objects * stepsPerPair
	for _, step := range []func(*inspected, *load) error{e.patched, e.labelled, e.plugged, e.replaced} {
		if err := step(k, into); err != nil {
			return err
		}
		if err := into.allowed(e.tree.Budget(), k.file); err != nil {
			return err
		}
	}
	return nil
}

// patched adds what patches cost.
func (e estimator) patched(k *inspected, into *load) error {
	for _, p := range k.patches {
		for _, d := range p.docs {
			kind, name := render.Scalar(d.Node, "kind"), render.Scalar(render.Field(d.Node, "metadata"), "name")
			if p.target != nil {
				kind, name = p.target.Kind, p.target.Name
			}
			n, of := into.matching(kind, name)
			into.work += into.objects * stepsPerEdit / 2
			into.references += n * references(d.Text)
			size := d.Size
			if d.Node.Kind == yaml.SequenceNode {
				_, largest := into.extremes(of)
				size.Bytes += copied(d.Node, largest)
				into.work += n * (1 + into.nodes/max(into.objects, 1)) * stepsPerNode
			}
			into.grow(n, of, size)
			if err := into.allowed(e.tree.Budget(), k.file); err != nil {
				return err
			}
		}
	}
	return nil
}

// copied returns how many bytes the copy operations of a JSON patch may add: each can double an object.
func copied(patch *yaml.Node, largest int64) int64 {
	size := largest
	for _, op := range patch.Content {
		if render.Scalar(op, "op") == "copy" && size < largest+maxCopied {
			size *= 2
		}
	}
	return min(size-largest, maxCopied)
}

// labelled adds what names, labels, annotations, images and replicas cost.
func (e estimator) labelled(k *inspected, into *load) error {
	kz := k.kustomization
	var pairs, size int64
	count := func(m map[string]string) {
		for key, value := range m {
			pairs++
			size += int64(len(key) + len(value))
		}
	}
	count(kz.CommonLabels) //nolint:staticcheck // kustomizations that exist have the old field
	count(kz.CommonAnnotations)
	for _, l := range kz.Labels {
		count(l.Pairs)
	}
	names := int64(len(kz.NamePrefix) + len(kz.NameSuffix) + len(kz.Namespace))
	into.renamed = into.renamed || names > 0
	// A pair goes to an object, its selector and its templates; a name also to whatever refers to it.
	const places = 4
	into.grow(into.objects, "", render.Size{Nodes: places * 2 * pairs, Bytes: places * (size + names), Widest: pairs})
	into.work += into.objects * (pairs + int64(len(kz.Images)+len(kz.Replicas))) * stepsPerEdit
	var image int64
	for _, i := range kz.Images {
		image = max(image, int64(len(i.NewName)+len(i.NewTag)+len(i.Digest)+len(i.TagSuffix)))
	}
	const nodesPerContainer = 8
	into.bytes += image * (into.nodes / nodesPerContainer)
	if len(kz.BuildMetadata) > 0 {
		const annotation = 300
		into.grow(into.objects, "", render.Size{Nodes: 2, Bytes: annotation * int64(1+len(k.patches))})
	}
	return nil
}

// plugged adds what the configurations of transformers cost: as if each changed every object by all that it has.
func (e estimator) plugged(k *inspected, into *load) error {
	for _, c := range k.plugins {
		for _, d := range c.docs {
			size := d.Size
			if d.Node.Kind == yaml.SequenceNode {
				_, largest := into.extremes("")
				size.Bytes += copied(d.Node, largest)
			}
			into.references += into.objects * references(d.Text)
			into.renamed = true
			into.grow(into.objects, "", size)
			if err := into.allowed(e.tree.Budget(), k.file); err != nil {
				return err
			}
		}
	}
	return nil
}
