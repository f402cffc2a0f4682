// Package crds carries the CustomResourceDefinitions of Cyan's kinds, as generated from the Go types.
package crds

import "embed"

// Files holds one YAML file for each kind.
//
//go:embed *.yaml
var Files embed.FS
