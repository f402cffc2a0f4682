package skaffold

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/cli/kit"
)

// served are the settings that count, with what they do.
var served = map[string]string{
	"default-repo": "where images are pushed",
}

// configure is `skaffold config`: its flags.
type configure struct {
	*kit.Env
	file, context string
	global, all   bool
}

func newConfig(e *kit.Env) *cobra.Command {
	c := &configure{Env: e}
	cmd := &cobra.Command{Use: "config", Short: "Settings for all projects, by context", Example: "  skaffold config set default-repo registry.example/team"}
	flags := cmd.PersistentFlags()
	flags.StringVarP(&c.file, "config", "c", "", "file of settings (default ~/.skaffold/config)")
	flags.StringVarP(&c.context, "k", "k", "", "the context that they are for (default: the current one)")
	list := &cobra.Command{Use: "list", Short: "Print them", Example: "  skaffold config list --all", Args: kit.NoArgs, RunE: func(*cobra.Command, []string) error { return c.list() }}
	list.Flags().BoolVarP(&c.all, "all", "a", false, "of all contexts")
	set := &cobra.Command{Use: "set KEY VALUE", Short: "Set one", Example: "  skaffold config set --global default-repo registry.example/team", Args: kit.Exactly("KEY", "VALUE"), RunE: func(_ *cobra.Command, args []string) error { return c.set(args[0], args[1]) }}
	unset := &cobra.Command{Use: "unset KEY", Short: "Remove one", Example: "  skaffold config unset default-repo", Args: kit.Exactly("KEY"), RunE: func(_ *cobra.Command, args []string) error { return c.unset(args[0]) }}
	for _, below := range []*cobra.Command{set, unset} {
		below.Flags().BoolVarP(&c.global, "global", "g", false, "for all contexts")
		below.ValidArgs = []string{"default-repo"}
	}
	cmd.AddCommand(list, set, unset)
	return cmd
}

// chosen returns the settings, and the context that is meant; "" is all.
func (c *configure) chosen() (*settings, string, error) {
	s, err := readSettings(c.file)
	if c.global {
		return s, "", err
	}
	return s, cmp.Or(c.context, c.Kube.ContextName()), err
}

func (c *configure) list() error {
	s, context, err := c.chosen()
	if err != nil {
		return err
	}
	var shown any = s
	if !c.all {
		shown = s.of(context)
	}
	data, err := yaml.Marshal(shown)
	if err != nil {
		return fmt.Errorf("writing the settings: %w", err)
	}
	return c.Data(string(data))
}

func (c *configure) set(key, value string) error {
	if served[key] == "" {
		return kit.Usage(key, "no setting that counts here", "set "+strings.Join(keysOf(served), " or "))
	}
	s, context, err := c.chosen()
	if err != nil {
		return err
	}
	s.of(context)[key] = value
	if err := s.write(); err != nil {
		return err
	}
	return c.Say("set " + key + " of " + orElse(context, "all contexts") + " to " + value)
}

func (c *configure) unset(key string) error {
	s, context, err := c.chosen()
	if err != nil {
		return err
	}
	delete(s.of(context), key)
	if err := s.write(); err != nil {
		return err
	}
	return c.Say("unset " + key + " of " + orElse(context, "all contexts"))
}

func keysOf(m map[string]string) []string {
	var all []string
	for key := range m {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}
