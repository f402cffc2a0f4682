package admin

import (
	"cmp"
	"context"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/cli/account"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

// policies are where the policies are that a command tries.
type policies struct {
	*kit.Control
	file, defaultRole string
	builtIn           bool
}

func (o *policies) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.file, "policy-file", "", "CSV, or the ConfigMap "+access.ConfigMapName+" as YAML, in place of what the cluster has")
	f.BoolVar(&o.builtIn, "use-builtin-policy", true, "with the roles that are always there")
}

// read returns the policies, of the file or of the cluster.
func (o *policies) read(ctx context.Context) (access.Policy, []*problem.Error, error) {
	written, err := o.written(ctx)
	if err != nil {
		return access.Policy{}, nil, err
	}
	written.WithoutBuiltIn = !o.builtIn
	if o.defaultRole != "" {
		written.Policies = withKey(written.Policies, "policy.default", o.defaultRole)
	}
	p, found := access.Parse(written)
	return p, found, nil
}

func (o *policies) written(ctx context.Context) (access.Written, error) {
	if o.file != "" {
		data, err := readPolicies(o.Control, o.file)
		return access.Written{Policies: data}, err
	}
	_, c, err := account.Of(o.Control)
	if err != nil {
		return access.Written{}, err
	}
	return account.Written(ctx, o.Control, c)
}

func withKey(data map[string]string, key, value string) map[string]string {
	with := map[string]string{key: value}
	for k, v := range data {
		if k != key {
			with[k] = v
		}
	}
	return with
}

// readPolicies reads a file of lines, or a ConfigMap.
func readPolicies(a *kit.Control, file string) (map[string]string, error) {
	text, err := a.ReadInput(file)
	if err != nil {
		return nil, &problem.Error{Kind: problem.Usage, Object: "--policy-file", Cause: err.Error(), Remedy: "name a file that can be read", Err: err}
	}
	m := &corev1.ConfigMap{}
	if yaml.Unmarshal(text, m) == nil && m.Kind == "ConfigMap" {
		return m.Data, nil
	}
	return map[string]string{"policy.csv": string(text)}, nil
}

func newRBAC(a *kit.Control) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rbac", Short: "Try the policies of ConfigMap " + access.ConfigMapName + " and of the roles of projects",
		Example: `  cyan admin settings rbac can role:readonly get applications 'shop/*'
  cyan admin settings rbac validate --policy-file policy.csv`,
	}
	cmd.AddCommand(newRBACCan(a), newRBACValidate(a))
	return cmd
}

// shortNames are those by which the argocd program knows resources too.
var shortNames = map[string]string{
	"app": access.Applications, "apps": access.Applications, "application": access.Applications, "appset": access.ApplicationSets, "appsets": access.ApplicationSets, "applicationset": access.ApplicationSets,
	"cert": access.Certificates, "certs": access.Certificates, "certificate": access.Certificates, "cluster": access.Clusters, "account": access.Accounts, "log": access.Logs,
	"gpgkey": access.GPGKeys, "key": access.GPGKeys, "proj": access.Projects, "projs": access.Projects, "project": access.Projects, "repo": access.Repositories, "repos": access.Repositories,
	"repository": access.Repositories, "rollout": access.Rollouts, "delivery": access.Deliveries, "extension": access.Extensions,
}

func newRBACCan(a *kit.Control) *cobra.Command {
	o := &policies{Control: a}
	var quiet, strict bool
	cmd := &cobra.Command{
		Use: "can SUBJECT ACTION RESOURCE [OBJECT]", Short: "Print Yes or No: whether a role or a subject may do something; ends with 1 for No",
		Example: `  cyan admin settings rbac can role:readonly get applications 'shop/*'
  cyan admin settings rbac can my-org:team sync apps shop/web --default-role role:readonly`,
		Args: kit.Between(3, 4, "the role or subject", "the action", "the resource"), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			call := callOf(args)
			asked, err := call.Each()
			if err != nil && strict {
				return err
			} else if err != nil {
				asked = []access.Call{call}
			}
			p, found, err := o.read(cmd.Context())
			if err != nil {
				return err
			}
			for _, f := range found {
				a.Note("warning: %s", f)
			}
			decision := p.Of(access.Subject{Name: args[0]}).DecideAll(asked)
			if !quiet {
				a.Note("%s", decision)
				if err := a.Say(map[bool]string{true: "Yes", false: "No"}[decision.Allowed]); err != nil {
					return err
				}
			}
			if !decision.Allowed {
				return &kit.Exit{Code: 1}
			}
			return nil
		},
	}
	o.bind(cmd)
	f := cmd.Flags()
	f.StringVar(&o.defaultRole, "default-role", "", "the role that everybody has, in place of policy.default")
	f.BoolVarP(&quiet, "quiet", "q", false, "print nothing; see with what it ends")
	f.BoolVar(&strict, "strict", true, "refuse actions and resources that no policy can be about")
	return cmd
}

// callOf makes the call that the arguments of can name.
func callOf(args []string) access.Call {
	call := access.Call{Action: args[1], Resource: cmp.Or(shortNames[args[2]], args[2]), Object: "*"}
	if len(args) > 3 {
		call.Object = args[3]
	}
	return call
}

func newRBACValidate(a *kit.Control) *cobra.Command {
	o := &policies{Control: a}
	cmd := &cobra.Command{
		Use: "validate", Short: "Name the lines of policies that are not understood, and ends with 1 when there are any", Example: "  cyan admin settings rbac validate --policy-file policy.csv", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, found, err := o.read(cmd.Context())
			if err != nil {
				return err
			}
			if len(found) == 0 {
				return a.Say("Policy is valid.")
			}
			lines := make([]string, len(found))
			for i, f := range found {
				lines[i] = f.Error()
			}
			slices.Sort(lines)
			if err := a.SayAll(lines); err != nil {
				return err
			}
			return &kit.Exit{Code: 1}
		},
	}
	o.bind(cmd)
	return cmd
}
