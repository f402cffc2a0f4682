package kit

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Exactly wants so many arguments, and names the one that is missing.
func Exactly(what ...string) cobra.PositionalArgs { return Between(len(what), len(what), what...) }

// AtLeast wants those arguments, and takes more.
func AtLeast(what ...string) cobra.PositionalArgs { return Between(len(what), -1, what...) }

// AtMost takes up to so many arguments.
func AtMost(most int) cobra.PositionalArgs { return Between(0, most) }

// NoArgs takes no argument.
func NoArgs(cmd *cobra.Command, args []string) error { return Between(0, 0)(cmd, args) }

// Between wants at least and at most so many arguments; most is negative for no limit. what are for messages: the
// arguments that must be there.
func Between(least, most int, what ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := Counted(least, most, what...)(cmd, args); err != nil {
			return err
		}
		for i, arg := range args {
			if i < least && strings.TrimSpace(arg) == "" {
				return Usage(cmd.CommandPath(), what[i]+" is empty", written(cmd))
			}
		}
		return nil
	}
}

func written(cmd *cobra.Command) string { return "write it as `" + cmd.UseLine() + "`" }

// Counted is Between for arguments that may be empty, such as the core group.
func Counted(least, most int, what ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return Usage(cmd.CommandPath(), what[len(args)]+" is missing", written(cmd))
		case most >= 0 && len(args) > most:
			return Usage(cmd.CommandPath(), fmt.Sprintf("unexpected argument %q", args[most]), written(cmd))
		}
		return nil
	}
}
