package account

import (
	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/cli/kit"
)

func newCanI(a *kit.Control) *cobra.Command {
	var name string
	var groups []string
	var why bool
	cmd := &cobra.Command{
		Use: "can-i ACTION RESOURCE OBJECT", Short: "Print yes or no: whether policies allow an account to do something",
		Long: `Print yes or no: whether policies allow an account to do something.

RESOURCE and ACTION are those of the policies in ConfigMap argocd-rbac-cm, and OBJECT is PROJECT/APPLICATION, or the
name of what stands outside of projects. Each of the three may be a pattern, such as *: yes means all that fits
it, and no that something is not allowed, of which --why names one.`,
		Example: `  cyan account can-i sync applications shop/web --account alice
  cyan account can-i create clusters '*' --why
  cyan account can-i '*' applications 'shop/*' --account alice`,
		Args: kit.Exactly("the action", "the resource", "the object"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if done, err := canIThroughServer(cmd, a, args); done || err != nil {
				return err
			}
			c, err := a.Connect()
			if err != nil {
				return err
			}
			written, err := Written(cmd.Context(), a, c)
			if err != nil {
				return err
			}
			policy, found := access.Parse(written)
			warn(a, found)
			asked, err := access.Call{Action: args[0], Resource: args[1], Object: args[2]}.Each()
			if err != nil {
				return err
			}
			decision := policy.Of(access.Subject{Name: name, Groups: groups}).DecideAll(asked)
			answer := "no"
			if decision.Allowed {
				answer = "yes"
			}
			if why {
				a.Note("%s", decision)
			}
			return a.Say(answer)
		},
	}
	accountFlag(a, cmd, &name)
	f := cmd.Flags()
	f.StringSliceVar(&groups, "groups", nil, "groups that an issuer would name, for the rights of its users")
	f.BoolVar(&why, "why", false, "print the line that decides as well, to standard error")
	return cmd
}
