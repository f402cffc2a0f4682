package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// BinDir comes first in the PATH of a node's parts.
func BinDir(dir state.Dir) string { return filepath.Join(dir.Run, "bin") }

// chooseIptables makes the parts use the older kind of iptables where the kernel lacks what the usual kind needs.
// Debian brings both.
func chooseIptables(dir state.Dir) error {
	usual, err := tryIptables("iptables")
	if err == nil {
		return nil
	}
	if _, err := tryIptables("iptables-legacy"); err != nil {
		return fmt.Errorf("iptables does not work on this machine's kernel (%s): load its modules (modprobe iptable_nat nf_tables), or take --nodes simulated", usual)
	}
	legacy, err := exec.LookPath("xtables-legacy-multi")
	if err != nil {
		return fmt.Errorf("finding the older iptables: %w", err)
	}
	for _, name := range []string{"iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore"} {
		if err := os.Symlink(legacy, filepath.Join(BinDir(dir), name)); err != nil {
			return fmt.Errorf("choosing the older iptables: %w", err)
		}
	}
	return nil
}

func tryIptables(program string) (said string, err error) {
	cmd := exec.Command(program, "-t", "nat", "-S")
	cmd.Env = append(os.Environ(), "XTABLES_LOCKFILE=/dev/null")
	out, err := cmd.CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line, err
}
