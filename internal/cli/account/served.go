package account

import (
	"context"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/remote"
)

// canIThroughServer answers for who is logged in to a server, and reports whether somebody is. What is asked for
// another account is for the kubeconfig.
func canIThroughServer(cmd *cobra.Command, a *kit.Control, args []string) (bool, error) {
	for _, flag := range []string{"account", "groups", "why"} {
		if cmd.Flags().Changed(flag) {
			return false, nil
		}
	}
	s, is, err := kit.Remote(a.Env)
	if err != nil || !is {
		return false, err
	}
	may, err := s.CanI(cmd.Context(), args[0], args[1], args[2])
	if err != nil {
		return true, err
	}
	answer := "no"
	if may {
		answer = "yes"
	}
	return true, a.Say(answer)
}

// passwords are what a password is changed by.
type passwords struct{ account, current, next string }

// passwordThroughServer changes a password at the wish of who is logged in to a server.
func passwordThroughServer(ctx context.Context, a *kit.Control, s remote.Server, p passwords) error {
	var err error
	if p.current == "" {
		if p.current, err = a.Secret("current password of who is logged in: "); err != nil {
			return err
		}
	}
	if p.next == "" {
		if p.next, err = a.Secret("new password: "); err != nil {
			return err
		}
	}
	body := map[string]string{"name": p.account, "currentPassword": p.current, "newPassword": p.next}
	if err := s.Do(ctx, http.MethodPut, "/api/v1/account/password", nil, body, nil); err != nil {
		return err
	}
	a.Note("sessions of the account have ended: log in again with %s", a.Command("relogin"))
	return a.Say("Password updated")
}

// userInfo is who is logged in, as it is printed.
type userInfo struct {
	LoggedIn bool     `json:"loggedIn"`
	Username string   `json:"username,omitempty"`
	Issuer   string   `json:"iss,omitempty"`
	Groups   []string `json:"groups,omitempty"`
}

func newGetUserInfo(a *kit.Control) *cobra.Command {
	var out kit.Format
	cmd := &cobra.Command{
		Use: "get-user-info", Short: "Show who is logged in to the server", Example: "  cyan account get-user-info", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			s, is, err := kit.Remote(a.Env)
			if err != nil {
				return err
			}
			if !is {
				return kit.Usage(cmd.CommandPath(), "not logged in to a server", "rights are those of the kubeconfig's user: see `kubectl auth whoami`")
			}
			var info userInfo
			if err := s.Do(cmd.Context(), http.MethodGet, "/api/v1/session/userinfo", nil, nil, &info); err != nil {
				return err
			}
			if out.Machine() {
				return a.Dump(info, out.Value)
			}
			lines := []string{"Logged In: false"}
			if info.LoggedIn {
				lines = []string{"Logged In: true", "Username: " + info.Username, "Issuer: " + info.Issuer, "Groups: " + strings.Join(info.Groups, ",")}
			}
			return a.SayAll(lines)
		},
	}
	out.Bind(cmd, kit.JSON, kit.YAML)
	return cmd
}
