package source

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Signing is how the owner of a working copy signs their commits. The zero value signs none.
type Signing struct{ settings []gitSetting }

// Signs reports whether commits are signed.
func (s Signing) Signs() bool { return len(s.settings) > 0 }

// signingKeys are the settings of git that say how to sign, and by which program and key.
var signingKeys = []string{"gpg.format", "gpg.program", "gpg.openpgp.program", "gpg.x509.program", "gpg.ssh.program", "gpg.ssh.defaultKeyCommand", "user.signingKey"}

// signingVariables are where the programs that sign find keys and agents.
var signingVariables = []string{"GNUPGHOME", "GPG_AGENT_INFO", "GPG_TTY", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "DISPLAY", "DBUS_SESSION_BUS_ADDRESS"}

// Signing returns how the owner of a working copy signs commits, where commit.gpgsign asks for it; a mirror has no
// owner.
func (c *Checkout) Signing(ctx context.Context) (Signing, error) {
	if c.of != nil {
		return Signing{}, nil
	}
	signs, err := c.setting(ctx, "commit.gpgSign", "--type=bool")
	if err != nil || signs != "true" {
		return Signing{}, err
	}
	signing := Signing{settings: []gitSetting{{"commit.gpgSign", "true"}}}
	key := false
	for _, name := range signingKeys {
		value, err := c.setting(ctx, name)
		if err != nil {
			return Signing{}, err
		}
		if value != "" {
			signing.settings = append(signing.settings, gitSetting{name, value})
			key = key || name == "user.signingKey"
		}
	}
	if key {
		return signing, nil
	}
	// Without a key of their own, commits are signed with the key of who makes them: the owner's here, not Cyan's.
	email, err := c.setting(ctx, "user.email")
	if err == nil && email != "" {
		signing.settings = append(signing.settings, gitSetting{"user.signingKey", email})
	}
	return signing, err
}

// setting returns a setting of git, "" when it is not set.
func (c *Checkout) setting(ctx context.Context, name string, flags ...string) (string, error) {
	value, err := c.run(ctx, append(append([]string{"config"}, flags...), "--get", name)...)
	var exit *exitError
	if err != nil && !errors.As(err, &exit) {
		return "", fmt.Errorf("reading %s of %s: %w", name, c.Dir, err)
	}
	return value, nil
}

// call adds to a call of git that makes a commit what it takes to sign it.
func (s Signing) call(c gitCall) gitCall {
	if !s.Signs() {
		return c
	}
	c.config = append(c.config, s.settings...)
	for _, name := range signingVariables {
		if value, ok := os.LookupEnv(name); ok {
			c.env = append(c.env, name+"="+value)
		}
	}
	return c
}

// flag is the flag of commit-tree.
func (s Signing) flag() string {
	if s.Signs() {
		return "--gpg-sign"
	}
	return "--no-gpg-sign"
}
