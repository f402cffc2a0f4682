package validate

import (
	"fmt"
	"strings"

	distribution "github.com/distribution/reference"
	"go.yaml.in/yaml/v3"

	"github.com/cyan-cd/cyan/internal/render"
)

// admitted finds what an API server takes of each object by itself, and does not do what was meant.
func admitted(objects []render.Rendered) []Finding {
	var found []Finding
	for _, o := range objects {
		found = append(found, serverFields(o)...)
		found = append(found, imageNames(o)...)
		keys := truthKeys{subject: &subject{rendered: o, allowed: allowance(len(found))}, seen: map[*yaml.Node]bool{}}
		keys.look(o.Source, o.Object.Object, "")
		for _, w := range keys.subject.warnings {
			found = append(found, Finding{w, SeverityWarning})
		}
		for _, f := range keys.subject.findings {
			found = append(found, Finding{f, SeverityError})
		}
	}
	return found
}

// setByServer are the fields of the metadata that an API server sets itself, with what becomes of those that are
// written, and how much that weighs.
var setByServer = []struct {
	field, cause string
	severity     Severity
}{
	{"uid", "an object that is there has another one, and server-side apply is refused", SeverityWarning},
	{"resourceVersion", "server-side apply is refused once the object has changed", SeverityWarning},
	{"managedFields", "server-side apply is refused", SeverityWarning},
	{"deletionTimestamp", "an object that is there is not changed, since it cannot be", SeverityWarning},
	{"deletionGracePeriodSeconds", "an object that is there is not changed, since it cannot be", SeverityWarning},
	{"creationTimestamp", "what is written is passed over", SeverityNote},
	{"generation", "what is written is passed over", SeverityNote},
	{"selfLink", "what is written is passed over", SeverityNote},
}

// serverFields finds fields of the metadata that an API server sets itself, as objects have that were read from a
// cluster.
func serverFields(o render.Rendered) []Finding {
	metadata := mapAt(o.Object.Object, "metadata")
	var found []Finding
	for _, f := range setByServer {
		if value := metadata[f.field]; value == nil || value == "" {
			continue
		}
		cause := "an API server sets it itself: " + f.cause
		found = append(found, Finding{findingOf(o, RuleServerField, "metadata."+f.field, cause, "remove it: a manifest does not have what was read from a cluster"), f.severity})
	}
	return found
}

// imageNames finds names of images that no runtime takes: an API server takes nearly any, and the kubelet refuses those
// that cannot be parsed.
func imageNames(o render.Rendered) []Finding {
	p, ok := podTemplateOf(o)
	if !ok {
		return nil
	}
	var found []Finding
	check := func(field, image string) {
		if image == "" {
			return
		}
		if _, err := distribution.ParseNormalizedNamed(image); err != nil {
			cause := fmt.Sprintf("no container runtime takes the name %q", image)
			found = append(found, Finding{findingOf(o, RuleImageName, field, cause, "write [HOST[:PORT]/]NAME[:TAG][@DIGEST], the name in small letters and without blanks"), SeverityWarning})
		}
	}
	for _, c := range p.containers() {
		check(c.path+".image", textAt(c.content, "image"))
	}
	for i, volume := range listAt(p.spec, "volumes") {
		check(fmt.Sprintf("%s.volumes[%d].image.reference", p.path, i), textAt(mapAt(volume, "image"), "reference"))
	}
	return found
}

// truths are words that YAML 1.1, which manifests are read as, has for true and false.
var truths = func() map[string]string {
	all := map[string]string{}
	for value, words := range map[string][]string{"true": {"y", "yes", "on", "true"}, "false": {"n", "no", "off", "false"}} {
		for _, word := range words {
			for _, written := range []string{word, strings.ToUpper(word), strings.ToUpper(word[:1]) + word[1:]} {
				all[written] = value
			}
		}
	}
	return all
}()

// truthKeys finds keys of mappings that were read as true or false, and so are called by another name than is written.
type truthKeys struct {
	subject *subject
	seen    map[*yaml.Node]bool
}

func (k *truthKeys) look(n *yaml.Node, value any, path string) {
	if n == nil || k.seen[render.Unalias(n)] {
		return
	}
	n = render.Unalias(n)
	k.seen[n] = true
	switch n.Kind {
	case yaml.SequenceNode:
		list, _ := value.([]any)
		for i := range min(len(list), len(n.Content)) {
			k.look(n.Content[i], list[i], indexPath(path, i))
		}
	case yaml.MappingNode:
		if m, ok := value.(map[string]any); ok {
			k.mapping(n, m, path)
		}
	}
}

func (k *truthKeys) mapping(n *yaml.Node, m map[string]any, path string) {
	read := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		name := key.Value
		_, kept := m[name]
		if as, may := truths[name]; may && !kept && m[as] != nil {
			field := joinPath(path, name)
			k.subject.warn(RuleTruthKey, field, fmt.Sprintf("the key %s is read as %s, so that the object has %q", name, as, as), "put the key in quotes")
			if first := read[as]; first != nil && first.Value != name {
				at := render.Place{File: k.subject.rendered.Origin.File, Line: key.Line, Column: key.Column}
				k.subject.addAt(RuleDuplicateKey, at, field, fmt.Sprintf("duplicate key: %s in line %d is read as %s as well, and one of them is lost", first.Value, first.Line, as), "put both in quotes")
			}
			name, read[as] = as, key
		}
		k.look(n.Content[i+1], m[name], joinPath(path, key.Value))
	}
}
