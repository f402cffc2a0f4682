package skaffold

import (
	"encoding/json"
	"os"
	"strings"
	"text/template"

	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// Build is an image that was built, as the skaffold program writes it to files.
type Build struct {
	Image string `json:"imageName"`
	// Tag is the whole reference: repository:tag, and the digest where it is known.
	Tag string `json:"tag"`
}

// Builds are those of a file.
type Builds struct {
	Builds []Build `json:"builds"`
}

// given are images that were built before.
type given struct {
	file   string
	images []string
}

func (g *given) bind(flags *pflag.FlagSet) {
	flags.StringVarP(&g.file, "build-artifacts", "a", "", "file with images, as skaffold build --file-output writes it")
	flags.StringSliceVarP(&g.images, "images", "i", nil, "images that were built before, REF or NAME=REF; may be repeated")
}

func (g given) any() bool { return g.file != "" || len(g.images) > 0 }

// refs returns the images by their names. One that the project builds and that is missing is an error.
func (g given) refs(all []skaffold.Artifact) (map[string]string, error) {
	refs := map[string]string{}
	if g.file != "" {
		builds, err := readBuilds(g.file)
		if err != nil {
			return nil, err
		}
		refs = refsOf(builds)
	}
	for _, text := range g.images {
		name, ref, named := strings.Cut(text, "=")
		if !named {
			name, ref = bare(text), text
		}
		refs[desired.Name(name)] = ref
	}
	var missing []string
	for _, a := range all {
		if refs[desired.Name(a.Image)] == "" {
			missing = append(missing, a.Image)
		}
	}
	if len(missing) > 0 {
		return nil, kit.Usage(strings.TrimSpace("--build-artifacts "+g.file), "without "+strings.Join(missing, ", "), "build all images with `skaffold build --file-output`, or name them with --images")
	}
	return refs, nil
}

func refsOf(builds Builds) map[string]string {
	refs := map[string]string{}
	for _, b := range builds.Builds {
		refs[desired.Name(b.Image)] = b.Tag
	}
	return refs
}

// readBuilds reads images from a file.
func readBuilds(file string) (Builds, error) {
	data, err := os.ReadFile(file)
	var builds Builds
	if err == nil {
		err = json.Unmarshal(data, &builds)
	}
	if err != nil {
		return builds, &problem.Error{Kind: problem.Usage, Object: "--build-artifacts " + file, Cause: err.Error(), Remedy: "give a file that `skaffold build --file-output` has written", Err: err}
	}
	return builds, nil
}

// formatOf returns the template of an output; nil for none.
func formatOf(output string) (*template.Template, error) {
	if output == "" {
		return nil, nil
	}
	if output == "json" {
		output = "{{json .}}"
	}
	t, err := template.New("output").Funcs(template.FuncMap{"json": func(v any) (string, error) {
		data, err := json.Marshal(v)
		return string(data), err
	}}).Parse(output)
	if err != nil {
		return nil, kit.Usage("--output", err.Error(), "write json, or a template such as '{{json .}}'")
	}
	return t, nil
}
