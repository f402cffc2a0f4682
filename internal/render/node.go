package render

import (
	"math"

	"go.yaml.in/yaml/v3"
)

// numberless returns the first number that JSON has no form for, such as .nan; nil where there is none.
func numberless(n *yaml.Node) *yaml.Node {
	var number float64
	if n.Kind == yaml.ScalarNode && n.Tag == "!!float" && n.Decode(&number) == nil && (math.IsNaN(number) || math.IsInf(number, 0)) {
		return n
	}
	for _, c := range n.Content {
		if found := numberless(c); found != nil {
			return found
		}
	}
	return nil
}

// Unalias returns the node that an alias stands for, or the node itself.
func Unalias(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

// Field returns the value of a key of a mapping, or nil.
func Field(n *yaml.Node, key string) *yaml.Node {
	if n == nil {
		return nil
	}
	n = Unalias(n)
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return Unalias(n.Content[i+1])
		}
	}
	return nil
}

// Scalar returns the text of a key of a mapping, or "".
func Scalar(n *yaml.Node, key string) string {
	if v := Field(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}
