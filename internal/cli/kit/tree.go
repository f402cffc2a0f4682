package kit

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cd/cyan/internal/problem"
)

// NotServed are commands that other programs have and this one has not: from the words below the root to what to do
// instead. What is below a command is not served either.
type NotServed map[string]string

// NotServedFlags are flags that other programs have and this one has not: from a flag, or the beginning of several that
// ends with a hyphen, to what to do instead.
type NotServedFlags map[string]string

// instead returns what to do in place of a flag.
func (f NotServedFlags) instead(flag string) (string, bool) {
	if remedy, ok := f[flag]; ok {
		return remedy, true
	}
	for at := strings.LastIndex(flag, "-"); at > 0; at = strings.LastIndex(flag[:at], "-") {
		if remedy, ok := f[flag[:at+1]]; ok {
			return remedy, true
		}
	}
	return "", false
}

// Settle makes every command of a tree answer a wrong command line alike: one line on stderr, and exit code 2.
// A group of commands without a command prints its help to stderr.
func Settle(root *cobra.Command, notServed NotServed, flags NotServedFlags) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Example = "  " + root.CommandPath() + " help " + anExample(root)
		case "completion":
			cmd.Example = "  source <(" + root.Name() + " completion bash)"
			for _, shell := range cmd.Commands() {
				shell.Example = "  " + root.Name() + " completion " + shell.Name()
			}
		}
	}
	settle(root, notServed)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		// A flag of a command that does not exist is unknown because the command is.
		if args := cmd.Flags().Args(); cmd.HasSubCommands() && len(args) > 0 {
			return unknownCommand(cmd, args, notServed)
		}
		var unknown *pflag.NotExistError
		if errors.As(err, &unknown) {
			if instead, ok := flags.instead(unknown.GetSpecifiedName()); ok && unknown.GetSpecifiedShortnames() == "" {
				return Usage(cmd.CommandPath(), "--"+unknown.GetSpecifiedName()+" is not served by Cyan", instead)
			}
		}
		return Usage(cmd.CommandPath(), err.Error(), "`"+cmd.CommandPath()+" --help` lists its flags")
	})
}

// anExample returns the name of the first command of a tree.
func anExample(root *cobra.Command) string { return root.Commands()[0].Name() }

func settle(cmd *cobra.Command, notServed NotServed) {
	for _, below := range cmd.Commands() {
		settle(below, notServed)
	}
	switch {
	case cmd.Name() == "help" && cmd.Parent() == cmd.Root():
		settleHelp(cmd, notServed)
	case cmd.HasSubCommands():
		settleGroup(cmd, notServed)
	default:
		settleLeaf(cmd)
	}
}

func settleGroup(cmd *cobra.Command, notServed NotServed) {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args, notServed)
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if cmd == cmd.Root() {
			return cmd.Help()
		}
		cmd.SetOut(cmd.ErrOrStderr())
		_ = cmd.Help()
		return &problem.Error{Kind: problem.Usage, Object: cmd.CommandPath(), Cause: "a command is missing", Reported: true}
	}
}

// settleLeaf checks flags that are required or exclude each other together with the arguments, so that all are usage
// errors.
func settleLeaf(cmd *cobra.Command) {
	if cmd.DisableFlagParsing {
		return
	}
	args := cmd.Args
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		var err error
		if args != nil {
			err = args(cmd, given)
		}
		if err == nil {
			err = cmd.ValidateRequiredFlags()
		}
		if err == nil {
			err = cmd.ValidateFlagGroups()
		}
		if err == nil || problem.Of(err) != nil {
			return err
		}
		return Usage(cmd.CommandPath(), err.Error(), "`"+cmd.CommandPath()+" --help` shows how it is written")
	}
}

// settleHelp has the help of a command that does not exist be an error.
func settleHelp(cmd *cobra.Command, notServed NotServed) {
	cmd.Run = nil
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		about, rest, err := cmd.Root().Find(args)
		if err != nil {
			return err
		}
		if len(rest) > 0 && about.HasSubCommands() {
			return unknownCommand(about, rest, notServed)
		}
		about.InitDefaultHelpFlag()
		about.InitDefaultVersionFlag()
		return about.Help()
	}
}

// unknownCommand names what was probably meant, or what to do in place of what another program has.
func unknownCommand(group *cobra.Command, args []string, notServed NotServed) error {
	words := strings.Fields(strings.TrimPrefix(group.CommandPath(), group.Root().CommandPath()))
	for i := range args {
		asked := strings.Join(append(words, args[:i+1]...), " ")
		if instead, ok := notServed[asked]; ok {
			return Usage(group.Root().CommandPath()+" "+asked, "not served by Cyan", instead)
		}
	}
	remedy := "`" + group.CommandPath() + " --help` lists its commands"
	var there []string
	for _, below := range group.Commands() {
		if below.IsAvailableCommand() || below.Name() == "help" {
			there = append(append(there, below.Name()), below.Aliases...)
		}
	}
	if near := Closest(args[0], there); near != "" {
		remedy = fmt.Sprintf("did you mean %q?", near)
	}
	return Usage(group.CommandPath(), fmt.Sprintf("unknown command %q", args[0]), remedy)
}
