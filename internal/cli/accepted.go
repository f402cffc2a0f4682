package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// seconds is a duration that is also written as a bare number of seconds, as scripts for argocd do.
type seconds struct{ pflag.Value }

func (s seconds) Set(value string) error {
	if strings.Trim(value, "0123456789") == "" && value != "" {
		value += "s"
	}
	return s.Value.Set(value)
}

func (s seconds) Type() string { return "duration" }

// acceptSeconds lets a duration flag be given as a number of seconds.
func acceptSeconds(flag *pflag.Flag) { flag.Value = seconds{flag.Value} }

// withoutEffect are flags that scripts pass and that mean nothing here. Each is accepted, and said to do nothing.
func withoutEffect(e *env, root *cobra.Command, why string, flags *pflag.FlagSet) {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		f.Hidden = true
		f.Usage = "has no effect: " + why
		names = append(names, f.Name)
	})
	root.PersistentFlags().AddFlagSet(flags)
	before := root.PersistentPreRunE
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		var given []string
		for _, name := range names {
			if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
				given = append(given, "--"+name)
			}
		}
		if len(given) == 1 {
			e.note("note: %s has no effect: %s", given[0], why)
		} else if len(given) > 1 {
			e.note("note: %s have no effect: %s", strings.Join(given, ", "), why)
		}
		if before != nil {
			return before(cmd, args)
		}
		return nil
	}
}
