package kustomize

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render"
)

// loadKustomization reads the kustomization file of a directory.
func loadKustomization(tree *render.Tree, dir string) (string, *types.Kustomization, error) {
	var files []string
	for _, name := range kustomizationNames() {
		resolved, mode, err := tree.Resolve(path.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", nil, err
		case mode.IsRegular():
			files = append(files, resolved)
		}
	}
	switch {
	case len(files) == 0:
		return "", nil, &problem.Error{Kind: problem.Usage, File: render.DisplayPath(dir), Cause: "no kustomization.yaml, kustomization.yml or Kustomization in this directory", Remedy: "add one that lists its files under resources"}
	case len(files) > 1:
		return "", nil, &problem.Error{Kind: problem.Usage, File: render.DisplayPath(dir), Cause: fmt.Sprintf("%d kustomizations in one directory (%s)", len(files), strings.Join(files, ", ")), Remedy: "keep one"}
	}
	data, err := tree.ReadFile(files[0])
	if err != nil {
		return "", nil, err
	}
	docs, err := tree.ReadDocuments(files[0])
	if err != nil {
		return "", nil, err
	}
	if len(docs) != 1 {
		return "", nil, &problem.Error{Kind: problem.Usage, File: files[0], Cause: fmt.Sprintf("%d YAML documents, and a kustomization is one", len(docs)), Remedy: "list the resources in it"}
	}
	if p := keyProblem(docs[0].Node, ""); p != nil {
		return "", nil, inKustomization(files[0], p)
	}
	k := &types.Kustomization{}
	if err := k.Unmarshal(data); err != nil {
		return "", nil, kustomizationProblem(files[0], docs[0].Node, err)
	}
	return files[0], k, nil
}

// kustomizationProblem returns the error of a kustomization that kustomize cannot read, with the field that it is
// about.
func kustomizationProblem(file string, n *yaml.Node, err error) error {
	p := fieldProblem(n, reflect.TypeFor[types.Kustomization](), "")
	if p == nil {
		text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "invalid Kustomization: "), "json: ")
		p = &problem.Error{Cause: text, Remedy: "correct the field"}
	}
	return inKustomization(file, p)
}

func inKustomization(file string, p *problem.Error) error {
	p.Kind, p.File, p.Cause = problem.Usage, file, "invalid kustomization: "+p.Cause
	return p
}
