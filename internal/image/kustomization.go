package image

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cyan-cd/cyan/internal/problem"
)

// Setting is an image as a kustomization is to give it: by digest.
type Setting struct {
	// Name is what the manifests call it. Empty: the entry of the kustomization whose newName is Repository, or else
	// Repository.
	Name string
	// Repository is where it was pushed to, without tag and digest.
	Repository string
	// Digest is sha256:….
	Digest string
}

// SetInKustomization returns the kustomization with the image set to the digest. It edits the text and leaves the rest
// of it alone: comments, order, quotes, line ends. Where the entry has a digest or a newTag, that one line changes;
// without an entry, one is added.
func SetInKustomization(data []byte, s Setting) ([]byte, error) {
	doc, err := parseKustomization(data)
	if err != nil {
		return nil, err
	}
	if s.Name, err = doc.nameFor(s); err != nil {
		return nil, err
	}
	node, err := doc.entry(s.Name)
	if err != nil {
		return nil, err
	}
	e := Entry{Name: s.Name, Digest: s.Digest}
	if s.Repository != s.Name || node != nil && text(node, "newName") != "" {
		e.NewName = s.Repository
	}
	return doc.with(data, node, e)
}

var errUneditable = errors.New("images: written in a way that cannot be edited in place; write each entry on lines of its own, as name, newName and digest")

// NameInKustomization is the name of the entry that SetInKustomization would change or add.
func NameInKustomization(data []byte, s Setting) (string, error) {
	doc, err := parseKustomization(data)
	if err != nil {
		return "", err
	}
	return doc.nameFor(s)
}

type kustomization struct {
	// root is the mapping of the document, nil for an empty file.
	root   *yaml.Node
	images *yaml.Node
	value  map[string]any
}

func parseKustomization(data []byte) (*kustomization, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var node, more yaml.Node
	k := &kustomization{value: map[string]any{}}
	switch err := decoder.Decode(&node); {
	case errors.Is(err, io.EOF):
		return k, nil
	case err != nil:
		return nil, fmt.Errorf("reading the kustomization: %w", err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("kustomization: more than one document; keep one")
	}
	root := node.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return k, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, errors.New("kustomization: not a mapping; write it as key: value")
	}
	if err := root.Decode(&k.value); err != nil {
		return nil, fmt.Errorf("reading the kustomization: %w", err)
	}
	k.root = root
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "images" {
			k.images = root.Content[i+1]
		}
	}
	return k, nil
}

// field returns the value of a key in a mapping, and the key.
func field(mapping *yaml.Node, name string) (key, value *yaml.Node) {
	if mapping.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i], mapping.Content[i+1]
		}
	}
	return nil, nil
}

func text(mapping *yaml.Node, name string) string {
	if _, value := field(mapping, name); value != nil && value.Kind == yaml.ScalarNode {
		return value.Value
	}
	return ""
}

// nameFor returns the name of the one entry that a setting is for. Where it names none, that is the entry that leads to
// its repository; an error names them when there are several, of which nobody could know which one is meant.
func (k *kustomization) nameFor(s Setting) (string, error) {
	if s.Name != "" {
		return s.Name, nil
	}
	var names []string
	if k.images != nil {
		for _, entry := range k.images.Content {
			if name := text(entry, "name"); cmp.Or(text(entry, "newName"), name) == s.Repository && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	switch len(names) {
	case 0:
		return s.Repository, nil
	case 1:
		return names[0], nil
	}
	return "", &problem.Error{
		Kind: problem.Usage, Object: "images", Cause: fmt.Sprintf("entries %s all lead to %s", strings.Join(names, ", "), s.Repository),
		Remedy: fmt.Sprintf("name the one that is delivered, as %s=%s, and deliver the others likewise", names[0], s.Repository),
	}
}

// entry finds the entry of a name; there must not be two.
func (k *kustomization) entry(name string) (*yaml.Node, error) {
	if k.images == nil {
		return nil, nil
	}
	var found *yaml.Node
	for _, e := range k.images.Content {
		if text(e, "name") != name {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("images: two entries named %q; keep one", name)
		}
		found = e
	}
	return found, nil
}

// add writes an entry where there is none.
func (k *kustomization) add(t *lines, e Entry) error {
	entry := []string{"- name: " + scalar(e.Name)}
	for _, f := range slices.Backward(e.fields()) {
		if f.value != "" {
			entry = append(entry, "  "+f.line(false))
		}
	}
	switch {
	case k.images == nil:
		if k.root != nil && k.root.Style&yaml.FlowStyle != 0 {
			return errUneditable
		}
		return t.addAtEnd(append([]string{"images:"}, entry...))
	case len(k.images.Content) == 0:
		key, value := field(k.root, "images")
		if key.Line == value.Line && value.Value == "" && value.Kind == yaml.ScalarNode || value.Value == "null" || value.Value == "~" || value.Kind == yaml.SequenceNode {
			return t.fill(key, entry)
		}
		return errUneditable
	case k.images.Style&yaml.FlowStyle != 0:
		return errUneditable
	}
	last := k.images.Content[len(k.images.Content)-1]
	return t.insertEntry(last, entry)
}

// scalar writes a plain scalar, or quotes what would not be one.
func scalar(s string) string {
	var v any
	if yaml.Unmarshal([]byte(s), &v) == nil && v == s && !strings.ContainsAny(s, "#:{}[],&*!|>'\"%@`") {
		return s
	}
	// host:port/name is plain too: the colon is followed by no space.
	if yaml.Unmarshal([]byte("k: "+s), &v) == nil && reflect.DeepEqual(v, map[string]any{"k": s}) {
		return s
	}
	return fmt.Sprintf("%q", s)
}
