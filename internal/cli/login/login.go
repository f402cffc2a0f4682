// Package login is about servers that commands go through: logging in and out, and which log-in is used.
package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cd/cyan/internal/cli/kit"
	"github.com/cyan-cd/cyan/internal/cli/remote"
	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/problem"
)

// New makes the commands about log-ins.
func New(e *kit.Env) []*cobra.Command {
	return []*cobra.Command{newLogin(e), newLogout(e), newRelogin(e), newContext(e)}
}

type command struct {
	*kit.Env
	username, password, name string
	sso                      bool
	port                     int
	launch                   bool
}

func newLogin(e *kit.Env) *cobra.Command {
	o := &command{Env: e}
	cmd := &cobra.Command{
		Use: "login SERVER", Short: "Log in to a server, which commands go through from then on",
		Long: `Log in to a server, which commands go through from then on: with the password of an account, or in the browser by the issuer that the server names.

Commands about Applications (list, get, sync, wait, rollback, history, terminate-op, create, set, patch, delete) then have the rights of who is logged in; all
others, and all where --core, --kubeconfig or --context is given, those of the kubeconfig. The log-in is kept in ~/.config/argocd/config.`,
		Example: `  cyan login localhost:8080 --username admin
  cyan login cd.example --sso
  cyan login --core                     # use the kubeconfig again`,
		Args: o.args, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.username, "username", "", "the account; asked for without it")
	f.StringVar(&o.password, "password", "", "its password; without it, it is asked for or read from standard input, which keeps it out of the shell's history")
	f.StringVar(&o.name, "name", "", "name of the log-in; that of the server without it")
	o.bindBrowser(cmd)
	f.BoolVar(&o.sso, "sso", false, "log in in the browser, by the issuer that the server names")
	e.Idle(cmd, "the server is asked by its HTTP API", "grpc-web", "skip-test-tls")
	return cmd
}

func (o *command) bindBrowser(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&o.port, "sso-port", 8085, "port of this machine that the issuer sends the browser back to")
	f.BoolVar(&o.launch, "sso-launch-browser", true, "open the browser; false prints the address alone")
}

// args wants a server, unless the kubeconfig is to be used.
func (o *command) args(cmd *cobra.Command, args []string) error {
	if o.Server.Core {
		return kit.Between(0, 1, "the server")(cmd, args)
	}
	return kit.Exactly("the server's address")(cmd, args)
}

func (o *command) run(ctx context.Context, args []string) error {
	config, err := remote.ReadConfig(o.Server.Config)
	if err != nil {
		return err
	}
	if o.Server.Core {
		name := o.name
		if name == "" {
			name = remote.CoreAddress
		}
		config.LoginCore(name)
		return o.keep(config, fmt.Sprintf("Context '%s' updated: commands use the kubeconfig", name))
	}
	s, err := o.Server.At(args[0])
	if err != nil {
		return err
	}
	s.Token = ""
	if s, err = o.reach(ctx, s); err != nil {
		return err
	}
	if s.Token, err = o.token(ctx, s); err != nil {
		return err
	}
	name := o.name
	if name == "" {
		name = s.Address
	}
	who, err := whoIs(ctx, s)
	if err != nil {
		return err
	}
	config.Login(name, s)
	return o.keep(config, fmt.Sprintf("'%s' logged in successfully\nContext '%s' updated", who, name))
}

func (o *command) keep(config *remote.Config, said string) error {
	if err := config.Write(); err != nil {
		return err
	}
	return o.SayAll(strings.Split(said, "\n"))
}

// reach finds out how a server is reached: by TLS, and where that is refused by plain HTTP, or whatever its certificate
// is, when a person says so. What stays on this machine needs nobody to say so for plain HTTP.
func (o *command) reach(ctx context.Context, s remote.Server) (remote.Server, error) {
	var version struct{ Version string }
	for range 3 {
		err := s.Do(ctx, http.MethodGet, "/api/version", nil, nil, &version)
		switch {
		case err == nil:
			return s, nil
		case errors.Is(err, remote.ErrPlain) && !s.Plain:
			if !s.OnThisMachine() {
				if err := o.ask(err, fmt.Sprintf("server %s serves plain HTTP, so that others may read the password; go on?", s.Address)); err != nil {
					return s, err
				}
			}
			s.Plain = true
		case errors.Is(err, remote.ErrCertificate) && !s.Insecure:
			if err := o.ask(err, fmt.Sprintf("server %s has a certificate of an unknown authority; go on?", s.Address)); err != nil {
				return s, err
			}
			s.Insecure = true
		default:
			return s, err
		}
	}
	return s, &problem.Error{Kind: problem.Unreachable, Object: "server " + s.Address, Cause: "neither TLS nor plain HTTP is answered"}
}

// ask asks on a terminal, and returns why not elsewhere.
func (o *command) ask(why error, question string) error {
	if !term.InputIsTerminal(o.In) {
		return why
	}
	return o.Confirm(question, false)
}

// token logs in.
func (o *command) token(ctx context.Context, s remote.Server) (string, error) {
	if o.sso {
		return o.browse(ctx, s)
	}
	if o.username == "" {
		var err error
		if o.username, err = o.Ask("user name: "); err != nil {
			return "", err
		}
	}
	if o.password == "" {
		var err error
		if o.password, err = o.Secret("password of " + o.username + ": "); err != nil {
			return "", err
		}
	}
	var session struct{ Token string }
	err := s.Do(ctx, http.MethodPost, "/api/v1/session", nil, map[string]string{"username": o.username, "password": o.password}, &session)
	if remote.StatusOf(err) == http.StatusUnauthorized {
		return "", &problem.Error{Kind: problem.Refused, Object: "server " + s.Address, Cause: "invalid username or password", Remedy: "`admin initial-password` shows the first one, with the kubeconfig", Err: err}
	}
	return session.Token, err
}

// whoIs returns who is logged in.
func whoIs(ctx context.Context, s remote.Server) (string, error) {
	var info struct {
		LoggedIn bool
		Username string
	}
	if err := s.Do(ctx, http.MethodGet, "/api/v1/session/userinfo", nil, nil, &info); err != nil {
		return "", err
	}
	if !info.LoggedIn {
		return "", &problem.Error{Kind: problem.Refused, Object: "server " + s.Address, Cause: "does not take the token", Remedy: "see in its log why"}
	}
	return info.Username, nil
}

func newLogout(e *kit.Env) *cobra.Command {
	return &cobra.Command{
		Use: "logout [CONTEXT]", Short: "End a log-in, at the server too", Example: "  cyan logout cd.example", Args: kit.Between(0, 1, "the context"), ValidArgsFunction: completeContexts(e),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := remote.ReadConfig(e.Server.Config)
			if err != nil {
				return err
			}
			name := config.Current()
			if len(args) > 0 {
				name = args[0]
			}
			if name == "" {
				return kit.Usage(cmd.CommandPath(), "not logged in", "name a context")
			}
			s, is, err := config.Server(name)
			if err != nil {
				return err
			}
			if is && s.Token != "" {
				if err := s.Do(cmd.Context(), http.MethodDelete, "/api/v1/session", nil, nil, nil); err != nil {
					e.Note("warning: the session goes on at the server until it expires: %s", err)
				}
			}
			if err := config.Logout(name); err != nil {
				return err
			}
			if err := config.Write(); err != nil {
				return err
			}
			return e.Say(fmt.Sprintf("Logged out from '%s'", name))
		},
	}
}

func newRelogin(e *kit.Env) *cobra.Command {
	o := &command{Env: e}
	cmd := &cobra.Command{
		Use: "relogin", Short: "Log in again to the server of the current log-in", Example: "  cyan relogin", Args: kit.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := remote.ReadConfig(e.Server.Config)
			if err != nil {
				return err
			}
			name := config.Current()
			s, is, err := config.Server(name)
			if err != nil {
				return err
			}
			if !is {
				return kit.Usage(cmd.CommandPath(), "not logged in to a server", "log in with `login SERVER`")
			}
			if s.Token != "" && o.username == "" && o.password == "" {
				o.username, o.sso = whoWas(s.Token)
			}
			if s.Token, err = o.token(cmd.Context(), s); err != nil {
				return err
			}
			config.Login(name, s)
			return o.keep(config, fmt.Sprintf("Context '%s' updated", name))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.username, "username", "", "the account; that of the log-in before without it")
	f.StringVar(&o.password, "password", "", "its password; without it, it is asked for or read from standard input")
	o.bindBrowser(cmd)
	return cmd
}

func newContext(e *kit.Env) *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use: "context [CONTEXT]", Aliases: []string{"ctx"}, Short: "List the log-ins, or choose the one that is used", Args: kit.Between(0, 1, "the context"), ValidArgsFunction: completeContexts(e),
		Example: `  cyan context
  cyan context cd.example`,
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := remote.ReadConfig(e.Server.Config)
			if err != nil {
				return err
			}
			switch {
			case len(args) == 0 && remove:
				return kit.Usage(cmd.CommandPath(), "--delete is given without a context", "name it")
			case len(args) == 0:
				rows := [][]string{{"CURRENT", "NAME", "SERVER"}}
				for _, c := range config.Contexts() {
					mark := ""
					if c.Name == config.Current() {
						mark = "*"
					}
					rows = append(rows, []string{mark, c.Name, c.Server})
				}
				return e.Table(rows, 2)
			case remove:
				if err := config.Delete(args[0]); err != nil {
					return err
				}
				if err := config.Write(); err != nil {
					return err
				}
				return e.Say(fmt.Sprintf("Context '%s' deleted", args[0]))
			}
			if err := config.Use(args[0]); err != nil {
				return err
			}
			if err := config.Write(); err != nil {
				return err
			}
			return e.Say(fmt.Sprintf("Switched to context '%s'", args[0]))
		},
	}
	cmd.Flags().BoolVar(&remove, "delete", false, "forget the log-in")
	return cmd
}

func completeContexts(e *kit.Env) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		config, err := remote.ReadConfig(e.Server.Config)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, c := range config.Contexts() {
			names = append(names, c.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
