package manifests

import (
	"errors"
	"path/filepath"

	"github.com/cyan-cd/cyan/internal/render"
	"github.com/cyan-cd/cyan/internal/validate"
)

// FixKustomization writes the deprecated fields of a kustomization of this machine as those that replace them, where it
// is built to the same afterwards.
func FixKustomization(file string, data []byte) (validate.FixedKustomization, error) {
	full, err := filepath.Abs(file)
	if err == nil {
		full, err = filepath.EvalSymlinks(full)
	}
	if err != nil {
		return validate.FixedKustomization{}, err
	}
	return validate.FixKustomization(data, func(text []byte) ([]byte, error) {
		if docs, err := render.SplitDocuments(text); err == nil && len(docs) == 1 && render.Scalar(docs[0], "kind") == "Component" {
			return nil, errors.New("a Component changes what others build; `cyan validate --fix DIR` of a kustomization that has it writes it")
		}
		result, err := buildEdited(filepath.Dir(file), render.Settings{AnyFile: true}, map[string][]byte{full: text})
		if err != nil {
			return nil, err
		}
		return render.Encode(result.Objects)
	}), nil
}
