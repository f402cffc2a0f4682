package state

import (
	"os/exec"
	"testing"
)

// Commands that messages show can be pasted into a shell, whatever the cluster's directory is called.
func TestShellWord(t *testing.T) {
	for path, want := range map[string]string{
		"/root/.local/share/cyan": "/root/.local/share/cyan", "/home/ada/my own": "'/home/ada/my own'", "/tmp/it's": `'/tmp/it'\''s'`,
		"/tmp/$HOME": "'/tmp/$HOME'", "/tmp/a;b": "'/tmp/a;b'", "~": "'~'", "": "''", "/tmp/größe": "'/tmp/größe'", "/tmp/a\nb": "'/tmp/a\nb'",
	} {
		got := ShellWord(path)
		if got != want {
			t.Errorf("%q: got %s, want %s", path, got, want)
		}
		out, err := exec.Command("sh", "-c", "printf %s "+got).Output()
		if err != nil || string(out) != path {
			t.Errorf("%q: a shell reads %q, %v", path, out, err)
		}
	}
}

func TestFlagOfTheUsualDirectory(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/tmp/of Ada")
	for path, want := range map[string]string{"": "", "/tmp/of Ada/cyan": "", "/tmp/of Ada/b": " --dir '/tmp/of Ada/b'", "/tmp/b": " --dir /tmp/b"} {
		dir, err := At(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := dir.Flag(); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}
