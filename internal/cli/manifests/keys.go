package manifests

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/render/sops"
)

// Keys returns the age keys of whoever runs the program, from where SOPS has them: SOPS_AGE_KEY, the file that
// SOPS_AGE_KEY_FILE names, or else sops/age/keys.txt in the folder of configurations.
func Keys() (sops.Keys, error) {
	file, named := os.LookupEnv("SOPS_AGE_KEY_FILE")
	if !named {
		configurations, err := os.UserConfigDir()
		if err != nil {
			configurations = ""
		}
		file = filepath.Join(configurations, "sops", "age", "keys.txt")
	}
	text, err := os.ReadFile(file)
	if err != nil && (named || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission)) {
		return sops.Keys{}, &problem.Error{Kind: problem.Usage, Object: "SOPS_AGE_KEY_FILE " + file, Cause: err.Error(), Remedy: "name a file with age keys, or unset it", Err: err}
	}
	keys, err := sops.ParseKeys(os.Getenv("SOPS_AGE_KEY"), string(text))
	if err != nil {
		return sops.Keys{}, &problem.Error{Kind: problem.Usage, Object: "age keys of SOPS_AGE_KEY or " + file, Cause: err.Error(), Err: err}
	}
	return keys, nil
}
