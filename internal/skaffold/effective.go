package skaffold

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// effective returns the module as a document, without what has been applied to it.
func (m module) effective() string {
	doc := m.doc.with("apiVersion", m.doc.at, &node{shape: scalar, text: prefix + newest, tag: "!!str"})
	doc = doc.with("profiles", m.doc.at, nil).with("requires", m.doc.at, nil)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(yamlOf(doc)); err != nil {
		return ""
	}
	return "---\n" + out.String()
}

func yamlOf(n *node) *yaml.Node {
	switch n.shape {
	case mapping:
		made := &yaml.Node{Kind: yaml.MappingNode}
		for _, f := range n.fields {
			if f.name != "" && f.name[0] != '.' {
				made.Content = append(made.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: f.name}, yamlOf(f.value))
			}
		}
		return made
	case list:
		made := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range n.items {
			made.Content = append(made.Content, yamlOf(item))
		}
		return made
	case null:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: n.tag, Value: n.text}
}
