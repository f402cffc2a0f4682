package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/cyan-cd/cyan/localcluster/internal/state"
)

// Load reads the settings of a cluster; those of one that has none are empty.
func Load(dir state.Dir) (Settings, error) { return LoadFile(dir.Settings()) }

// LoadFile reads settings from a file.
func LoadFile(file string) (Settings, error) {
	var s Settings
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return s, fmt.Errorf("reading the cluster's settings: %w; start it with --config again", err)
	}
	return s, nil
}

// Save writes the settings of a cluster, for its owner alone: there can be passwords in them.
func Save(dir state.Dir, s Settings) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the cluster's settings: %w", err)
	}
	return state.WriteFile(dir.Settings(), append(data, '\n'), 0o600)
}

// Resolve returns the account for a registry: that of the settings, or whoever docker's configuration names.
func (s Settings) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	r, ok := s.Registries[resource.RegistryStr()]
	if !ok || r.Username == "" {
		return authn.DefaultKeychain.Resolve(resource)
	}
	password := r.Password
	if r.PasswordFile != "" {
		data, err := os.ReadFile(r.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("reading the password of %s: %w", resource.RegistryStr(), err)
		}
		password = strings.TrimSpace(string(data))
	}
	return &authn.Basic{Username: r.Username, Password: password}, nil
}
