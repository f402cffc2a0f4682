package source

import (
	"errors"
	"testing"
)

// TestWhatGitSaidIsReadable: what git prints becomes one line, with what to do.
func TestWhatGitSaidIsReadable(t *testing.T) {
	for _, c := range []struct {
		name, stderr string
		is           error
		want         string
	}{
		{"no credentials are known", "fatal: could not read Username for 'https://h': terminal prompts disabled\n", ErrDenied,
			"repository https://h/x: asking: credentials are required, and none are known for it; add them with `cyan repo add URL --username NAME --password-stdin`"},
		{"the credentials are wrong", "remote: HTTP Basic: Access denied.\nfatal: Authentication failed for 'https://h/x/'\n", ErrDenied,
			"repository https://h/x: asking: HTTP Basic: Access denied. Authentication failed for 'https://h/x/'; check the credentials of the repository and what they allow"},
		{"ssh has a reason", "git@h: Permission denied (publickey).\r\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n", ErrDenied,
			"repository https://h/x: asking: git@h: Permission denied (publickey); check the credentials of the repository and what they allow"},
		{"there is nothing", "fatal: '/nowhere' does not appear to be a git repository\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n", ErrNoRepository,
			"repository https://h/x: asking: '/nowhere' does not appear to be a git repository; check the URL, and that the credentials may see it"},
		{"git alone speaks", "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n", ErrUnreachable,
			"repository https://h/x: asking: Could not read from remote repository; check the network and the host"},
		{"nothing is said", "", nil, "repository https://h/x: asking: git gave no reason"},
	} {
		err := diagnose("https://h/x", "asking", c.stderr, nil)
		if err.Error() != c.want || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s:\ngot  %v\nwant %s", c.name, err, c.want)
		}
	}
}
