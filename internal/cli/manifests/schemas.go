package manifests

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/validate"
)

// Schemas are the flags that say what is known of kinds that no cluster is asked about.
type Schemas struct {
	locations, skip []string
	ignoreMissing   bool
}

// AddTo adds the flags to a command's.
func (s *Schemas) AddTo(flags *pflag.FlagSet) {
	flags.StringArrayVar(&s.locations, "schema-location", nil, "folder with CustomResourceDefinitions, or JSON schemas GROUP/KIND_VERSION.json; may be repeated")
	flags.StringSliceVar(&s.skip, "skip", nil, "Kind, GROUP/Kind or GROUP/VERSION/Kind that is not checked when it is unknown; may be repeated")
	flags.BoolVar(&s.ignoreMissing, "ignore-missing-schemas", false, "do not check unknown kinds at all")
}

// SchemasOf are folders with schemas, and kinds that are not checked when they are unknown.
func SchemasOf(locations, skip []string) Schemas { return Schemas{locations: locations, skip: skip} }

// Known reads the folders.
func (s *Schemas) Known(namespace string) (*validate.Known, error) {
	known := &validate.Known{Skip: s.skip, IgnoreMissing: s.ignoreMissing, DefaultNamespace: namespace}
	for _, folder := range s.locations {
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			cause := "not a directory"
			if errors.Is(err, fs.ErrNotExist) {
				cause = "not found"
			} else if err != nil {
				cause = err.Error()
			}
			return nil, &problem.Error{Kind: problem.Usage, Object: "--schema-location " + folder, Cause: cause, Remedy: "name a folder with schemas", Err: err}
		}
		found, err := validate.ReadSchemas(os.DirFS(folder))
		if err != nil {
			if p := problem.Of(err); p != nil {
				located := *p
				located.Object = "--schema-location " + folder
				return nil, &located
			}
			return nil, err
		}
		if len(found) == 0 {
			return nil, &problem.Error{Kind: problem.Usage, Object: "--schema-location " + folder, Cause: "no schema in it", Remedy: "name a folder with CustomResourceDefinitions, or JSON schemas GROUP/KIND_VERSION.json"}
		}
		known.CRDs = append(known.CRDs, found...)
	}
	return known, nil
}
