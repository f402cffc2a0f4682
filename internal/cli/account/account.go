// Package account is about the accounts of an installation: their passwords and tokens, and what they may do.
package account

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/access"
	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/problem"
)

// New makes the command account.
func New(e *kit.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "account", Short: "Accounts of people and machines: passwords, tokens, and what they may do",
		Long: `Accounts of people and machines: passwords, tokens, and what they may do.

Accounts are written into ConfigMap argocd-cm, as accounts.NAME: login, apiKey; admin is there always. What they may do
is in ConfigMap argocd-rbac-cm and in the roles of projects. These commands read and write the cluster with the rights
of the kubeconfig's user; for who has logged in to a server, update-password, can-i and get-user-info go through it.`,
		Example: `  cyan account list
  cyan account update-password --account alice
  cyan account can-i sync applications 'shop/*' --account alice`,
	}
	a := kit.NewControl(e, cmd)
	cmd.AddCommand(newList(a), newGet(a), newUpdatePassword(a), newBcrypt(a), newGenerateToken(a), newDeleteToken(a), newCanI(a), newGetUserInfo(a))
	return cmd
}

// Of returns the accounts of the cluster that a command works on.
func Of(a *kit.Control) (auth.Accounts, client.Client, error) {
	c, err := a.Connect()
	if err != nil {
		return auth.Accounts{}, nil, err
	}
	return auth.Accounts{Objects: auth.ClusterObjects{Client: c, Namespace: a.Namespace}, Now: time.Now}, c, nil
}

// Written reads what the cluster has about who may do what.
func Written(ctx context.Context, a *kit.Control, c client.Client) (access.Written, error) {
	var w access.Written
	for name, into := range map[string]*map[string]string{access.ConfigMapName: &w.Policies, auth.ConfigName: &w.Settings} {
		found := &corev1.ConfigMap{}
		if err := c.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: name}, found); client.IgnoreNotFound(err) != nil {
			return w, a.Explain(err, "reading ConfigMap "+name)
		}
		*into = found.Data
	}
	projects := &v1alpha1.AppProjectList{}
	if err := c.List(ctx, projects, client.InNamespace(a.Namespace)); err != nil {
		return w, a.Explain(err, "listing AppProjects")
	}
	w.Projects = kit.Pointers(projects.Items)
	return w, nil
}

// accountFlag adds the flag that names an account.
func accountFlag(a *kit.Control, cmd *cobra.Command, into *string) {
	cmd.Flags().StringVarP(into, "account", "a", access.AdminName, "the account's name")
	_ = cmd.RegisterFlagCompletionFunc("account", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.Completion(cmd, func(ctx context.Context, c client.Client) ([]string, error) {
			all, err := auth.Accounts{Objects: auth.ClusterObjects{Client: c, Namespace: a.Namespace}, Now: time.Now}.List(ctx)
			names := make([]string, len(all))
			for i := range all {
				names[i] = all[i].Name
			}
			return names, err
		})
	})
}

// listed is an account as it is printed.
type listed struct {
	Name         string         `json:"name"`
	Enabled      bool           `json:"enabled"`
	Capabilities []string       `json:"capabilities"`
	Tokens       []access.Token `json:"tokens,omitempty"`
}

func shown(a auth.Account) listed {
	l := listed{Name: a.Name, Enabled: a.Enabled, Capabilities: []string{}, Tokens: a.Tokens}
	if a.Login {
		l.Capabilities = append(l.Capabilities, "login")
	}
	if a.APIKey {
		l.Capabilities = append(l.Capabilities, "apiKey")
	}
	return l
}

func (l listed) capabilities() string { return strings.Join(l.Capabilities, ", ") }

// warn notes what of the settings of accounts is not as it should be.
func warn(a *kit.Control, found []*problem.Error) {
	for _, f := range found {
		a.Note("warning: %s", f)
	}
}
