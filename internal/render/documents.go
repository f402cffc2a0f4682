package render

import (
	"bytes"
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
	// Size is what it costs.
	Size Size
}

// splitDocuments cuts a YAML stream at its --- lines. Each part keeps its own line numbers, from firstLine.
func splitDocuments(data []byte) []Document {
	var docs []Document
	start, startLine, line := 0, 1, 1
	cut := func(end int) {
		// The directives of a document stand in front of its mark.
		followed := end < len(data)
		if part := data[start:end]; !blank(part, followed) {
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

// SplitDocuments reads the documents of a YAML file that somebody edits, with line numbers of the file. Nothing is
// spent: it is for a file that was read before.
func SplitDocuments(data []byte) ([]*yaml.Node, error) {
	var nodes []*yaml.Node
	for _, d := range splitDocuments(data) {
		var node yaml.Node
		if err := yaml.Unmarshal(d.Text, &node); err != nil {
			return nil, fmt.Errorf("invalid YAML in the document of line %d: %w", d.Line, err)
		}
		if len(node.Content) == 0 {
			continue
		}
		shiftLines(&node, d.Line-1, map[*yaml.Node]bool{})
		nodes = append(nodes, node.Content[0])
	}
	return nodes, nil
}

// directive is what stands in front of the mark of a document.
var directive = regexp.MustCompile(`^%(YAML|TAG)[ \t]`)

// blank reports whether a part has nothing but comments and document marks, and the directives of a document that
// follows.
func blank(part []byte, followed bool) bool {
	for text := range bytes.Lines(part) {
		t := bytes.TrimSpace(text)
		if bytes.HasPrefix(text, []byte("---")) {
			t = bytes.TrimSpace(text[3:])
		}
		if len(t) > 0 && t[0] != '#' && !bytes.Equal(t, []byte("...")) && !bytes.Equal(t, []byte("\ufeff")) && (!followed || !directive.Match(text)) {
			return false
		}
	}
	return true
}

// Documents reads every document of a file, with line numbers of the file.
func (t *Tree) Documents(name string, data []byte) ([]Document, error) {
	if err := t.budget.Spend(Work, int64(len(data))*stepsPerByte, name); err != nil {
		return nil, err
	}
	if isWide(data) {
		return nil, &problem.Error{Kind: problem.Usage, File: name, Line: 1, Cause: notYAML + "UTF-16", Remedy: asUTF8}
	}
	docs := splitDocuments(data)
	if path.Ext(name) == ".json" {
		docs = []Document{{Text: data, Line: 1}}
	}
	if err := t.budget.Spend(Work, int64(len(docs))*stepsPerDocument, name); err != nil {
		return nil, err
	}
	parsed := docs[:0]
	for _, d := range docs {
		text := d.Text
		if path.Ext(name) == ".json" {
			text = bytes.ReplaceAll(text, []byte("\t"), []byte(" "))
		}
		if err := t.budget.Allows(Nodes, leastNodes(text), name); err != nil {
			return nil, err
		}
		var node yaml.Node
		if err := yaml.Unmarshal(text, &node); err != nil {
			return nil, notParsed(name, text, d.Line, err)
		}
		if line, more := another(text); more {
			return nil, &problem.Error{Kind: problem.Usage, File: name, Line: line + d.Line - 1, Cause: "another document begins here, and no line with --- divides it from the one before", Remedy: "write --- between them"}
		}
		if len(node.Content) == 0 || node.Content[0].Tag == "!!null" {
			continue
		}
		size, err := t.budget.measure(name, &node, d.Line)
		if err != nil {
			return nil, err
		}
		d.Size, d.Node = size, node.Content[0]
		shiftLines(&node, d.Line-1, map[*yaml.Node]bool{})
		parsed = append(parsed, d)
	}
	return parsed, nil
}

// ReadDocuments reads every document of a file by its resolved path. They are parsed once and not to be changed.
func (t *Tree) ReadDocuments(name string) ([]Document, error) {
	data, err := t.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if docs, ok := t.documents[name]; ok {
		return docs, nil
	}
	docs, err := baseDocuments(t, name, data)
	if err == nil {
		t.documents[name] = docs
	}
	return docs, err
}

// stepsPerByte is the work of parsing a byte of YAML, and stepsPerDocument that of each document besides.
const stepsPerByte, stepsPerDocument = 30, 10_000

// wideFlow is the number of separators beyond which a document is taken for one of as many values, before it is parsed.
const wideFlow = 1_000_000

// leastNodes estimates how many values a document has that is too large to be parsed before they are counted.
func leastNodes(text []byte) int64 {
	if len(text) <= wideFlow {
		return 0
	}
	separators := 0
	for _, c := range text {
		if c == ',' || c == '\n' {
			separators++
		}
	}
	return int64(separators)
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

// Size is what a document costs, with its aliases expanded.
type Size struct {
	// Nodes is the number of its values, and Bytes the length of their texts.
	Nodes, Bytes int64
	// Pairs is the sum of the squares of the lengths of its mappings and lists: kustomize compares their entries with
	// each other.
	Pairs int64
	// Widest is the length of the longest mapping or list.
	Widest int64
}

func (s *Size) add(other Size) {
	s.Nodes += other.Nodes
	s.Bytes += other.Bytes
	s.Pairs += other.Pairs
	s.Widest = max(s.Widest, other.Widest)
}

// measure spends the nodes of a document. It refuses a document whose aliases contain themselves.
func (b *Budget) measure(name string, doc *yaml.Node, firstLine int) (Size, error) {
	sizes := map[*yaml.Node]*Size{}
	var measure func(n *yaml.Node) (Size, error)
	measure = func(n *yaml.Node) (Size, error) {
		if size, ok := sizes[n]; ok {
			if size == nil {
				return Size{}, &problem.Error{Kind: problem.Usage, File: name, Line: n.Line + firstLine - 1, Cause: fmt.Sprintf("YAML anchor &%s contains itself", n.Anchor), Remedy: "write the value out"}
			}
			return *size, nil
		}
		own := int64(len(n.Content))
		if n.Kind == yaml.MappingNode {
			own /= 2
		}
		total := Size{Nodes: 1, Bytes: int64(len(n.Value)) + 2, Pairs: own * own, Widest: own}
		children := n.Content
		if n.Kind == yaml.AliasNode {
			children = []*yaml.Node{n.Alias}
		}
		// Only what an alias may name is met a second time.
		shared := n.Anchor != "" || n.Kind == yaml.AliasNode
		if shared {
			sizes[n] = nil
		}
		for _, c := range children {
			size, err := measure(c)
			if err != nil {
				return Size{}, err
			}
			total.add(size)
			if err := b.allowed(total, name, n.Line+firstLine-1); err != nil {
				return Size{}, err
			}
		}
		if shared {
			sizes[n] = &total
		}
		return total, nil
	}
	size, err := measure(doc)
	if err != nil {
		return Size{}, err
	}
	return size, b.Spend(Nodes, size.Nodes, name)
}

func (b *Budget) allowed(size Size, name string, line int) error {
	if limits := b.Limits(); size.Nodes <= limits.Nodes && size.Bytes <= limits.Output {
		return nil
	}
	at := fmt.Sprintf("%s:%d", name, line)
	if err := b.Allows(Nodes, size.Nodes, at); err != nil {
		return err
	}
	return b.Allows(Output, size.Bytes, at)
}

// Reread returns a file for kustomize, which parses it again, and expands aliases without a bound of its own.
func (t *Tree) Reread(name string) ([]byte, error) {
	data, err := t.ReadFile(name)
	if err != nil {
		return nil, err
	}
	docs, known := t.documents[name]
	if !known {
		return data, t.CheckExpansion(name, data)
	}
	for _, d := range docs {
		if err := t.budget.Spend(Nodes, d.Size.Nodes, name); err != nil {
			return nil, err
		}
	}
	return data, t.budget.Spend(Work, int64(len(data))*stepsPerByte, name)
}

// CheckExpansion checks text that may be YAML; text that is not passes.
func (t *Tree) CheckExpansion(name string, data []byte) error {
	_, err := t.TextDocuments(name, data)
	return err
}

// TextDocuments reads the documents of text that may be YAML; text that is not has none.
func (t *Tree) TextDocuments(name string, data []byte) ([]Document, error) {
	docs, err := t.Documents(name, data)
	if p := problem.Of(err); p != nil && !IsManifest(name) && strings.HasPrefix(p.Cause, notYAML) {
		return nil, nil
	}
	return docs, err
}

// Decode returns a document as the API server would read it; ok is false when it is not a mapping.
func (t *Tree) Decode(name string, d Document) (object map[string]any, ok bool, err error) {
	if d.Node.Kind != yaml.MappingNode {
		return nil, false, nil
	}
	data := d.Text
	if path.Ext(name) != ".json" {
		if data, err = sigsyaml.YAMLToJSON(d.Text); err != nil {
			if n := numberless(d.Node); n != nil {
				return nil, false, &problem.Error{Kind: problem.Usage, File: name, Line: n.Line, Column: n.Column, Cause: "the number " + n.Value + " has no form in JSON", Remedy: "write a number, or put it in quotes"}
			}
			return nil, false, notParsed(name, d.Text, d.Line, err)
		}
	}
	if err := t.budget.Spend(Output, int64(len(data)), name); err != nil {
		return nil, false, err
	}
	if err := json.Unmarshal(data, &object); err != nil {
		return nil, false, &problem.Error{Kind: problem.Usage, File: name, Line: d.Line, Cause: "invalid JSON: " + err.Error(), Remedy: "correct it"}
	}
	return object, true, nil
}
