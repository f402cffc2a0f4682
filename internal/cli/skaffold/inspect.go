package skaffold

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/skaffold"
)

// inspect is `skaffold inspect`: what there is in a file, for programs.
type inspect struct {
	project
	format string
}

// listed are the answers of `skaffold inspect`, as that program writes them.
type (
	listedModule struct {
		Name string `json:"name"`
		Path string `json:"path"`
	}
	listedProfile struct {
		Name   string `json:"name"`
		Path   string `json:"path"`
		Module string `json:"module,omitempty"`
	}
)

func newInspect(e *kit.Env) *cobra.Command {
	c := &inspect{project: project{Env: e}}
	cmd := &cobra.Command{Use: "inspect", Short: "The modules and profiles of a skaffold.yaml, for programs", Example: "  skaffold inspect profiles list"}
	flags := cmd.PersistentFlags()
	c.bind(flags)
	flags.StringVar(&c.format, "format", "json", "json")
	cmd.AddCommand(c.group("modules", "Modules of the file, and of those that it requires", func(all []skaffold.Module) any {
		found := []listedModule{}
		for _, m := range all {
			found = append(found, listedModule{m.Name, c.on(m.File)})
		}
		return map[string]any{"modules": found}
	}), c.group("profiles", "Profiles of all modules", func(all []skaffold.Module) any {
		found := []listedProfile{}
		for _, m := range all {
			for _, name := range m.Profiles {
				found = append(found, listedProfile{name, c.on(m.File), m.Name})
			}
		}
		return map[string]any{"profiles": found}
	}))
	return cmd
}

// group is a noun of `skaffold inspect`, which lists.
func (c *inspect) group(noun, short string, of func([]skaffold.Module) any) *cobra.Command {
	cmd := &cobra.Command{Use: noun, Short: short, Example: "  skaffold inspect " + noun + " list"}
	cmd.AddCommand(&cobra.Command{Use: "list", Short: "List them", Example: "  skaffold inspect " + noun + " list", Args: kit.NoArgs, RunE: func(*cobra.Command, []string) error {
		if c.format != kit.JSON {
			return kit.Usage("--format", "unknown value "+c.format, "give json")
		}
		result, err := c.read("inspect")
		if err != nil {
			return err
		}
		return c.Dump(of(result.Modules), kit.JSON)
	}})
	return cmd
}

// on returns where a file is on this machine.
func (c *inspect) on(file string) string { return filepath.Join(c.root, filepath.FromSlash(file)) }

func newSchema(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{Use: "schema", Short: "The versions of skaffold.yaml that are read", Example: "  skaffold schema list"}
	cmd.AddCommand(&cobra.Command{Use: "list", Short: "List them, oldest first", Example: "  skaffold schema list", Args: kit.NoArgs, RunE: func(*cobra.Command, []string) error {
		return e.SayAll(skaffold.Versions())
	}})
	return cmd
}
