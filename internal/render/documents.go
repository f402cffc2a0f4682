package render

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/json"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/problem"
)

const notYAML = "invalid YAML: "

// IsManifest reports whether a file has the name of a manifest.
func IsManifest(name string) bool {
	ext := path.Ext(name)
	return ext == ".yaml" || ext == ".yml" || ext == ".json"
}

// Document is one YAML document of a file.
type Document struct {
	// Text is the document as the file has it.
	Text []byte
	// Line is the number of its first line in the file, from 1.
	Line int
	// Node is its content, with line numbers of the file.
	Node *yaml.Node
}

// splitDocuments cuts a YAML stream at its --- lines. Each part keeps its own line numbers, from firstLine.
func splitDocuments(data []byte) []Document {
	var docs []Document
	start, startLine, line := 0, 1, 1
	cut := func(end int) {
		if part := data[start:end]; !blank(part) {
			docs = append(docs, Document{Text: part, Line: startLine})
		}
	}
	for pos := 0; pos < len(data); line++ {
		end := bytes.IndexByte(data[pos:], '\n')
		next := len(data)
		if end >= 0 {
			next = pos + end + 1
		}
		text := data[pos:next]
		if bytes.HasPrefix(text, []byte("---")) && (len(bytes.TrimRight(text, "\r\n")) == 3 || text[3] == ' ' || text[3] == '\t') {
			cut(pos)
			start, startLine = pos, line
		}
		pos = next
	}
	cut(len(data))
	return docs
}

// blank reports whether a part has nothing but comments, directives and document marks.
func blank(part []byte) bool {
	for text := range bytes.Lines(part) {
		t := bytes.TrimSpace(text)
		if bytes.HasPrefix(text, []byte("---")) {
			t = bytes.TrimSpace(text[3:])
		}
		if len(t) > 0 && t[0] != '#' && !bytes.HasPrefix(text, []byte("%")) && !bytes.Equal(t, []byte("...")) && !bytes.Equal(t, []byte("\ufeff")) {
			return false
		}
	}
	return true
}

// Documents reads every document of a file, with line numbers of the file.
func (t *Tree) Documents(name string, data []byte) ([]Document, error) {
	docs := splitDocuments(data)
	if path.Ext(name) == ".json" {
		docs = []Document{{Text: data, Line: 1}}
	}
	parsed := docs[:0]
	for _, d := range docs {
		text := d.Text
		if path.Ext(name) == ".json" {
			text = bytes.ReplaceAll(text, []byte("\t"), []byte(" "))
		}
		var node yaml.Node
		if err := yaml.Unmarshal(text, &node); err != nil {
			line, cause := yamlProblem(err)
			return nil, &problem.Error{Kind: problem.Usage, File: name, Line: line + d.Line - 1, Cause: notYAML + cause, Remedy: "correct it"}
		}
		if len(node.Content) == 0 || node.Content[0].Tag == "!!null" {
			continue
		}
		if err := t.checkAliases(name, &node, d.Line); err != nil {
			return nil, err
		}
		d.Node = node.Content[0]
		shiftLines(&node, d.Line-1, map[*yaml.Node]bool{})
		parsed = append(parsed, d)
	}
	return parsed, nil
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// yamlProblem takes the line out of a message of the YAML parser.
func yamlProblem(err error) (line int, problem string) {
	problem = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatchIndex(problem); m != nil {
		line, _ = strconv.Atoi(problem[m[2]:m[3]])
		problem = problem[:m[0]] + problem[m[1]:]
	}
	return max(line, 1), strings.TrimSpace(strings.ReplaceAll(problem, "\n", " "))
}

func shiftLines(n *yaml.Node, by int, seen map[*yaml.Node]bool) {
	if by == 0 || seen[n] {
		return
	}
	seen[n] = true
	n.Line += by
	for _, c := range n.Content {
		shiftLines(c, by, seen)
	}
}

// checkAliases refuses a document whose aliases contain themselves, or expand to more than the limit.
func (t *Tree) checkAliases(name string, doc *yaml.Node, firstLine int) error {
	sizes := map[*yaml.Node]int{}
	var measure func(n *yaml.Node) (int, error)
	measure = func(n *yaml.Node) (int, error) {
		if size, ok := sizes[n]; ok {
			if size < 0 {
				return 0, &problem.Error{Kind: problem.Usage, File: name, Line: n.Line + firstLine - 1, Cause: fmt.Sprintf("YAML anchor &%s contains itself", n.Anchor), Remedy: "write the value out"}
			}
			return size, nil
		}
		sizes[n] = -1
		total := 1
		children := n.Content
		if n.Kind == yaml.AliasNode {
			children = []*yaml.Node{n.Alias}
		}
		for _, c := range children {
			size, err := measure(c)
			if err != nil {
				return 0, err
			}
			if total += size; total > t.limits.YAMLNodes {
				return 0, &problem.Error{Kind: problem.Usage, File: name, Line: n.Line + firstLine - 1, Cause: fmt.Sprintf("more than %d values once the aliases are expanded, which is the limit", t.limits.YAMLNodes), Remedy: "write the values out, or split the file"}
			}
		}
		sizes[n] = total
		return total, nil
	}
	_, err := measure(doc)
	return err
}

// ReadYAML reads a file for kustomize, which expands aliases without a bound of its own.
func (t *Tree) ReadYAML(name string) ([]byte, error) {
	data, err := t.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return data, t.CheckExpansion(name, data)
}

// CheckExpansion checks text that may be YAML; text that is not passes.
func (t *Tree) CheckExpansion(name string, data []byte) error {
	if bytes.IndexByte(data, '&') < 0 || bytes.IndexByte(data, '*') < 0 {
		return nil
	}
	_, err := t.Documents(name, data)
	var refused *problem.Error
	if errors.As(err, &refused) && (IsManifest(name) || !strings.HasPrefix(refused.Cause, notYAML)) {
		return err
	}
	return nil
}

// Decode returns a document as the API server would read it; ok is false when it is not a mapping.
func (d Document) Decode(name string) (object map[string]any, ok bool, err error) {
	if d.Node.Kind != yaml.MappingNode {
		return nil, false, nil
	}
	data := d.Text
	if path.Ext(name) != ".json" {
		if data, err = sigsyaml.YAMLToJSON(d.Text); err != nil {
			line, cause := yamlProblem(err)
			return nil, false, &problem.Error{Kind: problem.Usage, File: name, Line: line + d.Line - 1, Cause: notYAML + cause, Remedy: "correct it"}
		}
	}
	if err := json.Unmarshal(data, &object); err != nil {
		return nil, false, &problem.Error{Kind: problem.Usage, File: name, Line: d.Line, Cause: "invalid JSON: " + err.Error(), Remedy: "correct it"}
	}
	return object, true, nil
}
