package kustomize

import (
	"fmt"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/kube-openapi/pkg/validation/spec"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// maxCopied is how many bytes the copy operations of one JSON patch may add: each can double an object. An API server
// has the same limit.
const maxCopied = 3 << 20

func init() {
	// The library has no other place for it, and no limit by itself.
	jsonpatch.AccumulatedCopySizeLimit = maxCopied
}

// maxReferences is how many references kustomize may follow in one file of crds; it follows each of them wherever it
// stands.
const maxReferences = 10000

// crdReferences refuses a file of crds whose references go round in a circle, which kustomize would follow until the
// program dies.
func crdReferences(p place, resolved string, data []byte) error {
	var types map[string]struct{ Schema spec.Schema }
	if err := sigsyaml.Unmarshal(data, &types); err != nil {
		return &problem.Error{Kind: problem.Usage, File: resolved, Cause: "invalid OpenAPI definition: " + err.Error(), Remedy: "correct it, or remove it from " + p.file}
	}
	followed := 0
	var follow func(name string, above map[string]bool) error
	follow = func(name string, above map[string]bool) error {
		if followed++; followed > maxReferences || above[name] {
			return &problem.Error{Kind: problem.Usage, File: resolved, Cause: fmt.Sprintf("the references of the type %s go round in a circle, or are too many", name), Remedy: "remove the $ref that leads back"}
		}
		above[name] = true
		defer delete(above, name)
		for _, property := range types[name].Schema.Properties {
			if property.Ref.GetURL() == nil {
				continue
			}
			if err := follow(property.Ref.String(), above); err != nil {
				return err
			}
		}
		return nil
	}
	for name := range types {
		followed = 0
		if err := follow(name, map[string]bool{}); err != nil {
			return err
		}
	}
	return nil
}

// schemaReferences refuses an OpenAPI schema in which a reference leads to nothing but references, round in a circle:
// kustomize would follow it for ever.
func schemaReferences(resolved string, docs []render.Document) error {
	for _, d := range docs {
		if err := referenceCircle(resolved, d.Node, d.Node); err != nil {
			return err
		}
	}
	return nil
}

func referenceCircle(file string, root, n *yaml.Node) error {
	seen := map[string]bool{}
	for at := n; at != nil; {
		ref := render.Scalar(at, "$ref")
		if ref == "" {
			break
		}
		if seen[ref] {
			return &problem.Error{Kind: problem.Usage, File: file, Line: n.Line, Cause: fmt.Sprintf("the reference %q goes round in a circle", ref), Remedy: "let it lead to a schema"}
		}
		seen[ref] = true
		at = pointed(root, ref)
	}
	for _, c := range n.Content {
		if err := referenceCircle(file, root, c); err != nil {
			return err
		}
	}
	return nil
}

// pointed is the node that a reference such as #/definitions/a leads to, or nil.
func pointed(root *yaml.Node, ref string) *yaml.Node {
	at := root
	for i, part := range pointerParts(ref) {
		if i == 0 && part == "#" {
			continue
		}
		if at = render.Field(at, part); at == nil {
			return nil
		}
	}
	return at
}

// pointerParts cuts a JSON pointer, in which ~1 is a slash and ~0 a tilde.
func pointerParts(ref string) []string {
	parts := strings.Split(ref, "/")
	for i, p := range parts {
		if decoded, err := url.PathUnescape(p); err == nil {
			p = decoded
		}
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
	}
	return parts
}
